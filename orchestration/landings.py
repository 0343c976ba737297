"""What the sensor saw, told on the raw assets, where people look: what landed, and what is left alone, and why."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from lambdas.common.lake import contiguous, is_raw_key
from lambdas.common.notices import Put
from orchestration.loads import asset_graph

Days = dict[date, set[Put]]
Event = dg.AssetMaterialization | dg.AssetObservation

OUTSIDE = "the source has no such day; `start` and `end` of its defs.yaml say which it has"
TO_COME = "the day has not begun; it loads once it has, unless `end` of its defs.yaml lies before it"
MISNAMED = "the load sets them aside, for their names break the pattern"
PAUSED = "the source is paused in its defs.yaml; the proof finds these days once it is not"


def landed(context: dg.SensorEvaluationContext, source: str, days: Days) -> Iterator[Event]:
    """Materializations by day of what others drop; of what ingest lands, and says so, an observation a range."""
    key = raw_key(source)
    days, misnamed = _named(days, right=True), _named(days, right=False)
    yield from _observed(key, misnamed, seen=MISNAMED)
    if asset_graph(context).get(key).is_executable:
        yield from _observed(key, days, seen="landed")
        return
    for day, puts in sorted(days.items()):
        yield dg.AssetMaterialization(key, partition=day.isoformat(), metadata={"objects": len(puts)})


def left_alone(source: str, days: Days, why: str) -> Iterator[Event]:
    """An observation a range of days that are not loaded."""
    yield from _observed(raw_key(source), days, seen=f"not loaded: {why}")


def raw_key(source: str) -> dg.AssetKey:
    """The key of the asset raw/<source>."""
    return dg.AssetKey(["raw", source])


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
