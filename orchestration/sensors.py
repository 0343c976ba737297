"""One sensor for all sources: what landed in the lake becomes runs of core/<source>.

A tick reads the queue and asks for runs; the messages are deleted by the next tick. Only then is it certain that the
runs exist: a tick that dies half-way leaves its messages to come back, and loading a day twice changes nothing.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from lambdas.common.errors import SettingsError
from lambdas.common.lake import contiguous
from orchestration import queue
from orchestration.loads import asset_graph, core_key, has_day, load_request
from orchestration.queue import Put, Received
from orchestration.reloads import failed_loads
from orchestration.resources import Cloud

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
    names = cloud.parameters("queue/url", "lake/bucket", "trigger-mode")
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
    return [raw_objects, failed_loads]


def _handles(cursor: str | None) -> list[str]:
    return list(json.loads(cursor or "{}").get("handles", []))


def _result(context: dg.SensorEvaluationContext, received: Received, cursor: str) -> dg.SensorResult:
    known = _known_days(context, received)
    requests = [request for source, puts in known.items() for request in _requests(source, puts)]
    summary = ", ".join(f"{count} {kind}" for kind, count in sorted(received.counts.items()))
    if not requests:
        return dg.SensorResult(skip_reason=f"nothing to load ({summary or 'queue is empty'})", cursor=cursor)
    context.log.info("%d runs for %s", len(requests), summary)
    return dg.SensorResult(run_requests=requests, asset_events=list(_landed(context, known)), cursor=cursor)


def _known_days(context: dg.SensorEvaluationContext, received: Received) -> dict[str, dict[date, set[Put]]]:
    """The puts whose source has an asset with that day as a partition; the others are counted and named in the log."""
    known: dict[str, dict[date, set[Put]]] = {}
    for source, days in sorted(received.puts.items()):
        for day, puts in sorted(days.items()):
            if not asset_graph(context).has(core_key(source)):
                received.count_as("foreign", f"{source} is not declared (yet?); {len(puts)} objects wait")
            elif not has_day(context, source, day):
                received.count_as("outside", _outside(source, day, puts))
            else:
                known.setdefault(source, {})[day] = puts
    return known


def _outside(source: str, day: date, puts: set[Put]) -> str:
    first = min(put.key for put in puts)
    return (
        f"{len(puts)} objects, {first} among them: {source} has no {day}. Materialize that day of core/{source} once "
        f"it has: a day to come when it comes, an earlier one when `start` in the source's defs.yaml is that early"
    )


def _requests(source: str, puts: dict[date, set[Put]]) -> Iterator[dg.RunRequest]:
    for first, after in contiguous(puts):
        last = after - timedelta(days=1)
        named = {put for day in puts if first <= day <= last for put in puts[day]}
        yield load_request(
            source,
            (first, last),
            run_key=f"{source}|{first}|{last}|{queue.digest(named)}",
            tags={"analytics/objects": str(len(named))},
        )


def _landed(
    context: dg.SensorEvaluationContext, known: dict[str, dict[date, set[Put]]]
) -> Iterator[dg.AssetMaterialization]:
    """Materializations of raw assets that nobody but the source itself materializes (it has no `extract`)."""
    for source, days in known.items():
        key = dg.AssetKey(["raw", source])
        if asset_graph(context).get(key).is_executable:
            continue
        for day, puts in days.items():
            yield dg.AssetMaterialization(key, partition=day.isoformat(), metadata={"objects": len(puts)})
