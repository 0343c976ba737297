"""COPY carried out inside the client's transaction, on the client's own backend connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.copying.rows import csv_chunks
from infrastructure.local.redshift.copying.schema import Column
from infrastructure.local.redshift.copying.source import S3Object, fetched, objects
from infrastructure.local.redshift.dialect.lexer import literal, quote
from infrastructure.local.redshift.dialect.plan import CopyStatement
from infrastructure.local.redshift.errors import RedshiftError

_COLUMNS = """SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


class Copier:
    """Carries out COPY statements.

    Args:
        endpoint: URL of the local S3, or None for boto3's default.
        folder: Where objects lie while they are read.
    """

    def __init__(self, endpoint: str | None, folder: Path) -> None:
        self._endpoint = endpoint
        self._folder = folder
        self._client: Any = None

    async def copy(self, backend: Backend, statement: CopyStatement) -> None:
        """Load the objects into the table; the caller holds an open transaction.

        Raises:
            RedshiftError: Nothing was loaded; the transaction has to be rolled back.
        """
        columns = await self._targets(backend, statement)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, self._objects, statement)
        chunks = self._chunks(found, columns, statement)
        listed = ", ".join(quote(column.name) for column in columns)
        count = await backend.copy_in(f"COPY {statement.table} ({listed}) FROM STDIN (FORMAT csv)", _ahead(chunks))
        await backend.query(f"SET redshift.last_copy_count TO '{count}'")

    async def _targets(self, backend: Backend, statement: CopyStatement) -> list[Column]:
        rows = await backend.query(_COLUMNS.format(literal(statement.table)))
        columns = {str(name): Column(str(name), str(kind)) for name, kind in rows}
        for name in statement.columns:
            if name not in columns:
                raise RedshiftError("42703", f'column "{name}" of relation {statement.table} does not exist')
        return [columns[name] for name in statement.columns] if statement.columns else list(columns.values())

    def _objects(self, statement: CopyStatement) -> list[S3Object]:
        if self._client is None:
            # the S3 is a local one: a proxy of the environment has no part in it
            config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 3})
            self._client = boto3.client("s3", endpoint_url=self._endpoint, config=config)
        return objects(self._client, statement.source, manifest=statement.manifest)

    def _chunks(
        self, found: list[S3Object], columns: list[Column], statement: CopyStatement
    ) -> Generator[bytes, None, None]:
        for item in found:
            with fetched(self._client, item, self._folder) as file:
                yield from csv_chunks(
                    file, columns, item.url, fill=statement.fill_record, nested=statement.serialize_to_json
                )


async def _ahead(chunks: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """The chunks, the next one always made in another thread while the last is being sent."""
    loop = asyncio.get_running_loop()
    coming = loop.run_in_executor(None, next, chunks, None)
    try:
        while (chunk := await coming) is not None:
            coming = loop.run_in_executor(None, next, chunks, None)
            yield chunk
    finally:
        # an ended feeding must not leave the object's file open, nor an error that nobody looks at
        await asyncio.wait({coming})
        if not coming.cancelled():
            coming.exception()
        chunks.close()
