"""Files of an UNLOAD while they are written: rows go in block by block, a full file is closed and put."""

from __future__ import annotations

import bz2
import gzip
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from infrastructure.local.redshift.dialect.transfers import Compression, UnloadStatement

# what UNLOAD says about its row groups
_ROW_GROUP = 32 << 20


class Block(Protocol):
    """Rows on their way to a file."""

    @property
    def rows(self) -> int:
        """How many."""


class Lines:
    """Lines of text, each with its end."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.rows = len(lines)
        self.data = b"".join(lines)


class Table:
    """Rows of values."""

    def __init__(self, table: pa.Table) -> None:
        self.rows = table.num_rows
        self.table = table


class Writer(Protocol):
    """A file that is being written."""

    file: IO[bytes]
    rows: int

    def write(self, block: Any) -> None:
        """Add rows."""

    def full(self, block: Any) -> bool:
        """Whether the file would be too long with these rows."""

    def close(self) -> int:
        """End the file; its size in bytes."""


class TextWriter:
    """A text file, plain or compressed.

    Args:
        statement: The UNLOAD.
        folder: Where the file lies until it is put.
        header: The header line with its end, or nothing.
    """

    def __init__(self, statement: UnloadStatement, folder: Path, header: bytes) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by who puts it
        self.rows = 0
        self._limit = statement.max_file_size
        self._out = _compressed(self.file, statement.compression)
        if header:
            self._out.write(header)
            self.rows = 1

    def write(self, block: Lines) -> None:
        """Add lines."""
        self._out.write(block.data)
        self.rows += block.rows

    def full(self, block: Lines) -> bool:
        """Whether the file would be too long with these lines, as far as that is known of a compressed one."""
        return self.rows > 0 and self.file.tell() + len(block.data) > self._limit

    def close(self) -> int:
        """End the file; its size in bytes."""
        self._out.close()
        return self.file.seek(0, os.SEEK_END)


def _compressed(file: IO[bytes], compression: Compression) -> Any:
    """Something to write to whose end leaves the file open."""
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0)
    if compression == "bz2":
        return bz2.BZ2File(file, "wb")
    kept_open = os.fdopen(os.dup(file.fileno()), "wb")
    return pa.CompressedOutputStream(kept_open, "zstd") if compression == "zstd" else kept_open


class ParquetWriter:
    """A Parquet file, version 1.0, its row groups compressed with Snappy.

    Args:
        statement: The UNLOAD.
        folder: Where the file lies until it is put.
        schema: The columns.
    """

    def __init__(self, statement: UnloadStatement, folder: Path, schema: pa.Schema) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by who puts it
        self.rows = 0
        self._group = min(statement.row_group_size, statement.max_file_size)
        self._limit = max(statement.max_file_size // _ROW_GROUP * _ROW_GROUP, self._group)
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = 0
        kept_open = os.fdopen(os.dup(self.file.fileno()), "wb")
        self._sink = kept_open
        self._out = pq.ParquetWriter(kept_open, schema, version="1.0", compression="snappy", store_schema=False)

    def write(self, block: Table) -> None:
        """Add rows; a row group is written when enough have come together."""
        self._waiting.append(block.table)
        self._waiting_bytes += block.table.nbytes
        self.rows += block.rows
        if self._waiting_bytes >= self._group:
            self._flush()

    def full(self, block: Table) -> bool:
        """Whether the file is about as long as it may be."""
        written = self._sink.tell() + self._waiting_bytes
        return self.rows > 0 and written + block.table.nbytes > self._limit

    def close(self) -> int:
        """End the file; its size in bytes."""
        self._flush()
        self._out.close()
        self._sink.close()
        return self.file.seek(0, os.SEEK_END)

    def _flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting)
            self._out.write_table(table, row_group_size=table.num_rows)
            self._waiting.clear()
            self._waiting_bytes = 0
