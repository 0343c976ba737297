"""The quality of what the tables hold: numbers that a check holds against the contract. No value of a row is shown."""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any

from lambdas.common.contract import Contract, load_marts, load_source
from lambdas.common.db.prove import key_bounds
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import identifier, identifiers, statement
from lambdas.common.errors import RequestError
from lambdas.common.remarks import kinds_of, text_of
from lambdas.process.days import counts_of_days
from lambdas.process.measures import measure_table
from lambdas.process.reports import read_days, read_warehouse

Days = tuple[dt.date, dt.date]
RECENTLY = dt.timedelta(days=7)


def examine_source(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Count what a source's contract promises of its table, or a mart's of its view.

    Args:
        event: source; start and end (raw UTC days, half-open), without which all days are meant; and with
            "only": "ledger" no table is read. Or mart.
        deadline: time.monotonic() at which the warehouse gives up.

    Returns:
        source, rows (in core), nulls ({required column: rows without a value}), doubled ({columns of a key or unique
        column: values that stand more than once}) and newest (greatest event time of all days, UTC, or null). And what
        the ledger says of these days, of the 28 before them, and of what was loaded in the last 7: remarks of the
        objects ([{status, reason, kinds, objects, newest}], the 20 most seen), and days as the action `days` gives
        them. Of a mart: mart and doubled.
    """
    if "mart" in event:
        return _examine_mart(str(event["mart"]), deadline)
    contract, days, only = load_source(event.get("source")), read_days(event), event.get("only")
    if only not in (None, "ledger"):
        raise RequestError(f"only is {only!r}; expected ledger, or nothing where the table is to be read too")
    examine = _examine_ledger if only else _examine
    found = read_warehouse(partial(examine, contract, days), f"examine {contract.name}", deadline)
    if not only:
        measure_table(contract, found, days)
    return found


def _examine_mart(name: str, deadline: float) -> dict[str, Any]:
    known = load_marts()
    if name not in known:
        raise RequestError(f"there is no mart {name!r}; known are {', '.join(known)}")
    columns = known[name].key
    sql = statement("examine_grain").format(columns=identifiers(columns), mart=identifier("mart." + name))

    def read(connection: Any) -> int:
        return int(query(connection, sql)[0]["doubled"]) if columns else 0

    return {"mart": name, "doubled": {", ".join(columns): read_warehouse(read, f"examine {name}", deadline)}}


def _examine(contract: Contract, days: Days, connection: Any) -> dict[str, Any]:
    total, nulls = _count_nulls(connection, contract, days)
    return {
        **_examine_ledger(contract, days, connection),
        "rows": total,
        "nulls": nulls,
        "doubled": {", ".join(columns): _doubled(connection, contract, days, columns) for columns in _single(contract)},
        "newest": _newest(connection, contract),
    }


def _examine_ledger(contract: Contract, days: Days, connection: Any) -> dict[str, Any]:
    wider = (_before(days[0]), days[1])
    # what a load of long past days has told is told by the hourly look at the last days too
    since = dt.datetime.now(dt.UTC).replace(tzinfo=None) - RECENTLY
    return {
        "source": contract.name,
        "remarks": _remarks(connection, contract, wider, since),
        "days": counts_of_days(connection, contract, wider, since),
    }


def _before(day: dt.date) -> dt.date:
    return max(day, dt.date(1, 2, 1)) - dt.timedelta(days=28)


def _count_nulls(connection: Any, contract: Contract, days: Days) -> tuple[int, dict[str, int]]:
    required = [column.name for column in contract.columns if column.required]
    counted = "".join(f", COUNT(*) - COUNT({identifier(name)}) AS n{at}" for at, name in enumerate(required))
    sql = statement("examine_rows").format(nulls=counted, core=_core(contract))
    (row,) = query(connection, sql, key_bounds(contract.name, days))
    return int(row["total"]), {name: int(row[f"n{at}"]) for at, name in enumerate(required)}


def _single(contract: Contract) -> list[tuple[str, ...]]:
    """Columns whose values stand once in core: the key, and those that the contract calls unique."""
    alone = [(column.name,) for column in contract.columns if column.unique]
    return [columns for columns in dict.fromkeys([contract.key, *alone]) if columns]


def _doubled(connection: Any, contract: Contract, days: Days, columns: tuple[str, ...]) -> int:
    given = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
    names = {"columns": identifiers(columns), "core": _core(contract), "given": given}
    (row,) = query(connection, statement("examine_doubled").format(**names), key_bounds(contract.name, days))
    return int(row["doubled"])


def _remarks(connection: Any, contract: Contract, days: Days, since: dt.datetime) -> list[dict[str, Any]]:
    found = query(connection, statement("examine_remarks"), (contract.name, *days, since))
    return [
        {**row, "objects": int(row["objects"]), "reason": text_of(row["reason"]), "kinds": kinds_of(row["reason"])}
        for row in found
    ]


def _newest(connection: Any, contract: Contract) -> str | None:
    (row,) = query(connection, f"SELECT MAX({identifier(contract.event_time.name)}) AS newest FROM {_core(contract)}")
    return row["newest"].isoformat() if row["newest"] else None


def _core(contract: Contract) -> str:
    return identifier("core." + contract.name)
