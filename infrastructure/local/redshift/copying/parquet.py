"""Parquet rows as CSV that the backend's COPY reads, batch by batch."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from infrastructure.local.redshift.copying import jsontext
from infrastructure.local.redshift.copying.failures import SpectrumError
from infrastructure.local.redshift.copying.schema import check_file
from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.copying.utf8 import invalid_reason, replaced
from infrastructure.local.redshift.dialect.transfers import CopyStatement
from infrastructure.local.redshift.errors import not_covered

_BATCH_ROWS = 32_768
_SUPER_BYTES = 16 << 20
_COMPACT: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False, "allow_nan": False}
_OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="needed")


@dataclass(frozen=True)
class _File:
    """One file on its way: where it came from and what was asked of it."""

    url: str
    query_id: int
    invalid_character: str | None

    def error(self, code: int, context: str, column: Column | None = None) -> SpectrumError:
        return SpectrumError(code, context, self.query_id, url=self.url, column=column)


def csv_chunks(
    file: IO[bytes], columns: Sequence[Column], url: str, statement: CopyStatement, query_id: int
) -> Generator[bytes, None, None]:
    """The rows of a Parquet file as CSV chunks; NULL is an empty field, an empty string is quoted.

    Raises:
        RedshiftError: The file does not fit the columns, or a value is too long.
    """
    this = _File(url, query_id, statement.text.invalid_character)
    try:
        parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    except (pa.ArrowException, OSError) as problem:
        raise this.error(15001, f"File '{url}' is not a valid Parquet file. {problem}") from problem
    is_json = check_file(
        parquet, columns, url,
        query_id=query_id, fill=statement.text.fill_record, nested=statement.serialize_to_json,
    )  # fmt: skip
    try:
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
            yield _csv(batch, columns, is_json, this)
    except (pa.ArrowException, OSError) as problem:
        raise this.error(15001, f"File '{url}' can not be read. {problem}") from problem


def _csv(batch: Any, columns: Sequence[Column], is_json: list[bool], file: _File) -> bytes:
    parts = zip(batch.columns, columns, is_json, strict=False)
    arrays = [_column(array, column, file, json_text=flag) for array, column, flag in parts]
    arrays += [pa.nulls(batch.num_rows, pa.string())] * (len(columns) - len(arrays))
    sink = io.BytesIO()
    pa_csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=[str(i) for i in range(len(arrays))]), sink, _OPTIONS)
    return sink.getvalue()


def _column(array: Any, column: Column, file: _File, *, json_text: bool) -> Any:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column.is_text:
        return _text(array, column, file)
    if column.base == "super":
        return _super(array, column, file, json_text=json_text)
    if pa.types.is_decimal(array.type):
        return array.cast(pa.string())
    if column.base.startswith("timestamp"):
        return _instants(array, column)
    return array


def _instants(array: Any, column: Column) -> Any:
    if column.base.endswith("with time zone"):
        return array.cast(pa.timestamp("us", tz="UTC"))
    return array.cast(pa.timestamp("us"))


def _text(array: Any, column: Column, file: _File) -> Any:
    array = _valid(array, column, file)
    if column.size is not None:
        longest = pc.max(pc.binary_length(array)).as_py() or 0
        if longest > column.size:
            text = f"The length of the data column {column.name} is longer than the length defined in the table. "
            raise file.error(15001, f"{text}Table: {column.size}, Data: {longest}, File name: {file.url}", column)
    if column.base == "character" and pc.all(pc.string_is_ascii(array)).as_py() is False:
        raise file.error(15001, "Multibyte character not supported for CHAR (Hint: Try using VARCHAR).", column)
    return array


def _valid(array: Any, column: Column, file: _File) -> Any:
    """The array with valid UTF-8 only."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as problem:
        values = array.cast(pa.large_binary()).to_pylist()
        if file.invalid_character is None:
            reason = next(reason for value in values if value is not None and (reason := invalid_reason(value)))
            raise file.error(15001, reason, column) from problem
        character = file.invalid_character
        return pa.array([None if value is None else replaced(value, character) for value in values], pa.large_string())
    return array


def _super(array: Any, column: Column, file: _File, *, json_text: bool) -> Any:
    rows = array.to_pylist(maps_as_pydicts="strict")
    texts = [None if row is None else _json(row, column, file, json_text=json_text) for row in rows]
    return pa.array(texts, pa.string())


def _json(value: Any, column: Column, file: _File, *, json_text: bool) -> str:
    try:
        text = jsontext.compact(value) if json_text else json.dumps(value, default=_refuse, **_COMPACT)
    except ValueError as problem:
        raise file.error(15001, f"Invalid JSON in column {column.name}: {problem}", column) from problem
    if len(text.encode()) > _SUPER_BYTES:
        raise file.error(15001, f"A value of column {column.name} exceeds the SUPER limit of {_SUPER_BYTES}", column)
    return text


def _refuse(value: object) -> str:
    raise not_covered(f"values of type {type(value).__name__} inside nested columns")
