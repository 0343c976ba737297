"""Which UTC day each extracted row lies under, by the contract's own expression, and the rows in that order."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.contract.compile import compile_contract
from lambdas.common.contract.rules import ROW
from lambdas.common.contract.sql import literal, quoted
from lambdas.ingest.kinds import duckdb_type
from lambdas.ingest.request import Window
from lambdas.ingest.spool import Rows, Spool, column

BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Day:
    """One day's rows: how many, about how many bytes of values, and for each column what its values are.

    A kind is the bits of kinds.sql for columns of JSON; 0 for typed ones, whose type is known.
    """

    day: dt.date
    count: int
    bytes: int
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
        items = f"_day, count(*), CAST(sum({sizes}) AS BIGINT), [{kinds}]"
        found = self.spool.connection.execute(f"SELECT {items} FROM {self.relation} GROUP BY 1 ORDER BY 1").fetchall()
        return [Day(day, count, size, tuple(kinds)) for day, count, size, kinds in found]

    def batches(self, window: Window | None) -> Iterator[tuple[dt.date, Any]]:
        """The window's rows, day after day in the source's order, as Arrow record batches of one day each.

        JSON values come as text: what type they get is decided for each object.
        """
        items = ", ".join(self._value(place) for place in range(len(self.rows.names)))
        where = f"WHERE _day >= DATE '{window.start}' AND _day < DATE '{window.end}'" if window else ""
        sql = f"SELECT _day{', ' if items else ''}{items} FROM {self.relation} {where} ORDER BY _day, _raw_row"
        for batch in self.spool.connection.sql(sql).to_arrow_reader(BATCH_ROWS):
            yield from _split(batch)

    def _kind(self, place: int) -> str:
        return f"bit_or(kind_of({column(place)}))" if self.rows.types[place] == "JSON" else "0"

    def _size(self, place: int) -> str:
        text = self.rows.types[place] in ("JSON", "VARCHAR")
        return f"coalesce(strlen(CAST({column(place)} AS VARCHAR)), 0)" if text else "8"

    def _value(self, place: int) -> str:
        name = column(place)
        return f"{name} ->> '$' AS {name}" if self.rows.types[place] == "JSON" else name


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
