"""What each endpoint answers, without any web framework: parameters in, an answer out."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .coverage import Known, compile_coverage, read_coverage, sql_text
from .cursor import write_cursor
from .encoding import Answer, answer, value_writers
from .parameters import AggregateQuery, Query, RecordsQuery, Selection, read_aggregate, read_nothing, read_records
from .query import Statement, compile_aggregate, compile_records
from .schemas import Catalogue, Dataset
from .warehouse import Snapshot, Warehouse

Row = dict[str, Any]


class Service:
    """The API over a catalogue and a warehouse. `today` gives the UTC day up to which data can be expected."""

    def __init__(self, catalogue: Callable[[], Catalogue], warehouse: Warehouse, today: Callable[[], dt.date]) -> None:
        self._catalogue = catalogue
        self._warehouse = warehouse
        self._today = today

    def health(self, query: Query) -> Answer:
        """That the function runs. Asks neither contracts nor warehouse."""
        read_nothing(query)
        return answer({"status": "ok"})

    def datasets(self, query: Query) -> Answer:
        """All datasets, each with its columns and how fresh it is."""
        read_nothing(query)
        catalogue = self._catalogue()
        everything = list(catalogue.datasets.values())
        found = self._warehouse.read(lambda snapshot: _knowledge(snapshot, everything))
        return answer({"data": found, "meta": {"next": None, "truncated": False}})

    def dataset(self, name: str, query: Query) -> Answer:
        """One dataset, with the coverage of all its days."""
        catalogue = self._catalogue()
        dataset = catalogue.dataset(name)
        read_nothing(query)
        everything = Selection(dataset, None, None, ())
        known, found = self._warehouse.read(
            lambda snapshot: (self._known(snapshot, everything), _knowledge(snapshot, [dataset]))
        )
        return answer({"data": found[0], "meta": _meta(everything, known)})

    def records(self, name: str, query: Query) -> Answer:
        """Rows in an order, a page at a time."""
        asked = read_records(self._catalogue().dataset(name), query)
        known, rows = self._read(asked.selection, compile_records(asked))
        more = len(rows) > asked.limit
        rows = rows[: asked.limit]
        following = _cursor(asked, rows[-1]) if more else None
        for column in asked.order:
            if column not in asked.columns:
                for row in rows:
                    del row[column]
        meta = _meta(asked.selection, known) | {"next": following, "truncated": more and following is None}
        return answer({"data": _written(asked.selection.dataset, rows), "meta": meta})

    def aggregate(self, name: str, query: Query) -> Answer:
        """Groups and their metrics; `truncated` where there are more than were asked for."""
        asked = read_aggregate(self._catalogue().dataset(name), query)
        known, rows = self._read(asked.selection, compile_aggregate(asked))
        meta = _meta(asked.selection, known) | {"truncated": len(rows) > asked.limit}
        rows = rows[: asked.limit]
        return answer({"data": _written(asked.selection.dataset, rows, asked), "meta": meta})

    def _read(self, selection: Selection, statement: Statement) -> tuple[Known, list[Row]]:
        return self._warehouse.read(lambda snapshot: (self._known(snapshot, selection), snapshot.rows(statement)))

    def _known(self, snapshot: Snapshot, selection: Selection) -> Known:
        rows = snapshot.rows(compile_coverage(selection))
        return read_coverage(selection, rows, self._catalogue().sources, self._today())


def _knowledge(snapshot: Snapshot, datasets: Sequence[Dataset]) -> list[Row]:
    """The datasets described, sources with what the ledger says of them."""
    loads = {row.pop("source"): row for row in snapshot.rows(Statement(sql_text("freshness")))}
    refreshes = {row["mart"]: row for row in snapshot.rows(Statement(sql_text("refreshes")))}
    return [_described(dataset, loads, refreshes) for dataset in datasets]


def _described(dataset: Dataset, loads: Mapping[str, Row], refreshes: Mapping[str, Row]) -> Row:
    described = dataset.describe()
    if dataset.contract.kind == "mart":
        found = refreshes.get(dataset.name, {})
        return described | {"as_of": found.get("as_of"), "refreshed_at": found.get("refreshed_at")}
    load = loads.get(dataset.name, {})
    rows = load.get("rows_accepted")
    days = {"first_day": load.get("first_day"), "last_day": load.get("last_day")}
    return described | {"as_of": load.get("as_of"), **days, "rows_accepted": None if rows is None else int(rows)}


def _meta(selection: Selection, known: Known) -> Row:
    """What every answer with data says of it. A bound that was left open cuts nothing; told is what is known."""
    return {
        "dataset": selection.dataset.name,
        "from": selection.start or _midnight(known.start),
        "to": selection.end or _midnight(known.end),
        "as_of": known.as_of,
        "next": None,
        "truncated": False,
        "coverage": known.coverage,
    }


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None


def _cursor(asked: RecordsQuery, last: Row) -> str | None:
    """The cursor behind the last row; None where no order tells rows apart."""
    dataset = asked.selection.dataset
    if not dataset.tie_breaker:
        return None
    return write_cursor(asked.digest, [dataset.kind(n) for n in asked.order], [last[n] for n in asked.order])


def _written(dataset: Dataset, rows: list[Row], asked: AggregateQuery | None = None) -> list[Row]:
    """The rows with those values changed that JSON cannot carry as they are."""
    for name, write in value_writers(dataset, rows[0] if rows else (), asked):
        for row in rows:
            if row[name] is not None:
                row[name] = write(row[name])
    return rows
