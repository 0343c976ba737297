"""What the API says of its datasets and its answers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from .coverage import Known, sql_text
from .query import Statement
from .reader import Selection
from .schemas import Dataset
from .warehouse import Snapshot

Row = dict[str, Any]


def describe(snapshot: Snapshot, datasets: Sequence[Dataset]) -> list[Row]:
    """The datasets, sources with what the ledger says of them, marts with what their last refresh saw."""
    loads = {row.pop("source"): row for row in snapshot.rows(Statement(sql_text("freshness")))}
    refreshes = {row["mart"]: row for row in snapshot.rows(Statement(sql_text("refreshes")))}
    return [_described(dataset, loads, refreshes) for dataset in datasets]


def _described(dataset: Dataset, loads: Mapping[str, Row], refreshes: Mapping[str, Row]) -> Row:
    mart = dataset.contract.kind == "mart"
    found = (refreshes if mart else loads).get(dataset.name, {})
    described = dataset.describe() | {name: found.get(name) for name in ("as_of", "first_day", "last_day")}
    if mart:
        return described | {"refreshed_at": found.get("refreshed_at")}
    rows = found.get("rows_accepted")
    return described | {"rows_accepted": None if rows is None else int(rows)}


def meta(selection: Selection, known: Known) -> Row:
    """What every answer with data says of it. A bound that was left open cuts nothing; told is what is known."""
    return {
        "dataset": selection.dataset.name,
        "from": selection.start or _midnight(known.start),
        "to": selection.end or _midnight(known.end),
        "as_of": known.as_of,
        "next": None,
        "truncated": False,
        "changed": False,
        "coverage": known.coverage,
    }


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None
