"""What each endpoint answers, without any web framework: parameters in, an answer out."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import days, describe, statistics
from .answers import Answer, Asked, document, entity_tag, matches, not_modified, table
from .coverage import Known, compile_coverage, compile_days, compile_version, read_coverage, version_of
from .cursor import write_cursor
from .formats import Table, negotiated
from .openapi import make_document
from .parameters import (
    AggregateQuery,
    RecordsQuery,
    read_aggregate,
    read_days,
    read_nothing,
    read_records,
    read_stats,
    read_values,
)
from .query import Statement, compile_aggregate, compile_count, compile_records, compile_stats, compile_values
from .reader import Selection
from .schemas import Catalogue, Dataset
from .warehouse import Snapshot, Warehouse

Row = dict[str, Any]
# From what is known and the rows of the statements to the answer's rows and what its meta says beside the usual.
Finish = Callable[[Known, Sequence[list[Row]]], tuple[Table, Row]]


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be read for an answer, and what becomes of it."""

    selection: Selection
    statements: tuple[Statement, ...]
    finish: Finish


class Service:
    """The API over a catalogue and a warehouse.

    `today` gives the UTC day up to which data can be expected; `guard` names what guards the API beside the key.
    """

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        warehouse: Warehouse,
        today: Callable[[], dt.date],
        guard: str = "",
    ) -> None:
        self._guard = guard
        self._catalogue = catalogue
        self._warehouse = warehouse
        self._today = today
        self._document: Row | None = None

    def health(self, asked: Asked) -> Answer:
        """That the function runs. Asks neither contracts nor warehouse."""
        read_nothing(asked.query)
        return document({"status": "ok"})

    def openapi(self, asked: Asked) -> Answer:
        """The OpenAPI document, made from the contracts."""
        read_nothing(asked.query)
        if self._document is None:
            self._document = make_document(self._catalogue(), self._guard)
        return document(self._document, headers={"Cache-Control": "public, max-age=300"})

    def datasets(self, asked: Asked) -> Answer:
        """All datasets, each with its columns and how fresh it is."""
        read_nothing(asked.query)
        everything = list(self._catalogue().datasets.values())
        found = self._warehouse.read(lambda snapshot: describe.describe(snapshot, everything))
        return document({"data": found, "meta": {"next": None, "truncated": False}})

    def dataset(self, name: str, asked: Asked) -> Answer:
        """One dataset, with the coverage of all its days."""
        dataset = self._dataset(name)
        read_nothing(asked.query)
        everything = Selection(dataset)
        known, found = self._warehouse.read(
            lambda snapshot: (self._known(snapshot, everything), describe.describe(snapshot, [dataset]))
        )
        return document({"data": found[0], "meta": describe.meta(everything, known)})

    def records(self, name: str, asked: Asked) -> Answer:
        """Rows in an order, a page at a time."""
        return self._records(self._dataset(name), asked)

    def loads(self, asked: Asked) -> Answer:
        """The ledger, in the same grammar as any dataset's rows."""
        return self._records(self._catalogue().loads, asked)

    def aggregate(self, name: str, asked: Asked) -> Answer:
        """Groups and their metrics; `truncated` where there are more than were asked for."""
        query = read_aggregate(self._dataset(name), asked.query)

        def finish(known: Known, read: Sequence[list[Row]]) -> tuple[Table, Row]:
            rows = read[0][: query.limit]
            return Table(query.outputs, rows, _sums(query)), {"truncated": len(read[0]) > query.limit}

        return self._answer(asked, Question(query.selection, (compile_aggregate(query),), finish))

    def stats(self, name: str, asked: Asked) -> Answer:
        """One row a column: how many values, how many different ones, their least, greatest, mean and spread."""
        query = read_stats(self._dataset(name), asked.query)

        def finish(known: Known, read: Sequence[list[Row]]) -> tuple[Table, Row]:
            rows = statistics.columns_of(query, read[0][0])
            return Table(statistics.OUTPUTS, rows), {"rows": read[0][0]["count"], "truncated": query.truncated}

        return self._answer(asked, Question(query.selection, (compile_stats(query),), finish))

    def values(self, name: str, column: str, asked: Asked) -> Answer:
        """The most frequent values of a column, with how many rows have them."""
        query = read_values(self._dataset(name), column, asked.query)

        def finish(known: Known, read: Sequence[list[Row]]) -> tuple[Table, Row]:
            more = len(read[0]) > query.limit
            return Table(("value", "count"), read[0][: query.limit]), {"column": column, "truncated": more}

        return self._answer(asked, Question(query.selection, (compile_values(query),), finish))

    def days(self, name: str, asked: Asked) -> Answer:
        """One row a day of the range: what is known of it, and why."""
        selection = read_days(self._dataset(name), asked.query)

        def finish(known: Known, read: Sequence[list[Row]]) -> tuple[Table, Row]:
            rows = days.days_of(known, read[0])
            return Table(days.OUTPUTS, rows[: days.MOST]), {"truncated": len(rows) > days.MOST}

        return self._answer(asked, Question(selection, (compile_days(selection),), finish))

    def _dataset(self, name: str) -> Dataset:
        return self._catalogue().dataset(name)

    def _records(self, dataset: Dataset, asked: Asked) -> Answer:
        query = read_records(dataset, asked.query)
        counting = (compile_count(query.selection),) if query.count else ()

        def finish(known: Known, read: Sequence[list[Row]]) -> tuple[Table, Row]:
            rows = read[0]
            more, rows = len(rows) > query.limit, rows[: query.limit]
            began = query.began or known.version
            following = _cursor(query, rows[-1], began) if more else None
            told = {"next": following, "truncated": more and following is None, "changed": began != known.version}
            if query.count:
                told["count"] = read[1][0]["count"]
            return Table(query.columns, _shown(query, rows), json=_supers(dataset)), told

        return self._answer(asked, Question(query.selection, (compile_records(query), *counting), finish))

    def _answer(self, asked: Asked, question: Question) -> Answer:
        """Read what is asked, in one snapshot; 304 after one small statement where the client has it already."""
        selection = question.selection
        form = selection.form or negotiated(asked.accept)

        def tag(version: str) -> str:
            return entity_tag(asked, form, selection.dataset.contract.hash, self._today(), version)

        def work(snapshot: Snapshot) -> Answer:
            if asked.if_none_match:
                now = tag(version_of(snapshot.rows(compile_version(selection.dataset))))
                if matches(asked.if_none_match, now):
                    return not_modified(now)
            known = self._known(snapshot, selection)
            rows, told = question.finish(known, [snapshot.rows(statement) for statement in question.statements])
            return table(form, asked, rows, describe.meta(selection, known) | told, tag(known.version))

        return self._warehouse.read(work)

    def _known(self, snapshot: Snapshot, selection: Selection) -> Known:
        if selection.dataset.subquery:
            rows = snapshot.rows(compile_version(selection.dataset))
            return Known(None, None, rows[0]["as_of"], None, version_of(rows))
        rows = snapshot.rows(compile_coverage(selection))
        return read_coverage(selection, rows, self._catalogue().sources, self._today())


def _cursor(query: RecordsQuery, last: Row, began: str) -> str | None:
    """The cursor behind the last row; None where no order tells rows apart."""
    dataset = query.selection.dataset
    if not dataset.tie_breaker:
        return None
    kinds = [dataset.kind(name) for name in query.order]
    return write_cursor(query.digest, began, kinds, [last[name] for name in query.order])


def _shown(query: RecordsQuery, rows: list[Row]) -> list[Row]:
    """The rows without what only the walk needs."""
    unasked = set(query.order) - set(query.columns)
    for row in rows:
        for name in unasked:
            del row[name]
    return rows


def _sums(query: AggregateQuery) -> frozenset[str]:
    fields = query.selection.dataset.fields
    return frozenset(m.name for m in query.metrics if m.function == "sum" and fields[m.column].kind.name == "integer")


def _supers(dataset: Dataset) -> frozenset[str]:
    return frozenset(name for name, field in dataset.fields.items() if field.kind.name == "super")
