"""The last evaluations of checks."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from sqlalchemy import func

# The error of a run whose work is done and of which a blocking check failed.
BLOCKED = "DagsterAssetCheckFailedError"
FAILED = {AssetCheckExecutionRecordStatus.FAILED}
DONE = {AssetCheckExecutionRecordStatus.SUCCEEDED, *FAILED}
# The newest rows hold all that the last proof evaluated.
ROWS_AT_ONCE = 5000
# Of the rows before those that are read: what was asked for longer ago and is evaluated since.
ROWS_OVERTAKEN = 20_000
TABLE = AssetCheckExecutionsTable
IS_DONE = TABLE.c.execution_status.in_([status.value for status in DONE])
# When it was evaluated, not asked for.
MOMENT = TABLE.c.evaluation_event_timestamp
SHOWN = ("id", "asset_key", "check_name", "execution_status", "create_timestamp", MOMENT.name)
WITHOUT_FINDINGS = TABLE.select().with_only_columns(*(TABLE.c[name] for name in SHOWN)).where(IS_DONE)
# An evaluation with Dagster's record of it.
Evaluated = tuple[dg.AssetCheckEvaluation, Any]
Row = Mapping[str, Any]
# How a row names its check: the asset's key as Dagster stores it, and the check's own name.
Name = tuple[str, str]


def latest_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Evaluated | None:
    """The last evaluation of that check with Dagster's record of it; None where it was never evaluated.

    A run that has only planned to evaluate it, or passed it over, says nothing of it: what was found before
    still holds. Dagster itself orders them by when they were asked for, and a load may wait for hours.
    """
    query = TABLE.select().where(_is_of(key) & IS_DONE).order_by(MOMENT.desc(), TABLE.c.id.desc()).limit(1)
    rows = _read(instance, query)
    return _evaluated(AssetCheckExecutionRecord.from_db_row(rows[0], key=key)) if rows else None


def runs_without_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey, most: int) -> list[str]:
    """The ids of the last runs that were to evaluate that check and have not; first those asked for last.

    Where a run is for days, Dagster plans the check for each of them, and keeps these rows behind the evaluation.
    """
    run, planned = TABLE.c.run_id, TABLE.c.execution_status == AssetCheckExecutionRecordStatus.PLANNED.value
    evaluated = TABLE.select().with_only_columns(run).where(_is_of(key) & IS_DONE)
    query = TABLE.select().with_only_columns(run).where(_is_of(key) & planned & run.not_in(evaluated)).group_by(run)
    return [row["run_id"] for row in _read(instance, query.order_by(func.max(TABLE.c.id).desc()).limit(most))]


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
    for rows in _asked_for_since(instance, since):
        _keep_latest(found, rows, wanted)
        if len(found) == len(wanted):
            _keep_latest(found, _overtaken(instance, rows[-1]["id"], min(map(_moment, found.values()))), wanted)
            break
    return found


def _keep_latest(found: dict[Name, Row], rows: Iterable[Row], wanted: Collection[Name]) -> None:
    for row in rows:
        if (name := _name(row)) in wanted:
            found[name] = max(found.get(name, row), row, key=_moment)


def _asked_for_since(instance: dg.DagsterInstance, since: dt.datetime) -> Iterator[list[Row]]:
    """The rows of all checks in batches, first those asked for last; without what they found."""
    query = WITHOUT_FINDINGS.order_by(TABLE.c.id.desc()).limit(ROWS_AT_ONCE)
    rows = _read(instance, query)
    while rows:
        newer = [row for row in rows if row["create_timestamp"].replace(tzinfo=dt.UTC) >= since]
        if newer:
            yield newer
        if len(newer) < len(rows):
            return
        rows = _read(instance, query.where(TABLE.c.id < rows[-1]["id"]))


def _overtaken(instance: dg.DagsterInstance, first: int, moment: dt.datetime) -> list[Row]:
    """Those asked for before the row of that id and evaluated behind that moment, naive and UTC as it is stored."""
    before = TABLE.c.id.between(first - ROWS_OVERTAKEN, first - 1)
    return _read(instance, WITHOUT_FINDINGS.where(before & (moment < MOMENT)))


def _read(instance: dg.DagsterInstance, query: Any) -> list[Row]:
    storage: Any = instance.event_log_storage
    with storage.index_connection() as connection:
        return list(connection.execute(query).mappings())


def _is_of(key: dg.AssetCheckKey) -> Any:
    return (TABLE.c.asset_key == key.asset_key.to_string()) & (TABLE.c.check_name == key.name)


def _name(row: Row) -> Name:
    return row["asset_key"], row["check_name"]


def _moment(row: Row) -> dt.datetime:
    return cast("dt.datetime", row[MOMENT.name])


def _evaluated(record: AssetCheckExecutionRecord) -> Evaluated | None:
    event = record.event.dagster_event if record.event is not None else None
    if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    return event.asset_check_evaluation_data, record
