"""One raw object in, one curated and one rejected Parquet file out, by the contract compiled to DuckDB.

Files only: no S3, no warehouse. The curated file holds the contract's columns in order, _raw_key and _raw_row;
the rejected file holds raw_key, raw_row, reasons (column, rule, value) and the whole raw row as JSON text.
"""

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common import remarks
from lambdas.common.contract import Contract
from lambdas.common.contract.assumed import values_of
from lambdas.common.contract.compile import Compiled, compile_contract, refuses_types
from lambdas.common.contract.drift import find_drift
from lambdas.common.contract.model import MOST_RAW_COLUMNS
from lambdas.common.contract.rowset import Span, holds, remember
from lambdas.common.contract.rules import MARK, hides_rows
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ContractError, ObjectError, WorkspaceFull
from lambdas.process.memory import MEMORY, execute, is_too_small, tell_width
from lambdas.process.rows import TAKEN, Rows, left_out, plain_rows, refuse_schema, transformed_rows
from lambdas.process.transform import run_script
from lambdas.process.verdict import drop_repeated, judge, refuse_if_too_many
from lambdas.process.writing import WRITE, write_options

# Makes a join of a list of some values, as an enum is. A join of several threads gives the rows in any order.
REORDERING = "in_clause"
MISSING_ROWS = (Path(__file__).parent / "statements" / "missing_rows.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Split:
    """What became of one raw object. `event_from` and `event_to` are naive UTC, None without an accepted row.

    `drift` says where the object's columns differ from the contract's, `warnings` which of its rules over objects
    are broken; nothing is left out for either.
    """

    rows_in: int
    rows_accepted: int
    rows_rejected: int
    rows_late: int
    event_from: dt.datetime | None
    event_to: dt.datetime | None
    drift: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Both, each marked with its kind."""
        return (*remarks.mark_all(remarks.DRIFT, self.drift), *remarks.mark_all(remarks.RULE, self.warnings))


@dataclass(frozen=True, slots=True)
class Part:
    """Where a file's rows stand in their raw object, of which it holds a slice.

    Args:
        first: the number of its first row in the object.
        rows: the rows of the whole object; None where the file is all of it.
        rejected: how many rows of the slices before it were rejected.
        former: curated files of the slices before it, for what the contract says over all rows of an object.
    """

    first: int = 0
    rows: int | None = None
    rejected: int = 0
    former: tuple[Path, ...] = ()


WHOLE = Part()


@contextmanager
def open_engine(workspace: Path, memory: str = MEMORY) -> Iterator[Any]:
    """A DuckDB connection that spills into the workspace, reads all times as UTC, and keeps the order of rows."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{memory}'")
        connection.execute(f"SET temp_directory = {_quoted(workspace / 'spill')}")
        connection.execute(f"SET disabled_optimizers = '{REORDERING}'")
        connection.execute(f"SET threads = {os.cpu_count() or 1}")
        # it would hold whole column chunks of a row group; from the local disk pages come as fast
        connection.execute("SET disable_parquet_prefetching = true")
        yield connection
    finally:
        connection.close()


class Engine:
    """Splits the objects of one source; keeps the compiled SQL per raw schema."""

    def __init__(self, connection: Any, contract: Contract) -> None:
        self._connection = connection
        self._contract = contract
        self._write = WRITE
        self._compiled: dict[tuple[bool, tuple[tuple[str, str], ...]], Compiled] = {}

    def split(self, raw: Path, key: str, day: dt.date, *, curated: Path, rejected: Path, part: Part = WHOLE) -> Split:
        """Write the two files of one raw object, or of a slice; the rejected one only where rows were rejected.

        Args:
            raw: the object's bytes on disk.
            key: its raw key, written to every row.
            day: the UTC day in its key; rows of other days count as late.
            curated: where the accepted rows go, also when there are none.
            rejected: where the rejected rows go.
            part: which rows of the object the file holds. Rules over the object are judged with its last ones.

        Raises:
            ObjectError: the file is no readable Parquet, the contract refuses the object as a whole, or its expressions
                take other types than those of its columns.
            ContractError: they take none.
            WorkspaceFull: the disk did not suffice.
        """
        rows_in = self._count(raw)
        refuse_schema(raw)
        self._write = write_options(raw)
        total = rows_in if part.rows is None else part.rows
        with self._rows(raw, rows_in, part.first) as rows:
            schema = self._describe(rows)
            drift = self._drift(rows, schema) if rows_in else ()
            compiled = self._compile(schema, rows, key)
            self._accept(compiled.accepted(rows.relation(), key), raw, curated)
            repeated = drop_repeated(self._connection, self._contract, curated, rows.span, part.former, self._write)
            accepted, late, first, last = self._measure(curated, day)
            if accepted < rows_in:
                self._find_missing(curated, rows.span, rows_in - accepted)
                self._reject(compiled, rows, raw, key=key, rejected=rejected, repeated=repeated)
                refuse_if_too_many(self._connection, self._contract, total, rejected, part.rejected)
        is_last = rows_in and part.first + rows_in == total
        warnings = judge(self._connection, self._contract, (*part.former, curated)) if is_last else ()
        return Split(rows_in, accepted, rows_in - accepted, late, first, last, drift, warnings)

    @contextmanager
    def _rows(self, raw: Path, rows_in: int, first: int) -> Iterator[Rows]:
        """The object's rows as the contract reads them: its own, or what a transform.py makes of them."""
        if self._contract.script is None or not rows_in:
            yield plain_rows(raw, (first, first + rows_in))
            return
        with tempfile.TemporaryDirectory(dir=raw.parent) as folder:
            files = run_script(self._contract.script, raw, Path(folder), first, hide=hides_rows(self._contract))
            yield transformed_rows(files, (first, first + rows_in))

    def cut(self, raw: Path, first: int, end: int, target: Path) -> None:
        """Write the object's rows [first, end) into a file of their own. Only their row groups are read.

        Raises:
            ObjectError: they cannot be read, or are too wide for the memory.
            WorkspaceFull: the disk did not suffice.
        """
        source = f"read_parquet({_quoted(raw)}) AS t WHERE {TAKEN} >= {first} AND {TAKEN} < {end}"
        try:
            execute(self._connection, f"COPY (SELECT t.* FROM {source}) TO {_quoted(target)} ({write_options(raw)})")
        except Exception as error:
            raise self._blame(error, raw, source) from error

    def _count(self, raw: Path) -> int:
        # An error here is the object's: later the same statement could fail for the contract's sake.
        try:
            sql = f"SELECT sum(num_rows) FROM parquet_file_metadata({_quoted(raw)})"
            return int(self._connection.execute(sql).fetchall()[0][0])
        except Exception as error:
            raise ObjectError(f"no readable Parquet file: {_said(error, raw)}") from error

    def _describe(self, rows: Rows) -> dict[str, str]:
        """DuckDB's type by column name."""
        described = self._connection.execute(f"DESCRIBE SELECT {rows.columns} FROM {rows.source}").fetchall()
        schema = {str(row[0]): str(row[1]) for row in described}
        if len(schema) > MOST_RAW_COLUMNS:
            raise ObjectError(f"{len(schema):,} columns; an object has at most {MOST_RAW_COLUMNS:,}")
        for name in schema:
            if name.lower() == TAKEN or name.startswith(MARK):
                raise ObjectError(f"a column is named {name!r}: {TAKEN}, and {MARK} in front, are taken by the reader")
        return schema

    def _drift(self, rows: Rows, schema: dict[str, str]) -> tuple[str, ...]:
        if self._contract.on_drift == "ignore":
            return ()
        found = tuple(d.text for d in find_drift(self._contract, schema) if self._is_real(d.only_if_valued, rows))
        if found and self._contract.on_drift == "fail":
            raise ObjectError(remarks.mark(remarks.DRIFT, f"drift, and onDrift is fail: {'; '.join(found)}"))
        return found

    def _is_real(self, column: str | None, rows: Rows) -> bool:
        """A column that has no value in the whole object has no type of its own either."""
        if column is None:
            return True
        return values_of(self._connection, rows.source)(column)

    def _compile(self, schema: dict[str, str], rows: Rows, raw_key: str) -> Compiled:
        is_empty = rows.span[0] == rows.span[1]
        key = (is_empty, tuple(schema.items()))
        if key in self._compiled:
            return self._compiled[key]
        given = (self._connection, self._contract, schema, values_of(self._connection, rows.source))
        try:
            compiled = compile_contract(*given)
        except ContractError as error:
            if refuses_types(*given):
                raise ObjectError(f"{error}; a cast in it takes values of any type") from error
            raise ContractError(f"{error} ({raw_key})") from error
        if is_empty or not compiled.assumed:
            self._compiled[key] = compiled
        return compiled

    def _copy(self, select: str, raw: Path, target: Path) -> None:
        try:
            execute(self._connection, f"COPY ({select}) TO {_quoted(target)} ({self._write})")
        except Exception as error:
            raise self._blame(error, raw, f"read_parquet({_quoted(raw)}) AS t") from error

    def _blame(self, error: Exception, raw: Path, source: str) -> Exception:
        """Whose fault it is: the object's only if reading it alone fails; a full disk must not set good data aside."""
        import duckdb

        try:
            self._connection.execute(f"SELECT min(hash(t)) FROM {source}").fetchall()
        except Exception as damage:  # noqa: BLE001 - whatever hinders reading, the object cannot be read
            if not isinstance(damage, duckdb.OutOfMemoryException):
                return ObjectError(f"the Parquet file breaks off or is damaged: {_said(damage, raw)}")
        if is_too_small(error):
            return ObjectError(tell_width(raw))
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | OSError):
            return WorkspaceFull(f"no room to work on {raw.name}: {_first_line(error)}")
        return ContractError(f"{self._contract.path}: {_first_line(error)}")

    def _measure(self, curated: Path, day: dt.date) -> tuple[int, int, dt.datetime | None, dt.datetime | None]:
        event = quoted(self._contract.event_time.name)
        today, after = f"TIMESTAMPTZ '{day} 00:00:00+00'", f"TIMESTAMPTZ '{day + dt.timedelta(days=1)} 00:00:00+00'"
        sql = (
            f"SELECT count(*), count(*) FILTER ({event} < {today} OR {event} >= {after}), "
            f"CAST(min({event}) AS TIMESTAMP), CAST(max({event}) AS TIMESTAMP) FROM read_parquet({_quoted(curated)})"
        )
        count, late, first, last = self._connection.execute(sql).fetchall()[0]
        return int(count), int(late), first, last

    def _find_missing(self, curated: Path, span: Span, expected: int) -> None:
        """Row numbers that the curated file skips. It keeps the raw order, so memory holds the gaps alone."""
        sql = MISSING_ROWS.format(curated=_quoted(curated), before=span[0] - 1, end=span[1])
        found = self._connection.execute(sql).fetchall()[0][0]
        if found != expected:
            raise ContractError(f"{self._contract.path}: {found} rows are missing, not {expected}: no order?")
        remember(self._connection, "missing", "SELECT missing FROM missing_rows", span)

    def _accept(self, select: str, raw: Path, curated: Path) -> None:
        """Rules pushed below the casts would have every cast done twice: once to filter, once to write."""
        self._connection.execute(f"SET disabled_optimizers = '{REORDERING},filter_pushdown'")
        try:
            self._copy(select, raw, curated)
        finally:
            self._connection.execute(f"SET disabled_optimizers = '{REORDERING}'")

    def _reject(self, compiled: Compiled, rows: Rows, raw: Path, *, key: str, rejected: Path, repeated: bool) -> None:
        """Reasons are worked out for the rows alone that did not arrive in the curated file: clean rows pay nothing."""
        left = rows.relation(f"WHERE {holds('missing', rows.number)}")
        select = compiled.rejected(left, key, repeated=repeated)
        if rows.transformed:
            remember(self._connection, "made", f"SELECT {rows.number} FROM {rows.source}", rows.span)
            select = f"({select}) UNION ALL ({left_out(rows, raw, key, masked=hides_rows(self._contract))})"
        self._copy(select, raw, rejected)
        sql = f"SELECT count(*) FROM read_parquet({_quoted(rejected)}) WHERE len(reasons) = 0"
        silent = self._connection.execute(sql).fetchall()[0][0]
        if silent:
            raise ContractError(f"{self._contract.path}: {silent} rows of {key} were rejected without a reason")


def _quoted(path: Path) -> str:
    return literal(str(path))


def _said(error: BaseException, raw: Path) -> str:
    """What DuckDB says of the object, without the place where this function keeps it."""
    return _first_line(error).replace(f" '{raw}'", "").replace(str(raw), "it")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
