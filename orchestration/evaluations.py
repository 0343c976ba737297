"""The last evaluations of checks."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

# The error of a run whose work is done and of which a blocking check failed.
BLOCKED = "DagsterAssetCheckFailedError"
FAILED = {AssetCheckExecutionRecordStatus.FAILED}
DONE = {AssetCheckExecutionRecordStatus.SUCCEEDED, *FAILED}
# Dagster keeps every evaluation for ever; the newest rows hold all that the last proof evaluated.
ROWS_AT_ONCE = 5000
TABLE = AssetCheckExecutionsTable
# An evaluation with Dagster's record of it.
Evaluated = tuple[dg.AssetCheckEvaluation, Any]
Row = Mapping[str, Any]
# How a row names its check: the asset's key as Dagster stores it, and the check's own name.
Name = tuple[str, str]


def latest_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Evaluated | None:
    """The last evaluation of that check with Dagster's record of it; None where it was never evaluated.

    A run that has only planned to evaluate it, or passed it over, says nothing of it: what was found before
    still holds.
    """
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=DONE):
        return _evaluated(record)
    return None


def latest_evaluations(
    instance: dg.DagsterInstance,
    keys: Iterable[dg.AssetCheckKey],
    since: dt.datetime,
    statuses: Collection[AssetCheckExecutionRecordStatus] = DONE,
) -> dict[dg.AssetCheckKey, Evaluated]:
    """The same of those of many checks that were evaluated since that aware moment, and last with one of the statuses.

    The database is asked a few times, however many the checks are and however long their history is.
    """
    wanted = {(key.asset_key.to_string(), key.name): key for key in keys}
    newest = _newest(instance, wanted, since)
    ids = [row["id"] for row in newest.values() if AssetCheckExecutionRecordStatus(row["execution_status"]) in statuses]
    rows = _read(instance, TABLE.select().where(TABLE.c.id.in_(ids))) if ids else []
    records = (AssetCheckExecutionRecord.from_db_row(row, key=wanted[_name(row)]) for row in rows)
    return {record.key: found for record in records if (found := _evaluated(record))}


def _newest(instance: dg.DagsterInstance, wanted: Collection[Name], since: dt.datetime) -> dict[Name, Row]:
    found: dict[Name, Row] = {}
    for row in _evaluated_since(instance, since):
        if _name(row) in wanted:
            found.setdefault(_name(row), row)
        if len(found) == len(wanted):
            break
    return found


def _evaluated_since(instance: dg.DagsterInstance, since: dt.datetime) -> Iterator[Row]:
    """The rows of all checks, the newest first, without what they found."""
    columns = (TABLE.c[name] for name in ("id", "asset_key", "check_name", "execution_status", "create_timestamp"))
    done = TABLE.c.execution_status.in_([status.value for status in DONE])
    query = TABLE.select().with_only_columns(*columns).where(done).order_by(TABLE.c.id.desc()).limit(ROWS_AT_ONCE)
    rows = _read(instance, query)
    while rows:
        for row in rows:
            if row["create_timestamp"].replace(tzinfo=dt.UTC) < since:
                return
            yield row
        rows = _read(instance, query.where(TABLE.c.id < rows[-1]["id"]))


def _read(instance: dg.DagsterInstance, query: Any) -> list[Row]:
    storage: Any = instance.event_log_storage
    with storage.index_connection() as connection:
        return list(connection.execute(query).mappings())


def _name(row: Row) -> Name:
    return row["asset_key"], row["check_name"]


def _evaluated(record: AssetCheckExecutionRecord) -> Evaluated | None:
    event = record.event.dagster_event if record.event is not None else None
    if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    return event.asset_check_evaluation_data, record
