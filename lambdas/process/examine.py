"""The quality of what the tables hold: numbers that a check holds against the contract. No value of a row is shown."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from lambdas.common.contract import Contract, load_source
from lambdas.common.db.ledger import is_in_force, read_in_force
from lambdas.common.db.prove import EVER, key_bounds
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import identifier, identifiers, statement
from lambdas.common.errors import RequestError
from lambdas.common.lake import hull, list_raw, parse_raw_day
from lambdas.common.remarks import kinds_of, text_of
from lambdas.common.settings import Settings
from lambdas.process.days import counts_of_days
from lambdas.process.measures import measure_table
from lambdas.process.reports import find_mart, read_days, read_warehouse
from lambdas.process.table_rules import judge_table

Days = tuple[dt.date, dt.date]
# S3, and the bucket of the lake.
Lake = tuple[Any, str]
# With how many days that were loaded the latest is compared at most.
DAYS_BEFORE = 28


def examine_source(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Count what a source's contract promises of its table, or a mart's of its view.

    Args:
        event: source; start and end (raw UTC days, half-open), without which all days are meant; and with
            "only": "ledger" no table is read. Or mart.
        deadline: time.monotonic() at which the warehouse gives up.

    Returns:
        source, rows (in core), nulls ({required column: rows without a value}), doubled ({columns of a key or unique
        column: values that stand more than once}), nulls_days and doubled_days (from the first to the last raw day of
        such rows, as [first/last]), newest (greatest event time of all days, UTC, or null) and rules (the contract's
        over the whole table: [{rule, fatal, holds, text}]). What the ledger says of these days: remarks of their
        objects ([{status, reason, kinds, objects, newest, first, last}], the 20 most seen; first and last are raw
        days), and days as the action `days` gives them; with "only": "ledger" nothing else. And latest: of all days
        the last that is over and loaded, {day, rows, before: accepted rows of up to 28 loaded days before it}, or
        null. Of a mart: mart, doubled, rules, and newest where its contract has a freshness.
    """
    if "mart" in event:
        return _examine_mart(str(event["mart"]), deadline)
    contract, days, only = load_source(event.get("source")), read_days(event), event.get("only")
    if only not in (None, "ledger"):
        raise RequestError(f"only is {only!r}; expected ledger, or nothing where the table is to be read too")
    examine = partial(_examine_ledger, contract, days) if only else partial(_examine, contract, days, _lake())
    found = read_warehouse(examine, f"examine {contract.name}", deadline)
    if not only:
        measure_table(contract, found)
    return found


def _lake() -> Lake:
    import boto3

    return boto3.client("s3"), Settings.from_environment().lake_bucket


def _examine_mart(name: str, deadline: float) -> dict[str, Any]:
    return read_warehouse(partial(_read_mart, find_mart(name)), f"examine {name}", deadline)


def _read_mart(mart: Contract, connection: Any) -> dict[str, Any]:
    columns = mart.key
    sql = statement("examine_grain").format(columns=identifiers(columns), mart=_table(mart))
    doubled = int(query(connection, sql)[0]["doubled"]) if columns else 0
    newest = _newest(connection, mart) if mart.freshness else None
    counted = {"mart": mart.name, "doubled": {", ".join(columns): doubled}, "newest": newest}
    return {**counted, "rules": judge_table(connection, mart)}


def _examine(contract: Contract, days: Days, lake: Lake, connection: Any) -> dict[str, Any]:
    doubled = {", ".join(columns): _doubled(connection, contract, days, columns) for columns in _single(contract)}
    return {
        **_examine_ledger(contract, days, connection),
        **_count_rows(connection, contract, days),
        "doubled": {name: int(row["doubled"]) for name, row in doubled.items()},
        "doubled_days": _days_of_keys(doubled.values()),
        "newest": _newest(connection, contract),
        "latest": _latest(connection, contract, lake),
        "rules": judge_table(connection, contract),
    }


def _examine_ledger(contract: Contract, days: Days, connection: Any) -> dict[str, Any]:
    return {
        "source": contract.name,
        "remarks": _remarks(connection, contract, days),
        "days": counts_of_days(connection, contract, days),
    }


def _latest(connection: Any, contract: Contract, lake: Lake) -> dict[str, Any] | None:
    """The last day that is over, or the one before it while not all of it is loaded, beside those before."""
    over = counts_of_days(connection, contract, (EVER[0], dt.datetime.now(dt.UTC).date()))
    if over and not _is_loaded(connection, contract, lake, dt.date.fromisoformat(over[-1]["day"])):
        over.pop()
    if not over:
        return None
    *former, last = over
    before = [day["rows_accepted"] for day in former[-DAYS_BEFORE:]]
    return {"day": last["day"], "rows": last["rows_accepted"], "before": before}


def _is_loaded(connection: Any, contract: Contract, lake: Lake, day: dt.date) -> bool:
    days = (day, day + dt.timedelta(days=1))
    known = read_in_force(connection, contract.name, *days)
    listed = list_raw(*lake, contract.name, *days)
    return all(is_in_force(known.get(item.key), item.etag) for item in listed)


def _days_of_keys(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """From the first to the last raw day of the rows' _first_key and _last_key, as [first/last]."""
    return hull(parse_raw_day(row[name]).day for row in rows for name in ("_first_key", "_last_key") if row[name])


def _count_rows(connection: Any, contract: Contract, days: Days) -> dict[str, Any]:
    required = [column.name for column in contract.columns if column.required]
    counted = "".join(f", COUNT(*) - COUNT({identifier(name)}) AS n{at}" for at, name in enumerate(required))
    lacking = " OR ".join(f"{identifier(name)} IS NULL" for name in required) or "FALSE"
    sql = statement("examine_rows").format(nulls=counted, core=_table(contract), lacking=lacking)
    (row,) = query(connection, sql, key_bounds(contract.name, days))
    nulls = {name: int(row[f"n{at}"]) for at, name in enumerate(required)}
    return {"rows": int(row["total"]), "nulls": nulls, "nulls_days": _days_of_keys([row])}


def _single(contract: Contract) -> list[tuple[str, ...]]:
    """Columns whose values stand once in core: the key, and those that the contract calls unique."""
    alone = [(column.name,) for column in contract.columns if column.unique]
    return [columns for columns in dict.fromkeys([contract.key, *alone]) if columns]


def _doubled(connection: Any, contract: Contract, days: Days, columns: tuple[str, ...]) -> dict[str, Any]:
    given = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
    names = {"columns": identifiers(columns), "core": _table(contract), "given": given}
    (row,) = query(connection, statement("examine_doubled").format(**names), key_bounds(contract.name, days))
    return row


def _remarks(connection: Any, contract: Contract, days: Days) -> list[dict[str, Any]]:
    found = query(connection, statement("examine_remarks"), (contract.name, *days))
    return [_remark(row) for row in found]


def _remark(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {"reason": text_of(row["reason"]), "kinds": kinds_of(row["reason"])}
    return {**row, **said, "objects": int(row["objects"]), "first": str(row["first"]), "last": str(row["last"])}


def _newest(connection: Any, contract: Contract) -> str | None:
    (row,) = query(connection, f"SELECT MAX({identifier(contract.event_time.name)}) AS newest FROM {_table(contract)}")
    return row["newest"].isoformat() if row["newest"] else None


def _table(contract: Contract) -> str:
    return identifier(f"{contract.schema}.{contract.name}")
