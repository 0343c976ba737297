"""One sensor for all sources: what landed in the lake becomes runs of core/<source>.

A tick reads the queue and asks for runs; the messages are deleted by the next tick. Only then is it certain that the
runs exist: a tick that dies half-way leaves its messages to come back, and loading a day twice changes nothing.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from lambdas.common.errors import SettingsError
from lambdas.common.lake import contiguous
from lambdas.common.settings import PAUSED_PARAMETER
from orchestration import queue
from orchestration.alerts import alerts
from orchestration.healing import healing
from orchestration.landings import OUTSIDE, PAUSED, TO_COME, Days, Event, landed, left_alone
from orchestration.loads import (
    RANGE_END,
    RANGE_START,
    SOURCE_TAG,
    asset_graph,
    core_key,
    has_day,
    is_paused,
    load_request,
)
from orchestration.queue import Received
from orchestration.reloads import failed_loads
from orchestration.resources import Cloud, pause_reason
from orchestration.tidying import old_proofs

INTERVAL_SECONDS = 5


@dg.sensor(
    # not `target`: that makes one job of all, and the sources have days of their own
    asset_selection=dg.AssetSelection.key_prefixes("core"),
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Loads what lands under raw/: one run a source and range of consecutive days.",
)
def raw_objects(context: dg.SensorEvaluationContext, cloud: Cloud) -> dg.SensorResult | dg.SkipReason:
    """Runs for the days that the waiting messages make dirty; deletes the messages of the tick before."""
    names = cloud.parameters("queue/url", "lake/bucket", "trigger-mode", PAUSED_PARAMETER)
    if reason := pause_reason(names):
        return dg.SkipReason(reason)
    if names.get("trigger-mode") == "lambda":
        return dg.SkipReason("TriggerMode is lambda: the queue feeds the process function directly")
    if missing := {"queue/url", "lake/bucket"} - names.keys():
        raise SettingsError(f"SSM parameters {sorted(missing)} do not exist: is `{cloud.environment}` deployed?")
    sqs, url = cloud.client("sqs"), names["queue/url"]
    queue.delete(sqs, url, _handles(context.cursor))
    messages = queue.receive(sqs, url)
    received = queue.read(messages, names["lake/bucket"])
    # A message for a source that is not declared (yet: this code may be older than the deploy) comes again.
    declared = {source for source in received.puts if asset_graph(context).has(core_key(source))}
    done = [m for m, sources in zip(messages, received.sources, strict=True) if sources <= declared]
    cursor = json.dumps({"handles": [m["ReceiptHandle"] for m in done]})
    return _result(context, received, cursor)


def build_sensors() -> list[dg.SensorDefinition]:
    """The sensors of the code location, the marts' automation excepted."""
    return [raw_objects, failed_loads, healing, alerts, old_proofs]


def _handles(cursor: str | None) -> list[str]:
    return list(json.loads(cursor or "{}").get("handles", []))


def _result(context: dg.SensorEvaluationContext, received: Received, cursor: str) -> dg.SensorResult:
    known, events = _sorted_out(context, received)
    requests = [request for source, puts in known.items() for request in _requests(context, source, puts)]
    needed = _without_queued(context, requests)
    if len(needed) < len(requests):
        received.counts["waiting in a queued run"] += len(requests) - len(needed)
    summary = ", ".join(f"{count} {kind}" for kind, count in sorted(received.counts.items()))
    events += [event for source, days in known.items() for event in landed(context, source, days)]
    if not needed:
        reason = f"nothing to load ({summary or 'queue is empty'})"
        return dg.SensorResult(skip_reason=reason, asset_events=events, cursor=cursor)
    context.log.info("%d runs for %s", len(needed), summary)
    return dg.SensorResult(run_requests=needed, asset_events=events, cursor=cursor)


def _sorted_out(context: dg.SensorEvaluationContext, received: Received) -> tuple[dict[str, Days], list[Event]]:
    """The puts to load, by source and day, and what is said of the others on the raw assets."""
    known: dict[str, Days] = {}
    events: list[Event] = []
    for source, days in sorted(received.puts.items()):
        if not asset_graph(context).has(core_key(source)):
            received.count_as("foreign", f"{source} is not declared (yet?); {_number(days)} objects wait")
        elif is_paused(context, source):
            received.count_as("paused", f"{source}; {_number(days)} objects")
            events += [*left_alone(source, days, PAUSED), *landed(context, source, _of_source(context, source, days))]
        else:
            known[source] = _of_source(context, source, days)
            events += _outside(received, source, {day: puts for day, puts in days.items() if day not in known[source]})
    return known, events


def _of_source(context: dg.SensorEvaluationContext, source: str, days: Days) -> Days:
    return {day: puts for day, puts in days.items() if has_day(context, source, day)}


def _outside(received: Received, source: str, days: Days) -> Iterator[Event]:
    today = datetime.now(UTC).date()
    to_come = {day: puts for day, puts in days.items() if day > today}
    never = {day: puts for day, puts in days.items() if day <= today}
    for event in (*left_alone(source, never, OUTSIDE), *left_alone(source, to_come, TO_COME)):
        received.count_as("outside", event.description)
        yield event


def _number(days: Days) -> int:
    return sum(map(len, days.values()))


def _without_queued(context: dg.SensorEvaluationContext, requests: list[dg.RunRequest]) -> list[dg.RunRequest]:
    """The requests whose days no queued run of the source covers.

    A queued run looks at the lake when it begins, which is after these messages came. One that has begun may have
    looked before: it settles nothing.
    """
    if not requests:
        return []
    sources = sorted({request.tags[SOURCE_TAG] for request in requests})
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED], tags={SOURCE_TAG: sources})
    queued = [run.tags for run in context.instance.get_runs(filters)]
    return [request for request in requests if not any(_covers(tags, request.tags) for tags in queued)]


def _covers(queued: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    return (
        queued[SOURCE_TAG] == asked[SOURCE_TAG]
        and queued.get(RANGE_START, "9") <= asked[RANGE_START]
        and asked[RANGE_END] <= queued.get(RANGE_END, "")
    )


def _requests(context: dg.SensorEvaluationContext, source: str, puts: Days) -> Iterator[dg.RunRequest]:
    for first, after in contiguous(puts):
        last = after - timedelta(days=1)
        named = {put for day in puts if first <= day <= last for put in puts[day]}
        yield load_request(
            context,
            source,
            (first, last),
            run_key=f"{source}|{first}|{last}|{queue.digest(named)}",
            tags={"analytics/objects": str(len(named))},
        )
