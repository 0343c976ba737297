"""What the backend sends of a COPY TO STDOUT, made into blocks of rows for the files."""

from __future__ import annotations

import itertools
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from infrastructure.local.redshift.errors import not_covered
from infrastructure.local.redshift.unloading.columns import Column
from infrastructure.local.redshift.unloading.writers import Lines, Table

_BLOCK_BYTES = 4 << 20
_BINARY_HEAD = 19
_COUNT = struct.Struct("!h")
_LENGTH = struct.Struct("!i")
# the values of PARTITION BY's columns
Keys = tuple[str | None, ...]


async def gathered(arriving: AsyncGenerator[list[bytes], None]) -> AsyncIterator[list[bytes]]:
    """Rows in groups of a few megabytes."""
    rows: list[bytes] = []
    size = 0
    async for more in arriving:
        rows += more
        size += sum(map(len, more))
        if size >= _BLOCK_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


class LineReader:
    """Rows of a binary COPY: the keys of PARTITION BY, then the line."""

    def __init__(self) -> None:
        self._begun = False

    def blocks(self, rows: list[bytes]) -> Iterator[tuple[Keys, Lines]]:
        """The lines of the rows, by keys; rows of the same keys follow each other."""
        if not self._begun:
            rows = [rows[0][_BINARY_HEAD:], *rows[1:]]
            self._begun = True
        found = (fields for row in rows if (fields := _fields(row)))
        for keys, group in itertools.groupby(found, key=lambda fields: tuple(fields[:-1])):
            lines = [(fields[-1] or b"") + b"\n" for fields in group]
            yield tuple(None if key is None else key.decode() for key in keys), Lines(lines)


def _fields(row: bytes) -> list[bytes | None]:
    """The fields of a row of a binary COPY; none for its end mark."""
    if len(row) < _COUNT.size:
        return []
    (count,) = _COUNT.unpack_from(row)
    position = _COUNT.size
    fields: list[bytes | None] = []
    for _ in range(max(count, 0)):
        (size,) = _LENGTH.unpack_from(row, position)
        position += _LENGTH.size
        fields.append(None if size < 0 else row[position : position + size])
        position += max(size, 0)
    return fields


class TableReader:
    """Rows of a CSV COPY: the keys of PARTITION BY, then the values.

    Args:
        columns: The columns of the files.
        keys: How many keys stand before them.

    Attributes:
        schema: The schema of the files, once a first block was read.
    """

    def __init__(self, columns: Sequence[Column], keys: int) -> None:
        self._columns = columns
        self._keys = [f"k{index}" for index in range(keys)]
        self._names = [f"v{index}" for index in range(len(columns))]
        self._types = [column.arrow for column in columns]
        self.schema: pa.Schema | None = None

    def blocks(self, rows: list[bytes]) -> Iterator[tuple[Keys, Table]]:
        """The rows, by keys; rows of the same keys follow each other."""
        table = self._read(b"".join(rows))
        keys = list(zip(*(table.column(name).to_pylist() for name in self._keys), strict=True))
        values = self._typed(table.select(self._names))
        if not self._keys:
            yield (), Table(values)
            return
        start = 0
        for key, group in itertools.groupby(keys):
            count = sum(1 for _ in group)
            yield key, Table(values.slice(start, count))
            start += count

    def _read(self, data: bytes) -> pa.Table:
        kinds = {name: pa.string() for name in self._keys}
        kinds |= {name: _read_as(kind) for name, kind in zip(self._names, self._types, strict=True)}
        convert = pa_csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            true_values=["t"], false_values=["f"], timestamp_parsers=[pa_csv.ISO8601],
        )  # fmt: skip
        return pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(column_names=[*self._keys, *self._names], block_size=len(data) + 1, use_threads=False),
            pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert,
        )

    def _typed(self, table: pa.Table) -> pa.Table:
        arrays = table.columns
        if self.schema is None:
            self._types = [kind or _decimal(array) for kind, array in zip(self._types, arrays, strict=True)]
            names = [column.name for column in self._columns]
            self.schema = pa.schema([pa.field(*pair) for pair in zip(names, self._types, strict=True)])
        typed = [_cast(array, kind) for array, kind in zip(arrays, self._types, strict=True)]
        return pa.Table.from_arrays(typed, schema=self.schema)


def _read_as(kind: pa.DataType | None) -> pa.DataType:
    if kind is None or kind == pa.json_():
        return pa.string()
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def _decimal(array: Any) -> pa.DataType:
    """DECIMAL(38, s) for a NUMERIC of unknown precision: s is what the first rows have."""
    point = pc.find_substring(array, ".")
    scales = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(pc.binary_length(array), point), 1))
    return pa.decimal128(38, pc.max(scales).as_py() or 0)


def _cast(array: Any, kind: pa.DataType) -> Any:
    if kind == pa.json_():
        return pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in array.chunks], type=kind)
    if not pa.types.is_decimal(kind) or pa.types.is_decimal(array.type):
        return array.cast(kind)
    try:
        return array.cast(kind)
    except pa.ArrowInvalid as problem:
        raise not_covered(f"UNLOAD of a NUMERIC whose scale changes from row to row; cast it: {problem}") from problem
