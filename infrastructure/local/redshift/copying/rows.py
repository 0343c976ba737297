"""Parquet rows as CSV that the backend's COPY reads, batch by batch."""

from __future__ import annotations

import io
import json
from collections.abc import Generator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from infrastructure.local.redshift.copying.schema import Column, check_file, spectrum_error
from infrastructure.local.redshift.errors import not_covered

_BATCH_ROWS = 32_768
_OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="needed")


def csv_chunks(
    file: IO[bytes], columns: list[Column], url: str, *, fill: bool, nested: bool
) -> Generator[bytes, None, None]:
    """The rows of a Parquet file as CSV chunks; NULL is an empty field, an empty string is quoted.

    Raises:
        RedshiftError: The file does not fit the columns, or a value is too long.
    """
    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as problem:
        raise spectrum_error(15001, f"File '{url}' is not a valid Parquet file. {problem}") from problem
    check_file(parquet.schema_arrow, columns, url, fill=fill, nested=nested)
    try:
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
            yield _csv(batch, columns, url)
    except (pa.ArrowException, OSError) as problem:
        raise spectrum_error(15001, f"File '{url}' can not be read. {problem}") from problem


def _csv(batch: Any, columns: list[Column], url: str) -> bytes:
    arrays = [_column(array, column, url) for array, column in zip(batch.columns, columns, strict=False)]
    arrays += [pa.nulls(batch.num_rows, pa.string())] * (len(columns) - len(arrays))
    sink = io.BytesIO()
    pa_csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=[str(i) for i in range(len(arrays))]), sink, _OPTIONS)
    return sink.getvalue()


def _column(array: Any, column: Column, url: str) -> Any:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column.size is not None:
        _check_length(array, column, url)
    if column.base == "super":
        return pa.array(
            [
                None if item is None else json.dumps(item, separators=(",", ":"), ensure_ascii=False, default=_refuse)
                for item in array.to_pylist()
            ],
            pa.string(),
        )
    if pa.types.is_decimal(array.type):
        return array.cast(pa.string())
    if column.base == "timestamp without time zone":
        return array.cast(pa.timestamp("us"))
    return array


def _refuse(value: object) -> str:
    raise not_covered(f"values of type {type(value).__name__} inside nested columns")


def _check_length(array: Any, column: Column, url: str) -> None:
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    if longest > (column.size or 0):
        text = f"The length of the data column {column.name} is longer than the length defined in the table. "
        raise spectrum_error(15001, f"{text}Table: {column.size}, Data: {longest}, File name: {url}")
