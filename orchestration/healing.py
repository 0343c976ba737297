"""What a proof found missing or damaged is asked for: runs that land or load those days, build them anew, or refresh.

A lost notification, a purged queue, a failed run or a paused sensor leave nothing else to do, and neither does
somebody who changed a table by hand.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, cast

import dagster as dg

from lambdas.common.lake import days_between, hull, parse_range
from orchestration.asking import sensor_of_loads
from orchestration.components.current import CURRENT
from orchestration.components.landed import LANDED
from orchestration.components.proof import HOLDS, LOADED
from orchestration.evaluations import latest_evaluation
from orchestration.landings import raw_key
from orchestration.loads import asset_graph, has_day, is_paused, load_request
from orchestration.stale import refresh_requests
from orchestration.unlanded import landing_requests

Days = tuple[dt.date, dt.date]

# A proof that is older says nothing about today: the sensor was off meanwhile, and the next pass looks again.
OLDEST = dt.timedelta(days=1)


@sensor_of_loads("Asks for what the latest proofs found missing, damaged, never landed or stale.", "raw", "mart")
def healing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Runs by the latest evaluation of each source's checks; the same evaluation asks for the same runs, once."""
    requests = [request for key in _core_keys(context) for request in _requests(context, key)]
    requests += refresh_requests(context, _stale(context), dt.datetime.now(dt.UTC))
    if not requests:
        return dg.SkipReason("the latest proofs found nothing to land, to load, to build anew or to refresh")
    return dg.SensorResult(run_requests=requests)


def _core_keys(context: dg.SensorEvaluationContext) -> list[dg.AssetKey]:
    keys = [key for key in asset_graph(context).get_all_asset_keys() if key.path[0] == "core"]
    return sorted(key for key in keys if not is_paused(context, key.path[-1]))


def _stale(context: dg.SensorEvaluationContext) -> dict[dg.AssetKey, float]:
    """The marts that were found stale, and when."""
    keys = sorted(key for key in asset_graph(context).get_all_asset_keys() if key.path[0] == "mart")
    found = {key: _recent(context, dg.AssetCheckKey(key, CURRENT)) for key in keys}
    return {key: last[1].event.timestamp for key, last in found.items() if last and not last[0].passed}


def _requests(context: dg.SensorEvaluationContext, key: dg.AssetKey) -> Iterator[dg.RunRequest]:
    source, today = key.path[-1], dt.datetime.now(dt.UTC).date()
    for days, proof in _found(context, key, LOADED, "missing"):
        yield load_request(context, source, days, run_key=f"missing|{source}|{_text(days)}|{proof}")
    for days, _ in _found(context, key, HOLDS, "damaged"):
        # once a day: what a rebuild does not mend, the next one will not either
        yield load_request(context, source, days, run_key=f"damaged|{source}|{_text(days)}|{today}", anew=True)
    if landed := _recent(context, dg.AssetCheckKey(raw_key(source), LANDED)):
        yield from landing_requests(context, source, landed[0].metadata, today)


def _found(context: dg.SensorEvaluationContext, key: dg.AssetKey, name: str, kind: str) -> Iterator[tuple[Days, str]]:
    """The days of that kind which the latest evaluation of the check names, with the run that evaluated it."""
    found = _recent(context, dg.AssetCheckKey(key, name))
    if found is None:
        return
    evaluation, record = found
    for text in cast("list[str]", evaluation.metadata[kind].value):
        if days := _within(context, key.path[-1], text):
            yield (days[0], days[-1]), record.run_id


def _recent(context: dg.SensorEvaluationContext, key: dg.AssetCheckKey) -> tuple[dg.AssetCheckEvaluation, Any] | None:
    """The check's latest evaluation with Dagster's record of it, unless it is too old."""
    found = latest_evaluation(context.instance, key)
    if found is None or dt.datetime.now(dt.UTC).timestamp() - found[1].create_timestamp > OLDEST.total_seconds():
        return None
    return found


def _within(context: dg.SensorEvaluationContext, source: str, text: str) -> list[dt.date]:
    """The days of first/last that the source has as partitions; a range with others is named in the log."""
    inside = [day for day in days_between(*parse_range(text)) if has_day(context, source, day)]
    if hull(inside) != [text]:
        context.log.warning("%s: objects lie at %s, beyond the days of the source", source, text)
    return inside


def _text(days: Days) -> str:
    return f"{days[0]}/{days[1]}"
