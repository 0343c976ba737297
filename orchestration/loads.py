"""What a run that loads days of a source is: its request, and the tags that both sensors read and write."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
SOURCE_TAG = "analytics/source"


def load_request(
    source: str, days: tuple[date, date], *, run_key: str, tags: Mapping[str, str] | None = None
) -> dg.RunRequest:
    """A run of core/<source> for the UTC days from the first to the last of `days`, both included."""
    first, last = (day.isoformat() for day in days)
    return dg.RunRequest(
        asset_selection=[core_key(source)],
        run_key=run_key,
        tags={RANGE_START: first, RANGE_END: last, SOURCE_TAG: source, **(tags or {})},
    )


def core_key(source: str) -> dg.AssetKey:
    """The key of the asset core/<source>."""
    return dg.AssetKey(["core", source])


def asset_graph(context: dg.SensorEvaluationContext) -> Any:
    """The assets of the code location in which the sensor is evaluated."""
    if context.repository_def is None:
        raise dg.DagsterInvariantViolationError("the sensor is evaluated outside a code location")
    return context.repository_def.asset_graph


def has_day(context: dg.SensorEvaluationContext, source: str, day: date) -> bool:
    """Whether core/<source> exists and has that UTC day as a partition."""
    graph, key = asset_graph(context), core_key(source)
    return bool(graph.has(key) and graph.get(key).partitions_def.has_partition_key(day.isoformat()))
