"""What the journal is told of an UNLOAD."""

from __future__ import annotations

import time
from collections.abc import Sequence

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.transfers import UnloadStatement
from infrastructure.local.redshift.journal import Journal, entry, merged, now
from infrastructure.local.redshift.unloading.files import Unloaded

_FORMATS = {"PARQUET": "Parquet", "CSV": "CSV", "TEXT": "Text", "JSON": "JSON"}
_COMPRESSIONS = {"gzip": "gzip", "bz2": "bzip2", "zstd": "zstd", "": "none"}
_SESSION = """SELECT pg_catalog.pg_backend_pid(), r.oid, pg_catalog.current_database(),
    coalesce(pg_catalog.pg_current_xact_id_if_assigned()::text, '0')
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"""
_NOTE = """SELECT pg_catalog.set_config('redshift.last_unload_id', '{}', false),
    pg_catalog.set_config('redshift.last_unload_count', '{}', false)"""


class Unload:
    """One UNLOAD in the journal."""

    def __init__(self, journal: Journal, statement: UnloadStatement, query_id: int) -> None:
        self._journal = journal
        self._id = query_id
        self._began = time.perf_counter()
        self._session: dict[str, object] = {}
        self._head = entry(
            start_time=now(), file_format=_FORMATS[statement.format], unloaded_location=statement.target,
            compression_type=_COMPRESSIONS[statement.compression],
        )  # fmt: skip

    @classmethod
    async def begin(cls, journal: Journal, backend: Backend, statement: UnloadStatement, query_id: int) -> Unload:
        """Note that an UNLOAD has begun."""
        unload = cls(journal, statement, query_id)
        ((pid, user, database, transaction),) = await backend.query(_SESSION)
        await backend.query(_NOTE.format(unload._id, 0))
        unload._session = entry(
            query_id=unload._id, user_id=int(user or 0), session_id=int(pid or 0), database_name=database,
            transaction_id=int(transaction or 0),
        )  # fmt: skip
        unload._write("running", 0, [])
        return unload

    async def finish(self, backend: Backend, count: int, files: Sequence[Unloaded]) -> None:
        """Note that `count` rows were unloaded."""
        await backend.query(_NOTE.format(self._id, count))
        self._write("completed", count, files)
        ended = entry(end_time=now(), start_time=self._head["start_time"], file_format=self._head["file_format"])
        details = [entry(file_name=file.url, line_count=file.rows, transfer_size=file.size) for file in files]
        self._journal.write("unload_file", [merged(self._session, ended, detail) for detail in details])

    def fail(self, problem: BaseException) -> None:
        """Note that it failed, and why."""
        self._write("aborted", 0, [], str(problem))

    def _write(self, status: str, count: int, files: Sequence[Unloaded], message: str = "") -> None:
        fields = entry(
            status=status, end_time=None if status == "running" else now(), unloaded_rows=count,
            duration=int((time.perf_counter() - self._began) * 1e6), unloaded_files_count=len(files),
            unloaded_files_size=sum(file.size for file in files), error_message=message,
        )  # fmt: skip
        self._journal.write("unload", [merged(self._session, self._head, fields)])
