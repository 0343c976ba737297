"""One sensor for all sources: what landed in the lake becomes runs of core/<source>.

A tick reads the queue and asks for runs; the messages are deleted by the next tick. Only then is it certain that the
runs exist: a tick that dies half-way leaves its messages to come back, and loading a day twice changes nothing.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from lambdas.common.errors import SettingsError
from orchestration import queue
from orchestration.queue import Put, Received
from orchestration.resources import Cloud

INTERVAL_SECONDS = 5
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
SOURCE_TAG = "analytics/source"


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
    cursor = json.dumps({"handles": [m["ReceiptHandle"] for m in messages]})
    received = queue.read(messages, names["lake/bucket"])
    return _result(context, received, cursor)


def build_sensors() -> list[dg.SensorDefinition]:
    """The sensors of the code location, the marts' automation excepted."""
    return [raw_objects]


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
        partitions = _partitions(context, source)
        for day, puts in sorted(days.items()):
            if partitions is None:
                received.count_as("foreign", f"{source} is no source of ours; {len(puts)} objects")
            elif not partitions.has_partition_key(day.isoformat()):
                received.count_as("outside", f"{source} has no partition {day}; {len(puts)} objects")
            else:
                known.setdefault(source, {})[day] = puts
    return known


def _partitions(context: dg.SensorEvaluationContext, source: str) -> Any:
    graph, key = _graph(context), dg.AssetKey(["core", source])
    return graph.get(key).partitions_def if graph.has(key) else None


def _graph(context: dg.SensorEvaluationContext) -> Any:
    if context.repository_def is None:
        raise dg.DagsterInvariantViolationError("the sensor is evaluated outside a code location")
    return context.repository_def.asset_graph


def _requests(source: str, puts: dict[date, set[Put]]) -> Iterator[dg.RunRequest]:
    for first, last in queue.ranges(puts):
        named = {put for day in puts if first <= day <= last for put in puts[day]}
        yield dg.RunRequest(
            asset_selection=[dg.AssetKey(["core", source])],
            run_key=f"{source}|{first}|{last}|{queue.digest(named)}",
            tags={
                RANGE_START: first.isoformat(),
                RANGE_END: last.isoformat(),
                SOURCE_TAG: source,
                "analytics/objects": str(len(named)),
            },
        )


def _landed(
    context: dg.SensorEvaluationContext, known: dict[str, dict[date, set[Put]]]
) -> Iterator[dg.AssetMaterialization]:
    """Materializations of raw assets that nobody but the source itself materializes (it has no `extract`)."""
    for source, days in known.items():
        key = dg.AssetKey(["raw", source])
        if _graph(context).get(key).is_executable:
            continue
        for day, puts in days.items():
            yield dg.AssetMaterialization(key, partition=day.isoformat(), metadata={"objects": len(puts)})
