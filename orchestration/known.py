"""Which days of an asset Dagster knows: those that it has as materialized, and those of which a run has the last word.

Asked once an asset, however many days there are.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

import dagster as dg

# Of a run that was cancelled, or deleted since, Dagster itself says nothing on a day.
SILENT = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED}
Attempts = dict[str, dg.RunRecord]


def read_known(instance: dg.DagsterInstance, key: dg.AssetKey, days: Collection[str]) -> tuple[set[str], Attempts]:
    """What Dagster knows of these days (YYYY-MM-DD) of the asset.

    Returns:
        The days that are materialized, and by day the run that set out to materialize it after that and has not: it
        waits, works, or has failed.
    """
    storage: Any = instance.event_log_storage
    open_days = storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
    asked = {day: run_id for day, (run_id, _) in open_days.items() if day in days}
    records = instance.get_run_records(dg.RunsFilter(run_ids=sorted(set(asked.values())))) if asked else []
    runs = {r.dagster_run.run_id: r for r in records if r.dagster_run.status not in SILENT}
    attempts = {day: runs[run_id] for day, run_id in asked.items() if run_id in runs}
    return instance.get_materialized_partitions(key) - attempts.keys(), attempts


def failed_at(record: dg.RunRecord) -> dt.datetime | None:
    """When the run failed, aware; None where it did not."""
    if record.dagster_run.status != dg.DagsterRunStatus.FAILURE or record.end_time is None:
        return None
    return dt.datetime.fromtimestamp(record.end_time, dt.UTC)
