"""How a COPY fails: the errors that clients see, and the bad rows that the system views list."""

from __future__ import annotations

from dataclasses import dataclass

from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

_RULE = "-----------------------------------------------"
_WHERE = {"F": "../src/sys/xen_execute.cpp", "L": "12345", "R": "pg_throw"}


class ReaderError(RedshiftError):
    """An error that shows where in the server it was thrown, as those of Redshift's readers do."""

    def fields(self) -> dict[str, str]:
        """The fields of the ErrorResponse."""
        return {**super().fields(), **_WHERE}


class SpectrumError(ReaderError):
    """An error of the reader of columnar files.

    Args:
        code: Spectrum's code.
        context: What is wrong.
        query_id: The COPY.
        url: The file, if one is to blame.
        column: The column, if one is to blame.
    """

    def __init__(self, code: int, context: str, query_id: int, *, url: str = "", column: Column | None = None) -> None:
        lines = (
            _RULE, "error:  Spectrum Scan Error", f"code:      {code}", f"context:   {context}",
            f"query:     {query_id}", "location:  dory_util.cpp:945", "process:   worker_thread [pid=1]", _RULE,
        )  # fmt: skip
        super().__init__(INTERNAL_ERROR, "Spectrum Scan Error", "\n  " + "\n  ".join(lines) + "\n")
        self.bad_row = BadRow(url, 0, code, context, column) if url else None


def unreachable(query_id: int) -> RedshiftError:
    """What a nested column without SERIALIZETOJSON ends with."""
    text = "error: Assert code: 1000 context: Unreachable - Invalid type: 4000"
    return ReaderError(INTERNAL_ERROR, "Assert", f"{text} query: {query_id}")


class FieldError(Exception):
    """A field that is no value of its column.

    Args:
        code: The code of DG/r_Load_Error_Reference.
        reason: What is wrong, as Redshift words it where that is known.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class BadRow:
    """A row that could not be loaded.

    Attributes:
        url: The file.
        line: The line in it, from 1; 0 where there are no lines.
        code: The error's code.
        reason: The error's text.
        column: The column to blame, or None.
        position: Where the field begins in the line, from 0.
        raw_line: The line as it was read.
        raw_field: The field as it was read.
    """

    url: str
    line: int
    code: int
    reason: str
    column: Column | None = None
    position: int = 0
    raw_line: str = ""
    raw_field: str = ""


class LoadFailedError(ReaderError):
    """Too many rows were bad."""

    def __init__(self, table: str) -> None:
        where = "Check 'sys_load_error_detail' system table for details."
        super().__init__(INTERNAL_ERROR, f"Load into table '{table}' failed.  {where}")


class BadRows:
    """The bad rows of one COPY.

    Args:
        table: The target's name.
        limit: The number that makes the COPY fail, or None.
    """

    def __init__(self, table: str, limit: int | None) -> None:
        self._table = table
        self._limit = limit
        self.found: list[BadRow] = []

    def add(self, row: BadRow) -> None:
        """Remember a row.

        Raises:
            LoadFailedError: There are too many now.
        """
        self.found.append(row)
        if self._limit is not None and len(self.found) >= self._limit:
            raise LoadFailedError(self._table)
