"""One raw object in, one curated and one rejected Parquet file out, by the contract compiled to DuckDB.

Files only: no S3, no warehouse. The curated file holds the contract's columns in order, _raw_key and _raw_row;
the rejected file holds raw_key, raw_row, reasons (column, rule, value) and the whole raw row as JSON text.
"""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.contract.compile import Compiled, compile_contract
from lambdas.common.errors import ContractError, ObjectError, WorkspaceFull

# Snappy: what UNLOAD itself writes, so what COPY surely reads.
WRITE = "FORMAT parquet, COMPRESSION snappy"
MISSING_ROWS = (Path(__file__).parent / "statements" / "missing_rows.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Split:
    """What became of one raw object. `event_from` and `event_to` are naive UTC, None without an accepted row."""

    rows_in: int
    rows_accepted: int
    rows_rejected: int
    rows_late: int
    event_from: dt.datetime | None
    event_to: dt.datetime | None


@contextmanager
def open_engine(workspace: Path, memory: str = "700MB") -> Iterator[Any]:
    """A DuckDB connection that spills into the workspace and reads all times as UTC."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{memory}'")
        connection.execute(f"SET temp_directory = {_quoted(workspace / 'spill')}")
        connection.execute(f"SET threads = {os.cpu_count() or 1}")
        yield connection
    finally:
        connection.close()


class Engine:
    """Splits the objects of one source; keeps the compiled SQL per raw schema."""

    def __init__(self, connection: Any, contract: Contract) -> None:
        self._connection = connection
        self._contract = contract
        self._compiled: dict[tuple[tuple[str, str], ...], Compiled] = {}

    def split(self, raw: Path, key: str, day: dt.date, *, curated: Path, rejected: Path) -> Split:
        """Write the two files of one raw object; the rejected one only where rows were rejected.

        Args:
            raw: the object's bytes on disk.
            key: its raw key, written to every row.
            day: the UTC day in its key; rows of other days count as late.
            curated: where the accepted rows go, also when there are none.
            rejected: where the rejected rows go.

        Raises:
            ObjectError: the file is no readable Parquet.
            ContractError: the contract does not fit the object's columns.
        WorkspaceFull: disk or memory did not suffice.
        """
        relation = _relation(raw)
        rows_in = self._count(raw)
        compiled = self._compile(raw)
        self._accept(compiled.accepted(relation, key), raw, curated)
        accepted, late, first, last = self._measure(curated, day)
        if accepted < rows_in:
            self._find_missing(curated, rows_in, accepted)
            self._reject(compiled, raw, key, rejected)
        return Split(rows_in, accepted, rows_in - accepted, late, first, last)

    def _count(self, raw: Path) -> int:
        # An error here is the object's: later the same statement could fail for the contract's sake.
        try:
            sql = f"SELECT sum(num_rows) FROM parquet_file_metadata({_quoted(raw)})"
            return int(self._connection.execute(sql).fetchall()[0][0])
        except Exception as error:
            raise ObjectError(f"no readable Parquet file: {_first_line(error)}") from error

    def _compile(self, raw: Path) -> Compiled:
        described = self._connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_quoted(raw)})").fetchall()
        schema = tuple((str(row[0]), str(row[1])) for row in described)
        if schema not in self._compiled:
            self._compiled[schema] = compile_contract(self._connection, self._contract, dict(schema))
        return self._compiled[schema]

    def _copy(self, select: str, raw: Path, target: Path) -> None:
        try:
            self._connection.execute(f"COPY ({select}) TO {_quoted(target)} ({WRITE})")
        except Exception as error:
            raise self._blame(error, raw) from error

    def _blame(self, error: Exception, raw: Path) -> Exception:
        """Whose fault it is: the object's only if reading it alone fails; a full disk must not set good data aside."""
        import duckdb

        try:
            self._connection.execute(f"SELECT min(hash(t)) FROM read_parquet({_quoted(raw)}) AS t").fetchall()
        except Exception as damage:  # noqa: BLE001 - whatever hinders reading, the object cannot be read
            if not isinstance(damage, duckdb.OutOfMemoryException):
                return ObjectError(f"the Parquet file breaks off or is damaged: {_first_line(damage)}")
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | OSError):
            return WorkspaceFull(f"no room to work on {raw.name}: {_first_line(error)}")
        return ContractError(f"{self._contract.path}: {_first_line(error)}")

    def _measure(self, curated: Path, day: dt.date) -> tuple[int, int, dt.datetime | None, dt.datetime | None]:
        event = '"' + self._contract.event_time.name + '"'
        today, after = f"TIMESTAMPTZ '{day} 00:00:00+00'", f"TIMESTAMPTZ '{day + dt.timedelta(days=1)} 00:00:00+00'"
        sql = (
            f"SELECT count(*), count(*) FILTER ({event} < {today} OR {event} >= {after}), "
            f"CAST(min({event}) AS TIMESTAMP), CAST(max({event}) AS TIMESTAMP) FROM read_parquet({_quoted(curated)})"
        )
        count, late, first, last = self._connection.execute(sql).fetchall()[0]
        return int(count), int(late), first, last

    def _find_missing(self, curated: Path, rows_in: int, accepted: int) -> None:
        """Row numbers that the curated file skips. It keeps the raw order, so memory holds the gaps alone."""
        sql = MISSING_ROWS.format(curated=_quoted(curated), rows_in=rows_in)
        found = self._connection.execute(sql).fetchall()[0][0]
        if found != rows_in - accepted:
            raise ContractError(f"{self._contract.path}: {found} rows are missing, not {rows_in - accepted}: no order?")

    def _accept(self, select: str, raw: Path, curated: Path) -> None:
        """Rules pushed below the casts would have every cast done twice: once to filter, once to write."""
        self._connection.execute("SET disabled_optimizers = 'filter_pushdown'")
        try:
            self._copy(select, raw, curated)
        finally:
            self._connection.execute("RESET disabled_optimizers")

    def _reject(self, compiled: Compiled, raw: Path, key: str, rejected: Path) -> None:
        """Reasons are worked out for the rows alone that did not arrive in the curated file: clean rows pay nothing."""
        left = _relation(raw, "WHERE file_row_number IN (SELECT missing FROM missing_rows)")
        self._copy(compiled.rejected(left, key), raw, rejected)
        sql = f"SELECT count(*) FROM read_parquet({_quoted(rejected)}) WHERE len(reasons) = 0"
        silent = self._connection.execute(sql).fetchall()[0][0]
        if silent:
            raise ContractError(f"{self._contract.path}: {silent} rows of {key} were rejected without a reason")


def _relation(raw: Path, where: str = "") -> str:
    return f"(SELECT *, file_row_number AS _raw_row FROM read_parquet({_quoted(raw)}) {where})"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
