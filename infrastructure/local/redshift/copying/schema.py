"""Whether a Parquet file fits a table: by position, width and precision, as Redshift's reader has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from infrastructure.local.redshift.copying.failures import SpectrumError, unreachable
from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.errors import RedshiftError


def check_file(
    parquet: Any, columns: Sequence[Column], url: str, *, query_id: int, fill: bool, nested: bool
) -> list[bool]:
    """Compare a file's schema with the target columns.

    Args:
        parquet: The open file.
        columns: The target columns in order.
        url: The file, for the message.
        query_id: The COPY, for the message.
        fill: FILLRECORD: columns may be missing at the end.
        nested: SERIALIZETOJSON: nested columns may go into SUPER.

    Returns:
        For each column of the file whether it holds JSON text.

    Raises:
        RedshiftError: A Spectrum Scan Error.
    """
    file: pa.Schema = parquet.schema_arrow
    fewer = fill and len(file) < len(columns)
    if len(file) != len(columns) and not fewer:
        counts = f"Table columns: {len(columns)}, Data columns: {len(file)}"
        text = f"Unmatched number of columns between table and file. {counts}, File name: {url}"
        raise SpectrumError(15007, text, query_id, url=url)
    leaves = _leaves(parquet)
    for source, target in zip(file, columns, strict=False):
        if not _fits(source.type, target, leaves.get(source.name), nested=nested):
            raise _incompatible(source, target, url, query_id, nested=nested)
    return [_is_json(leaves.get(field.name)) for field in file]


def _leaves(parquet: Any) -> dict[str, Any]:
    """The Parquet columns that are no groups, by name."""
    schema = parquet.schema
    columns = [schema.column(index) for index in range(len(schema))]
    return {column.path: column for column in columns}


def _is_json(leaf: Any) -> bool:
    return leaf is not None and leaf.logical_type.type == "JSON"


def _incompatible(source: pa.Field, target: Column, url: str, query_id: int, *, nested: bool) -> RedshiftError:
    if pa.types.is_nested(source.type) and not nested:
        return unreachable(query_id)
    context = f"File '{url}' has an incompatible Parquet schema for column '{target.name}'. "
    detail = f"Column type: {target.type.upper()}, Parquet schema: {source.name} {source.type}"
    return SpectrumError(15007, context + detail, query_id, url=url, column=target)


def _fits(source: pa.DataType, target: Column, leaf: Any, *, nested: bool) -> bool:
    if pa.types.is_dictionary(source):
        source = source.value_type
    if target.base in _WIDTHS:
        return bool(source in _WIDTHS[target.base])
    if target.base == "numeric":
        exact = pa.types.is_decimal128(source) and f"numeric({source.precision},{source.scale})"
        return bool(exact == target.type)
    if target.is_text:
        return bool(pa.types.is_string(source) or pa.types.is_large_string(source))
    if target.base.startswith("timestamp"):
        return bool(_is_instant(source) or (leaf is not None and leaf.physical_type == "INT96"))
    return bool(target.base == "super" and nested and (pa.types.is_nested(source) or _is_json(leaf)))


def _is_instant(source: pa.DataType) -> bool:
    """INT64 with the converted type TIMESTAMP_MICROS or TIMESTAMP_MILLIS.

    Without a zone there is no converted type, and Redshift has been seen to read such a column as other times. Which
    zone it is stands in a remark for Arrow only: the file holds UTC. INT96 is an instant by itself.
    """
    return bool(pa.types.is_timestamp(source) and source.tz and source.unit in {"us", "ms"})


_WIDTHS = {
    "smallint": {pa.int8(), pa.uint8(), pa.int16()},
    "integer": {pa.int32(), pa.uint16()},
    "bigint": {pa.int64(), pa.uint32()},
    "real": {pa.float32()},
    "double precision": {pa.float64()},
    "boolean": {pa.bool_()},
    "date": {pa.date32()},
}
