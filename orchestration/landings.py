"""What the sensor saw, told on the raw assets, where people look: what landed, and what is left alone, and why."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from lambdas.common.lake import contiguous, is_raw_key
from lambdas.common.notices import Put
from orchestration.days import LANDED, Day, day_metadata
from orchestration.known import failed_at, read_known
from orchestration.loads import asset_graph

Days = dict[date, set[Put]]
Event = dg.AssetMaterialization | dg.AssetObservation

OUTSIDE = "the source has no such day; `start` and `end` of its defs.yaml say which it has"
TO_COME = "the day has not begun; it loads once it has, unless `end` of its defs.yaml lies before it"
MISNAMED = "the load sets them aside, for their names break the pattern"
PAUSED = "the source is paused in its defs.yaml; the proof finds these days once it is not"
# what a tick has seen of a day is no count of the day: other objects may lie there
IN_TICK = "objects in this tick"


def landed(context: dg.SensorEvaluationContext, source: str, days: Days) -> Iterator[Event]:
    """A materialization of each day that others dropped into, or of which Dagster does not know that it has landed.

    Of what ingest lands an observation a range as well: it is most often a run that lands, and that says the day's own
    counts.
    """
    key = raw_key(source)
    days, misnamed = _named(days, right=True), _named(days, right=False)
    yield from _observed(key, misnamed, seen=MISNAMED)
    if asset_graph(context).get(key).is_executable:
        yield from _observed(key, days, seen="landed")
        days = _untold(context.instance, key, days)
    for day, puts in sorted(days.items()):
        text = f"{len(puts)} objects, {min(put.key for put in puts)} among them: landed, and seen by one tick"
        yield dg.AssetMaterialization(key, partition=str(day), description=text, metadata={IN_TICK: len(puts)})


def of_ledger(source: str, day: Day) -> dg.AssetMaterialization:
    """The materialization of a raw day by what the ledger says of it, as `day_metadata` has its counts."""
    counts = {"day": day["day"], "objects": day["objects"], "rows": day["rows_in"]}
    text = f"{day['objects']} objects of {day['rows_in']:,} rows, as the load's ledger has them"
    return dg.AssetMaterialization(
        raw_key(source), partition=day["day"], description=text, metadata=day_metadata(counts, LANDED)
    )


def left_alone(source: str, days: Days, why: str) -> Iterator[Event]:
    """An observation a range of days that are not loaded."""
    yield from _observed(raw_key(source), days, seen=f"not loaded: {why}")


def raw_key(source: str) -> dg.AssetKey:
    """The key of the asset raw/<source>."""
    return dg.AssetKey(["raw", source])


def _untold(instance: dg.DagsterInstance, key: dg.AssetKey, days: Days) -> Days:
    """The days that no run says, be it under way; of a failed one those into which something was put behind it."""
    known, attempts = read_known(instance, key, {str(day) for day in days})
    news = {day: puts for day, puts in days.items() if str(day) not in known}
    return {day: puts for day, puts in news.items() if _is_behind(attempts.get(str(day)), puts)}


def _is_behind(attempt: dg.RunRecord | None, puts: Iterable[Put]) -> bool:
    if attempt is None:
        return True
    end = failed_at(attempt)
    return end is not None and any(put.at is None or put.at > end for put in puts)


def _named(days: Days, *, right: bool) -> Days:
    """The days' puts whose names are those of raw objects, or else the others."""
    found = {day: {put for put in puts if is_raw_key(put.key) is right} for day, puts in days.items()}
    return {day: puts for day, puts in found.items() if puts}


def _observed(key: dg.AssetKey, days: Days, *, seen: str) -> Iterator[dg.AssetObservation]:
    for first, after in contiguous(days):
        last = after - timedelta(days=1)
        puts = _between(days, first, last)
        metadata: dict[str, Any] = {"objects": len(puts), "first day": str(first), "last day": str(last), "seen": seen}
        text = f"{len(puts)} objects of {first} to {last}, {min(put.key for put in puts)} among them: {seen}"
        yield dg.AssetObservation(key, description=text, metadata=metadata)


def _between(days: Days, first: date, last: date) -> set[Put]:
    found: Iterable[set[Put]] = (puts for day, puts in days.items() if first <= day <= last)
    return set().union(*found)
