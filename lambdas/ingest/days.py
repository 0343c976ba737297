"""Which UTC day each extracted row lies under, by the contract's own expression, and the rows in that order."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.contract.compile import compile_contract
from lambdas.common.contract.rules import ROW
from lambdas.common.contract.sql import literal, quoted
from lambdas.ingest.kinds import duckdb_type
from lambdas.ingest.spool import Rows, Spool, column

BATCH_ROWS, BATCH_BYTES = 65_536, 16 << 20
# DuckDB holds so many rows in memory at once while it sorts, whatever its limit, once for each thread.
SORTED_ROWS = 122_880
SORTED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Day:
    """One day's rows: how many, about how many bytes of values, and for each column what its values are.

    `first` and `last` are the numbers of the first and the last row in the source's order. A kind is the bits of
    kinds.sql for columns of JSON; 0 for typed ones, whose type is known.
    """

    day: dt.date
    count: int
    bytes: int
    first: int
    last: int
    kinds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dated:
    """The extracted rows with their day: `relation` is SQL with _day, _raw_row and the spool's columns."""

    spool: Spool
    rows: Rows
    relation: str

    def days(self) -> list[Day]:
        """The days that have rows, in order."""
        places = range(len(self.rows.names))
        kinds = ", ".join(self._kind(place) for place in places) or "0"
        sizes = " + ".join(self._size(place) for place in places) or "0"
        items = f"_day, count(*), CAST(sum({sizes}) AS BIGINT), min(_raw_row), max(_raw_row), [{kinds}]"
        found = self.spool.connection.execute(f"SELECT {items} FROM {self.relation} GROUP BY 1 ORDER BY 1").fetchall()
        return [Day(day, count, size, first, last, tuple(held)) for day, count, size, first, last, held in found]

    def batches(self, days: Sequence[Day]) -> Iterator[tuple[dt.date, Any]]:
        """The rows of these days, all between the first and the last, as Arrow record batches of one day each.

        They come day after day, each in the source's order. JSON values come as text: what type they get is decided
        for each object.
        """
        for run in split_runs(days):
            rows = max(1, BATCH_BYTES * sum(day.count for day in run) // max(1, sum(day.bytes for day in run)))
            reader = self.spool.connection.sql(self._select(run)).to_arrow_reader(min(BATCH_ROWS, rows))
            for batch in reader:
                yield from _split(batch)

    def _select(self, run: Sequence[Day]) -> str:
        """SQL of the run's rows. A scan keeps the source's order, which the spool's connection is set to."""
        items = ", ".join(self._value(place) for place in range(len(self.rows.names)))
        first, last = min(day.first for day in run), max(day.last for day in run)
        days = f"_day BETWEEN DATE '{run[0].day}' AND DATE '{run[-1].day}'"
        order = "" if _in_order(run) else " ORDER BY _day, _raw_row"
        return (
            f"SELECT _day{', ' if items else ''}{items} FROM {self.relation} "
            f"WHERE {days} AND _raw_row BETWEEN {first} AND {last}{order}"
        )

    def _kind(self, place: int) -> str:
        return f"bit_or(kind_of({column(place)}))" if self.rows.types[place] == "JSON" else "0"

    def _size(self, place: int) -> str:
        if self.rows.types[place] == "BLOB":
            return f"coalesce(octet_length({column(place)}), 0)"
        text = self.rows.types[place] in ("JSON", "VARCHAR")
        return f"coalesce(strlen(CAST({column(place)} AS VARCHAR)), 0)" if text else "8"

    def _value(self, place: int) -> str:
        name = column(place)
        return f"{name} ->> '$' AS {name}" if self.rows.types[place] == "JSON" else name


def split_runs(days: Sequence[Day]) -> list[list[Day]]:
    """The days in runs, each of which is read at once: all of them where their rows come in order or are narrow.

    Else a run has no more than can be sorted in memory, or is of one day, which need not be sorted.
    """
    if _in_order(days):
        return [list(days)] if days else []
    runs: list[list[Day]] = [[]]
    size, rows, widest = 0, 0, 0.0
    for day in days:
        width = day.bytes / day.count
        size, rows, widest = size + day.bytes, rows + day.count, max(widest, width)
        if runs[-1] and min(size, widest * min(rows, SORTED_ROWS)) > SORTED_BYTES:
            runs.append([])
            size, rows, widest = day.bytes, day.count, width
        runs[-1].append(day)
    return runs


def _in_order(days: Sequence[Day]) -> bool:
    return all(one.last < other.first for one, other in pairwise(days))


def date_rows(spool: Spool, rows: Rows, contract: Contract, home: dt.date) -> Dated:
    """The rows with the day of the contract's partition column; `home` where that cannot be read.

    Where more was asked for than the window's rows, an unreadable one that is another window's lies before `home`.

    Raises:
        ContractError: the partition column's expression does not fit the columns that came.
    """
    spools = {f"spool {place}": kind for place, kind in enumerate(rows.types)}
    events = _event_columns(spool, rows, contract)
    columns = [quoted(name) for name in spools] + [f"{sql} AS {quoted(name)}" for name, (_, sql) in events.items()]
    relation = f"(SELECT rowid AS {ROW}, {', '.join(columns) or '0 AS _none'} FROM extracted)"
    if not events:
        return Dated(spool, rows, f"(SELECT *, {ROW} AS _raw_row, DATE '{home}' AS _day FROM {relation})")
    event = replace(contract, columns=(contract.event_time,), row_rules=())
    raw_types = spools | {name: kind for name, (kind, _) in events.items()}
    dated = compile_contract(spool.connection, event, raw_types).with_day(relation)
    # keys have four digits for the year: what lies beyond them is as good as unreadable
    readable = f"CASE WHEN _day BETWEEN DATE '1000-01-01' AND DATE '9999-12-30' THEN _day ELSE {_home(rows, home)} END"
    return Dated(spool, rows, f"(SELECT * REPLACE ({readable} AS _day) FROM ({dated}))")


def _home(rows: Rows, home: dt.date) -> str:
    """SQL of the day of a row whose own cannot be read."""
    place = None if rows.asked is None else rows.place(rows.asked.name)
    if rows.asked is None or place is None:
        return f"DATE '{home}'"
    text = f"({column(place)} ->> '$')"
    inside = f"{text} >= {literal(rows.asked.first)} AND {text} < {literal(rows.asked.beyond)}"
    return f"CASE WHEN {inside} THEN DATE '{home}' ELSE DATE '{home - dt.timedelta(days=1)}' END"


def _event_columns(spool: Spool, rows: Rows, contract: Contract) -> dict[str, tuple[str, str]]:
    """DuckDB's type and SQL of each raw column that the partition column reads and that has any value."""
    found = {}
    for source in contract.event_time.sources:
        place = rows.place(source)
        if place is None:
            continue
        name = rows.names[place]
        if rows.types[place] != "JSON":
            found[name] = (rows.types[place], column(place))
            continue
        kinds = spool.connection.execute(f"SELECT bit_or(kind_of({column(place)})) FROM extracted").fetchall()[0][0]
        if kinds:
            kind = duckdb_type(kinds)
            found[name] = (kind, f"CAST({column(place)} ->> '$' AS {kind})")
    return found


def _split(batch: Any) -> Iterator[tuple[dt.date, Any]]:
    """The batch cut where the day changes, without its column of days."""
    import pyarrow.compute as pc

    days = batch.column(0)
    rest = batch.drop_columns(["_day"]) if batch.num_columns > 1 else batch
    ends = pc.run_end_encode(days)
    start = 0
    for day, end in zip(ends.values.to_pylist(), ends.run_ends.to_pylist(), strict=True):
        yield day, rest.slice(start, end - start)
        start = end
