"""Whether a Parquet file fits a table: by position, width and precision, as Redshift's reader has it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pyarrow as pa

from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

_query_ids = itertools.count(1000)
_RULE = "-----------------------------------------------"


@dataclass(frozen=True)
class Column:
    """A column of the target: name, the backend's type with its modifier."""

    name: str
    type: str

    @property
    def base(self) -> str:
        """The type without its modifier."""
        return self.type.partition("(")[0]

    @property
    def size(self) -> int | None:
        """The length of a character type in bytes."""
        if self.base not in {"character varying", "character"} or "(" not in self.type:
            return None
        return int(self.type.partition("(")[2].rstrip(")"))


def spectrum_error(code: int, context: str) -> RedshiftError:
    """An error of the reader of columnar files, shaped as clients see it."""
    lines = (
        _RULE, "error:  Spectrum Scan Error", f"code:      {code}", f"context:   {context}",
        f"query:     {next(_query_ids)}", "location:  dory_util.cpp:945", "process:   worker_thread [pid=1]", _RULE,
    )  # fmt: skip
    return RedshiftError(INTERNAL_ERROR, "Spectrum Scan Error", "\n  " + "\n  ".join(lines) + "\n")


def check_file(file: pa.Schema, columns: list[Column], url: str, *, fill: bool, nested: bool) -> None:
    """Compare a file's schema with the target columns.

    Args:
        file: The file's Arrow schema.
        columns: The target columns in order.
        url: The file, for the message.
        fill: FILLRECORD: columns may be missing at the end.
        nested: SERIALIZETOJSON: nested columns may go into SUPER.

    Raises:
        RedshiftError: A Spectrum Scan Error.
    """
    fewer = fill and len(file) < len(columns)
    if len(file) != len(columns) and not fewer:
        counts = f"Table columns: {len(columns)}, Data columns: {len(file)}"
        raise spectrum_error(15007, f"Unmatched number of columns between table and file. {counts}, File name: {url}")
    for source, target in zip(file, columns, strict=False):
        if not _fits(source.type, target, nested=nested):
            raise _incompatible(source, target, url, nested=nested)


def _incompatible(source: pa.Field, target: Column, url: str, *, nested: bool) -> RedshiftError:
    if pa.types.is_nested(source.type) and not nested:
        text = "Assert code: 1000 context: Unreachable - Invalid type: 4000"
        return RedshiftError(INTERNAL_ERROR, "Assert", f"error: Assert {text} query: {next(_query_ids)}")
    context = f"File '{url}' has an incompatible Parquet schema for column '{target.name}'. "
    detail = f"Column type: {target.type.upper()}, Parquet schema: {source.name} {source.type}"
    return spectrum_error(15007, context + detail)


def _fits(source: pa.DataType, target: Column, *, nested: bool) -> bool:
    if pa.types.is_dictionary(source):
        source = source.value_type
    if target.base in _WIDTHS:
        return bool(source in _WIDTHS[target.base])
    if target.base == "numeric":
        exact = pa.types.is_decimal128(source) and f"numeric({source.precision},{source.scale})"
        return bool(exact == target.type)
    if target.base in {"character varying", "character"}:
        return bool(pa.types.is_string(source) or pa.types.is_large_string(source))
    if target.base.startswith("timestamp"):
        return bool(source == pa.timestamp("us", tz="UTC"))
    return bool(target.base == "super" and nested and pa.types.is_nested(source))


_WIDTHS = {
    "smallint": {pa.int8(), pa.uint8(), pa.int16()},
    "integer": {pa.int32(), pa.uint16()},
    "bigint": {pa.int64(), pa.uint32()},
    "real": {pa.float32()},
    "double precision": {pa.float64()},
    "boolean": {pa.bool_()},
    "date": {pa.date32()},
}
