"""UNLOAD carried out on the client's own backend connection, in its transaction, with its snapshot and its rights."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from urllib.parse import quote as percent

import pyarrow as pa

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.transfers import UnloadStatement
from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError
from infrastructure.local.redshift.journal import Journal
from infrastructure.local.redshift.s3 import S3
from infrastructure.local.redshift.unloading import columns as described
from infrastructure.local.redshift.unloading import select
from infrastructure.local.redshift.unloading.columns import Column
from infrastructure.local.redshift.unloading.destination import Destination
from infrastructure.local.redshift.unloading.files import Files, put_manifest
from infrastructure.local.redshift.unloading.record import Unload
from infrastructure.local.redshift.unloading.rows import Keys, LineReader, TableReader, gathered
from infrastructure.local.redshift.unloading.writers import ParquetWriter, TextWriter, Writer

_NULL_KEY = "__HIVE_DEFAULT_PARTITION__"
# the settings that decide how the backend writes dates, times and floats as text
_FORMS = {"datestyle": "ISO, MDY", "extra_float_digits": "1", "intervalstyle": "postgres"}


class Unloader:
    """Carries out UNLOAD statements.

    Args:
        s3: Where the files go.
        journal: Where it is told what was unloaded.
    """

    def __init__(self, s3: S3, journal: Journal) -> None:
        self._s3 = s3
        self._journal = journal

    async def unload(self, backend: Backend, statement: UnloadStatement, query_id: int) -> list[str]:
        """Write the rows of the query to S3; the caller holds an open transaction.

        Returns:
            What Redshift tells the client about it.

        Raises:
            RedshiftError: It failed; files that were written before stay.
        """
        columns = [described.column(*item) for item in await backend.describe(statement.query)]
        loop = asyncio.get_running_loop()
        destination = await loop.run_in_executor(None, lambda: Destination(self._s3.client, statement))
        job = _Job(statement, columns, destination, self._s3)
        await loop.run_in_executor(None, destination.prepare)
        unload = await Unload.begin(self._journal, backend, statement, query_id)
        try:
            async with _plain_forms(backend):
                count = await job.run(backend)
        except BaseException as problem:
            unload.fail(problem)
            raise
        finally:
            job.files.abandon()
        await unload.finish(backend, count, job.files.done)
        return [f"UNLOAD completed, {count} record(s) unloaded successfully."]


class _Job:
    """One UNLOAD while it runs."""

    def __init__(self, statement: UnloadStatement, columns: list[Column], destination: Destination, s3: S3) -> None:
        self._statement = statement
        self._columns = columns
        self._destination = destination
        self._folder = s3.folder
        if statement.format in {"PARQUET", "JSON"} or statement.partitions:
            described.check_names(columns)
        self._partitions = described.partition_indexes(columns, statement.partitions, include=statement.include)
        chosen = select.file_columns(statement, columns, self._partitions)
        self._in_files = [columns[index] for index in chosen]
        columnar = statement.format == "PARQUET"
        self._reader = TableReader(self._in_files, len(self._partitions)) if columnar else LineReader()
        self.files = Files(statement, destination, self._new_file)

    async def run(self, backend: Backend) -> int:
        """Write all rows and the manifest; the number of rows."""
        copy = select.copy_values if isinstance(self._reader, TableReader) else select.copy_lines
        loop = asyncio.get_running_loop()
        count = 0
        async with aclosing(backend.copy_out(copy(self._statement, self._columns, self._partitions))) as arriving:
            async for rows in gathered(arriving):
                count += await loop.run_in_executor(None, partial(self._write, rows))
        await loop.run_in_executor(None, partial(self._finish, count))
        return count

    def _write(self, rows: list[bytes]) -> int:
        count = 0
        try:
            for keys, block in self._reader.blocks(rows):
                if block.rows:
                    self.files.write(block, self._folder_of(keys))
                    count += block.rows
        except pa.ArrowException as problem:
            raise RedshiftError(INTERNAL_ERROR, f"UNLOAD: a value can not be written. {problem}") from problem
        return count

    def _finish(self, count: int) -> None:
        if not count and self._statement.format in {"CSV", "TEXT"} and not self._partitions:
            self.files.begin()
        self.files.close()
        if self._statement.manifest:
            put_manifest(self._statement, self._destination, self.files.done, self._in_files)

    def _new_file(self) -> Writer:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if isinstance(self._reader, TableReader):
            return ParquetWriter(self._statement, self._folder, self._reader.schema)
        names = [column.name for column in self._in_files]
        header = select.header(self._statement, names).encode() + b"\n" if self._statement.header else b""
        return TextWriter(self._statement, self._folder, header)

    def _folder_of(self, keys: Keys) -> str:
        names: Sequence[str] = self._statement.partitions
        return "".join(f"{name}={_shown(key)}/" for name, key in zip(names, keys, strict=True))


def _shown(key: str | None) -> str:
    """A key in a folder's name, as Hive has it."""
    return (
        _NULL_KEY if key is None else re.sub(r'["#%\'*/:=?\\{}\[\]^\x00-\x1f]', lambda m: percent(m[0], safe=""), key)
    )


@asynccontextmanager
async def _plain_forms(backend: Backend) -> AsyncIterator[None]:
    """The session's settings of how values are written, set aside for a while; an error rolls them back anyway."""
    names = ", ".join(f"pg_catalog.current_setting({literal(name)})" for name in _FORMS)
    (kept,) = await backend.query(f"SELECT {names}")
    await _set(backend, list(_FORMS.values()))
    yield
    await _set(backend, [value or "" for value in kept])


async def _set(backend: Backend, values: list[str]) -> None:
    pairs = zip(_FORMS, values, strict=True)
    calls = ", ".join(f"pg_catalog.set_config({literal(name)}, {literal(value)}, false)" for name, value in pairs)
    await backend.query(f"SELECT {calls}")
