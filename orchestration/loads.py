"""What a run that loads days of a source is: its request, and the tags that both sensors read and write."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
# How a run of one day says it that somebody started on the page.
PARTITION = "dagster/partition"
SOURCE_TAG = "analytics/source"
# A run with this tag builds its days anew: it loads what is in force as well. Anybody may set it in the launchpad.
REBUILD_TAG = "analytics/rebuild"
# On the runs that land days by themselves: the source.
LANDING_TAG = "analytics/landing"
# On the assets of a source that is paused in its defs.yaml: nothing of it runs by itself.
PAUSED_TAG = "analytics/paused"
# The checks of core/<source> that the ledger alone answers: they run with every load.
OF_LEDGER = frozenset({"few_rows_are_rejected", "columns_are_as_agreed", "rules_hold", "no_object_is_set_aside"})
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# How many days back a proof looks, today included; absent: all.
LAST_DAYS_TAG = "analytics/last-days"


def load_request(
    context: dg.SensorEvaluationContext,
    source: str,
    days: tuple[date, date],
    *,
    run_key: str,
    anew: bool = False,
    tags: Mapping[str, str] | None = None,
) -> dg.RunRequest:
    """A run of core/<source> for the UTC days from the first to the last of `days`, both included.

    With `anew` it is a rebuild.
    """
    first, last = (day.isoformat() for day in days)
    return dg.RunRequest(
        asset_selection=[core_key(source)],
        # without this line all checks of the asset would run: the proof is the night's
        asset_check_keys=checks_of_loads(context, source),
        run_key=run_key,
        tags={
            RANGE_START: first,
            RANGE_END: last,
            SOURCE_TAG: source,
            **({REBUILD_TAG: "true"} if anew else {}),
            **(tags or {}),
        },
    )


def last_days(number: str | None, today: date) -> dict[str, str]:
    """The last days up to today as a function wants them, half-open; nothing where all are meant (no number)."""
    if number is None:
        return {}
    after = today + timedelta(days=1)
    return {"start": str(after - timedelta(days=int(number))), "end": str(after)}


def days_of_run(tags: Mapping[str, str], today: date) -> dict[str, str]:
    """The days that a run of checks is asked for: those that the run loads, the last ones of its tag, or all."""
    one = tags.get(PARTITION)
    first, last = tags.get(RANGE_START, one), tags.get(RANGE_END, one)
    if first is None or last is None:
        return last_days(tags.get(LAST_DAYS_TAG), today)
    return {"start": first, "end": str(date.fromisoformat(last) + timedelta(days=1))}


def checks_of_loads(context: dg.SensorEvaluationContext, source: str) -> list[dg.AssetCheckKey]:
    """The checks of core/<source> that run with its loads: those of the ledger, and those that marts wait for."""
    graph = asset_graph(context)
    found = graph.get_check_keys_for_assets({core_key(source)})
    return sorted(key for key in found if key.name in OF_LEDGER or graph.get(key).blocking)


def core_key(source: str) -> dg.AssetKey:
    """The key of the asset core/<source>."""
    return dg.AssetKey(["core", source])


def asset_graph(context: dg.SensorEvaluationContext) -> Any:
    """The assets of the code location in which the sensor is evaluated."""
    if context.repository_def is None:
        raise dg.DagsterInvariantViolationError("the sensor is evaluated outside a code location")
    return context.repository_def.asset_graph


def unfinished_runs(instance: dg.DagsterInstance, keys: set[dg.AssetKey]) -> list[dg.DagsterRun]:
    """The runs that wait or have begun and bring about any of these assets; of a schedule's landing its tag says it."""
    landed = {key.path[-1] for key in keys if key.path[0] == "raw"}
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return [run for run in runs if run.tags.get(LANDING_TAG) in landed or keys & (run.asset_selection or set())]


def is_paused(context: dg.SensorEvaluationContext, source: str) -> bool:
    """Whether the source is declared and says that it is paused."""
    graph, key = asset_graph(context), core_key(source)
    return bool(graph.has(key) and PAUSED_TAG in graph.get(key).tags)


def has_day(context: dg.SensorEvaluationContext, source: str, day: date) -> bool:
    """Whether core/<source> exists and has that UTC day as a partition.

    Not the first day of a source that starts tomorrow: Dagster has it as a partition before it has begun.
    """
    graph, key = asset_graph(context), core_key(source)
    known = graph.has(key) and graph.get(key).partitions_def.has_partition_key(day.isoformat())
    return bool(known and day <= datetime.now(UTC).date())
