"""COPY carried out inside the client's transaction, on the client's own backend connection."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import IO

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.copying.parquet import csv_chunks
from infrastructure.local.redshift.copying.record import Load
from infrastructure.local.redshift.copying.source import S3Object, content, fetched, objects
from infrastructure.local.redshift.copying.target import Target, find
from infrastructure.local.redshift.copying.text import text_reader
from infrastructure.local.redshift.dialect.lexer import quote
from infrastructure.local.redshift.dialect.transfers import CopyStatement
from infrastructure.local.redshift.interruption import Interruption
from infrastructure.local.redshift.journal import Journal
from infrastructure.local.redshift.s3 import S3

_Chunks = Generator[bytes, None, None]
# so many small objects are fetched at once, ahead of the one that is being read
_AHEAD = 8


class Copier:
    """Carries out COPY statements.

    Args:
        s3: Where the objects are.
        journal: Where it is told what was loaded.
    """

    def __init__(self, s3: S3, journal: Journal) -> None:
        self._s3 = s3
        self._journal = journal
        self._fetchers = ThreadPoolExecutor(_AHEAD, "fetch")

    async def copy(self, backend: Backend, statement: CopyStatement, interruption: Interruption) -> list[str]:
        """Load the objects into the table; the caller holds an open transaction.

        Returns:
            What Redshift tells the client about it.

        Raises:
            RedshiftError: Nothing was loaded; the transaction has to be rolled back.
        """
        target = await find(backend, statement)
        found = await interruption.thread(self._objects, statement)
        paths = await interruption.thread(self._paths, statement)
        load = await Load.begin(self._journal, backend, statement, target, len(found), interruption.query_id)
        chunks = self._chunks(found, _reader(statement, target, load, paths), load, interruption)
        try:
            count = await self._load(backend, statement, target, chunks, interruption)
        except BaseException as problem:
            load.fail(problem)
            raise
        await load.finish(backend, count)
        return load.told(count)

    def _objects(self, statement: CopyStatement) -> list[S3Object]:
        columnar = statement.format == "PARQUET"
        return objects(self._s3.client, statement.source, manifest=statement.manifest, sized=columnar)

    def _paths(self, statement: CopyStatement) -> bytes | None:
        url = statement.text.json_mapping
        return content(self._s3.client, url) if statement.format == "JSON" and url.startswith("s3://") else None

    async def _load(
        self,
        backend: Backend,
        statement: CopyStatement,
        target: Target,
        chunks: _Chunks,
        interruption: Interruption,
    ) -> int:
        if statement.no_load:
            await interruption.thread(_exhaust, chunks)
            return 0
        listed = ", ".join(quote(column.name) for column in target.columns)
        sql = f"COPY {statement.table} ({listed}) FROM STDIN (FORMAT csv)"
        count = await backend.copy_in(sql, _ahead(chunks, interruption))
        if statement.statistics:
            await backend.query(f"ANALYZE {statement.table}")
        return count

    def _chunks(
        self,
        found: list[S3Object],
        read: Callable[[IO[bytes], str], _Chunks],
        load: Load,
        interruption: Interruption,
    ) -> _Chunks:
        with closing(self._files(found, interruption)) as files:
            for item, file in files:
                size = file.seek(0, io.SEEK_END)
                file.seek(0)
                for chunk in read(file, item.url):
                    load.loaded_bytes += len(chunk)
                    yield chunk
                load.file_done(item.url, size)

    def _files(self, found: list[S3Object], interruption: Interruption) -> Generator[tuple[S3Object, IO[bytes]]]:
        """The objects as open files in their order; small ones are fetched ahead."""
        coming: deque[tuple[S3Object, Future[IO[bytes]]]] = deque()
        try:
            for item in found:
                if coming and (len(coming) == _AHEAD or not item.small):
                    yield from _drained(coming, down_to=_AHEAD - 1 if item.small else 0)
                arguments = (self._s3.client, item, self._s3.folder, interruption.asked)
                coming.append((item, self._fetchers.submit(fetched, *arguments)))
            yield from _drained(coming, down_to=0)
        finally:
            for _, future in coming:
                if not future.cancel():
                    future.add_done_callback(_discard)


def _drained(
    coming: deque[tuple[S3Object, Future[IO[bytes]]]], *, down_to: int
) -> Iterator[tuple[S3Object, IO[bytes]]]:
    while len(coming) > down_to:
        item, future = coming.popleft()
        with future.result() as file:
            yield item, file


def _discard(future: Future[IO[bytes]]) -> None:
    """Close the file of an object that nobody reads any more."""
    if not future.cancelled() and not future.exception():
        future.result().close()


def _reader(
    statement: CopyStatement, target: Target, load: Load, paths: bytes | None
) -> Callable[[IO[bytes], str], _Chunks]:
    if statement.format == "PARQUET":
        return lambda file, url: csv_chunks(file, target.columns, url, statement, load.query_id)
    return text_reader(statement, target.columns, load.bad, paths).chunks


def _exhaust(chunks: _Chunks) -> None:
    with closing(chunks):
        for _chunk in chunks:
            pass


async def _ahead(chunks: _Chunks, interruption: Interruption) -> AsyncGenerator[bytes, None]:
    """The chunks, the next one always made in another thread while the last is being sent."""
    loop = asyncio.get_running_loop()
    coming = loop.run_in_executor(None, next, chunks, None)
    try:
        while (chunk := await interruption.first(coming)) is not None:
            coming = loop.run_in_executor(None, next, chunks, None)
            yield chunk
    finally:
        # an ended feeding waits for no fetch, and leaves neither a file open nor an error that nobody looks at
        coming.add_done_callback(lambda done: _end(done, chunks))


def _end(done: asyncio.Future[bytes | None], chunks: _Chunks) -> None:
    if not done.cancelled():
        done.exception()
    chunks.close()
