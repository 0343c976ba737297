"""What the ledger says of a source's days, one by one."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from lambdas.common.contract import Contract, load_source
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import statement
from lambdas.process.reports import read_days, read_warehouse

COUNTS = ("objects", "bad", "rows_in", "rows_accepted", "rows_rejected", "rows_late")


def read_counts(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """The counts of each raw day [start, end) of the event's source that has an object in force.

    Returns:
        {"source", "days": [{day, objects, bad, rows_in, rows_accepted, rows_rejected, rows_late}]}, by day.
    """
    contract, days = load_source(event.get("source")), read_days(event)

    def read(connection: Any) -> list[dict[str, Any]]:
        return counts_of_days(connection, contract, days)

    return {"source": contract.name, "days": read_warehouse(read, f"days of {contract.name}", deadline)}


def counts_of_days(connection: Any, contract: Contract, days: tuple[dt.date, dt.date]) -> list[dict[str, Any]]:
    """The same of the raw days [start, end), in a session that may read."""
    return [_counts(row) for row in query(connection, statement("ledger_days"), (contract.name, *days))]


def _counts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"day": str(row["raw_day"]), **{name: int(row[name] or 0) for name in COUNTS}}
