"""What the journal is told of a COPY: that it runs, how it ended, its files and its bad rows."""

from __future__ import annotations

import time

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.copying.failures import BadRow, BadRows, SpectrumError
from infrastructure.local.redshift.copying.target import Target
from infrastructure.local.redshift.dialect.transfers import CopyStatement
from infrastructure.local.redshift.journal import Journal, entry, merged, now

_FORMATS = {"PARQUET": "parquet", "CSV": "csv", "TEXT": "txt", "JSON": "json"}
_SESSION = """SELECT pg_catalog.pg_backend_pid(), r.oid, pg_catalog.current_database(), pg_catalog.pg_current_xact_id()
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"""
_MESSAGE = 512


class Load:
    """One COPY in the journal.

    Attributes:
        query_id: Its id.
        bad: Its bad rows.
        loaded_bytes: Bytes that went to the table so far.
    """

    def __init__(self, journal: Journal, statement: CopyStatement, target: Target, files: int, query_id: int) -> None:
        self.query_id = query_id
        self.bad = BadRows(target.table, statement.text.max_error)
        self.loaded_bytes = 0
        self._journal = journal
        self._target = target
        self._began = time.perf_counter()
        self._files: list[dict[str, object]] = []
        self._session: dict[str, object] = {}
        self._head = entry(
            table_name=target.table, data_source=statement.source, file_format=_FORMATS[statement.format],
            start_time=now(), source_file_count=files,
        )  # fmt: skip

    @classmethod
    async def begin(
        cls, journal: Journal, backend: Backend, statement: CopyStatement, target: Target, files: int, query_id: int
    ) -> Load:
        """Note that a COPY has begun; the session's last COPY is this one from now on, with no rows yet."""
        load = cls(journal, statement, target, files, query_id)
        ((pid, user, database, transaction),) = await backend.query(_SESSION)
        await backend.query(f"SELECT pg_catalog.rs_note_copy({load.query_id}, 0)")
        load._session = entry(
            query_id=load.query_id, user_id=int(user or 0), session_id=int(pid or 0), database_name=database,
            transaction_id=int(transaction or 0), table_id=target.table_id,
        )  # fmt: skip
        load._write("running", 0)
        return load

    def file_done(self, url: str, size: int) -> None:
        """Note that a file of `size` bytes was read to its end."""
        self._files.append(entry(file_name=url, bytes_scanned=size, record_time=now()))

    async def finish(self, backend: Backend, count: int) -> None:
        """Note that `count` rows were loaded."""
        await backend.query(f"SELECT pg_catalog.rs_note_copy({self.query_id}, {count})")
        self._write_details()
        self._write("completed", count)

    def fail(self, problem: BaseException) -> None:
        """Note that nothing was loaded, and why."""
        if isinstance(problem, SpectrumError) and problem.bad_row:
            self.bad.found.append(problem.bad_row)
        self._files.clear()
        self._write_details()
        self._write("aborted", 0)

    def told(self, count: int) -> list[str]:
        """What the client is told about a COPY that has succeeded."""
        done = f"Load into table '{self._target.table}' completed, "
        told = [f"{done}{count} record(s) loaded successfully."]
        if self.bad.found:
            where = "Check 'sys_load_error_detail' system table for details."
            told.append(f"{done}{len(self.bad.found)} record(s) could not be loaded.  {where}")
        return told

    def _write(self, status: str, count: int) -> None:
        running = status == "running"
        fields = entry(
            status=status, end_time=None if running else now(), duration=int((time.perf_counter() - self._began) * 1e6),
            loaded_rows=count, loaded_bytes=self.loaded_bytes if count else 0, error_count=len(self.bad.found),
            source_file_bytes=sum(int(str(file["bytes_scanned"])) for file in self._files),
            file_count_scanned=len(self._files),
        )  # fmt: skip
        self._journal.write("load", [merged(self._session, self._head, fields)])

    def _write_details(self) -> None:
        self._journal.write("load_file", [merged(self._session, file) for file in self._files])
        self._journal.write("load_error", [merged(self._session, self._bad(row)) for row in self.bad.found])

    def _bad(self, row: BadRow) -> dict[str, object]:
        column = row.column
        return entry(
            start_time=self._head["start_time"], file_name=row.url, line_number=row.line,
            column_name=column.name if column else "", column_type=column.short if column else "",
            column_length=",".join(map(str, column.sizes)) if column else "", position=row.position,
            error_code=row.code, error_message=row.reason[:_MESSAGE], raw_line=row.raw_line, raw_field=row.raw_field,
        )  # fmt: skip
