"""What a proof found missing or damaged is asked for: runs that land or load those days, build them anew, or refresh.

A lost notification, a purged queue, a failed run or a paused sensor leave nothing else to do, and neither does
somebody who changed a table by hand.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import cast

import dagster as dg

from lambdas.common.lake import days_between, hull, parse_range
from orchestration.asking import sensor_of_loads
from orchestration.components.current import CURRENT
from orchestration.components.landed import LANDED
from orchestration.components.proof import HOLDS, LOADED
from orchestration.evaluations import Evaluated, latest_evaluations
from orchestration.landings import raw_key
from orchestration.loads import asset_graph, core_key, has_day, is_paused, load_request
from orchestration.stale import refresh_requests
from orchestration.unlanded import landing_requests

Days = tuple[dt.date, dt.date]
Found = Mapping[dg.AssetCheckKey, Evaluated]
# The checks whose findings are healed.
HEALED = {LOADED, HOLDS, LANDED, CURRENT}
# A proof that is older says nothing about today: the sensor was off meanwhile, and the next pass looks again.
OLDEST = dt.timedelta(days=1)


@sensor_of_loads("Asks for what the latest proofs found missing, damaged, never landed or stale.", "raw", "mart")
def healing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Runs by the latest evaluation of each source's checks; the same evaluation asks for the same runs, once."""
    now = dt.datetime.now(dt.UTC)
    checks = [key for key in asset_graph(context).asset_check_keys if key.name in HEALED]
    found = latest_evaluations(context.instance, checks, now - OLDEST)
    requests = [request for source in _sources(context) for request in _requests(context, source, found, now.date())]
    requests += refresh_requests(context, _stale(found), now)
    if not requests:
        return dg.SkipReason("the latest proofs found nothing to land, to load, to build anew or to refresh")
    return dg.SensorResult(run_requests=requests)


def _sources(context: dg.SensorEvaluationContext) -> list[str]:
    sources = (key.path[-1] for key in asset_graph(context).get_all_asset_keys() if key.path[0] == "core")
    return sorted(source for source in sources if not is_paused(context, source))


def _stale(found: Found) -> dict[dg.AssetKey, float]:
    """The marts that were found stale, and when."""
    stale = ((key, last) for key, last in found.items() if key.name == CURRENT and not last[0].passed)
    return {key.asset_key: last[1].event.timestamp for key, last in sorted(stale, key=lambda item: str(item[0]))}


def _requests(
    context: dg.SensorEvaluationContext, source: str, found: Found, today: dt.date
) -> Iterator[dg.RunRequest]:
    for days, proof in _days(context, source, found, LOADED, "missing"):
        yield load_request(context, source, days, run_key=f"missing|{source}|{_text(days)}|{proof}")
    for days, _ in _days(context, source, found, HOLDS, "damaged"):
        # once a day: what a rebuild does not mend, the next one will not either
        yield load_request(context, source, days, run_key=f"damaged|{source}|{_text(days)}|{today}", anew=True)
    if landed := found.get(dg.AssetCheckKey(raw_key(source), LANDED)):
        yield from landing_requests(context, source, landed[0].metadata, today)


def _days(
    context: dg.SensorEvaluationContext, source: str, found: Found, name: str, kind: str
) -> Iterator[tuple[Days, str]]:
    """The days of that kind which the latest evaluation of the check names, with the run that evaluated it."""
    last = found.get(dg.AssetCheckKey(core_key(source), name))
    if last is None:
        return
    for text in cast("list[str]", last[0].metadata[kind].value):
        if days := _within(context, source, text):
            yield (days[0], days[-1]), last[1].run_id


def _within(context: dg.SensorEvaluationContext, source: str, text: str) -> list[dt.date]:
    """The days of first/last that the source has as partitions; a range with others is named in the log."""
    inside = [day for day in days_between(*parse_range(text)) if has_day(context, source, day)]
    if hull(inside) != [text]:
        context.log.warning("%s: objects lie at %s, beyond the days of the source", source, text)
    return inside


def _text(days: Days) -> str:
    return f"{days[0]}/{days[1]}"
