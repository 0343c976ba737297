"""The type that a column of several files is kept as: one that holds all their values unchanged, else text."""

import re
from collections.abc import Sequence
from typing import Any

from lambdas.common.contract.sql import is_no_text, quoted
from lambdas.common.decimals import MOST_DIGITS
from lambdas.ingest.columns import File, Own, all_names, reading

KEPT = re.compile(
    r"BOOLEAN|U?(?:TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|VARCHAR|BLOB"
    r"|DATE|TIME|TIMESTAMP(?:_.*| WITH TIME ZONE)?"
)
FLOATS = {"FLOAT", "DOUBLE"}
# none with a zone: beside such, a time without one would be taken for UTC, whatever the contract says
TIMES = {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS"}
# from narrow to wide, with the digits of the longest
SIGNED = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
UNSIGNED = {"UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20}
INTEGERS = SIGNED | UNSIGNED
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def agree(connection: Any, files: Sequence[File], owned: Sequence[dict[str, Own]]) -> dict[str, str]:
    """The type of each column of the files, by its name in lower case.

    A file in which a column has no value has no say in its type, and loses the column, which is one of NULLs.

    Raises:
        Unreadable: DuckDB cannot read a file.
    """
    types = {}
    for name in all_names(owned):
        having = [(file, columns) for file, columns in zip(files, owned, strict=True) if name in columns]
        kinds = {_flat(columns[name].kind) for _, columns in having}
        if len(kinds) > 1:
            _drop_empty(connection, having, name)
            found = [(file, columns[name]) for file, columns in having if name in columns]
            kinds = {_agreed(connection, found) if found else _common(kinds)}
        types[name] = kinds.pop()
    return types


def _drop_empty(connection: Any, having: Sequence[tuple[File, dict[str, Own]]], name: str) -> None:
    for file, columns in having:
        if not _has(connection, file, f"{quoted(columns[name].name)} IS NOT NULL"):
            del columns[name]


def _has(connection: Any, file: File, condition: str) -> bool:
    """Whether any row of the file is such."""
    with reading(file):
        return bool(connection.execute(f"SELECT 1 FROM {file.relation} WHERE {condition} LIMIT 1").fetchall())


def as_kept(own: Own, target: str) -> str:
    """SQL of a column as the type that it is kept as: nested values as JSON text, bytes and text as UTF-8."""
    value = quoted(own.name)
    if own.kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT")) or own.kind.endswith("]"):
        value = f"to_json({value})"
    if target == "BLOB" != own.kind:
        return f"encode(CAST({value} AS VARCHAR))"
    return f"decode({value})" if target == "VARCHAR" and own.kind == "BLOB" else f"CAST({value} AS {target})"


def _flat(kind: str) -> str:
    """The type that a column of DuckDB's `kind` is kept as: its own where Parquet and Redshift have it, else text."""
    return kind if KEPT.fullmatch(kind) else "VARCHAR"


def _agreed(connection: Any, found: Sequence[tuple[File, Own]]) -> str:
    """The type of a column that these files have each in its own."""
    target = _common({_flat(own.kind) for _, own in found})
    if target != "VARCHAR" and any(_has(connection, file, _is_changed(own, target)) for file, own in found):
        target = "VARCHAR"
    binary = [(file, own) for file, own in found if own.kind == "BLOB" != target]
    # bytes that are no text stay bytes, and the texts beside them are theirs
    return "BLOB" if any(_has(connection, file, is_no_text(own.name)) for file, own in binary) else target


def _is_changed(own: Own, target: str) -> str:
    if own.kind == target:
        return "false"
    value = quoted(own.name)
    return f"TRY_CAST(TRY_CAST({value} AS {target}) AS {own.kind}) IS DISTINCT FROM {value}"


def _common(kinds: set[str]) -> str:
    """The type that values of all these may have: a number or a time of the widest kind, else text."""
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds <= TIMES:
        return "TIMESTAMP_NS" if "TIMESTAMP_NS" in kinds else "TIMESTAMP"
    if kinds <= INTEGERS.keys():
        return _integer(kinds)
    if kinds <= FLOATS | INTEGERS.keys():
        return "DOUBLE" if "DOUBLE" in kinds else "FLOAT"
    return _decimal(kinds) if all(kind in INTEGERS or DECIMAL.fullmatch(kind) for kind in kinds) else "VARCHAR"


def _integer(kinds: set[str]) -> str:
    """The narrowest type of all these integers; text where 64 bits do not do."""
    signed = [place for place, kind in enumerate(SIGNED) if kind in kinds]
    unsigned = [place for place, kind in enumerate(UNSIGNED) if kind in kinds]
    if not signed:
        return list(UNSIGNED)[max(unsigned)]
    widest = max([*signed, *(place + 1 for place in unsigned)])
    return [*SIGNED, "VARCHAR"][widest]


def _decimal(kinds: set[str]) -> str:
    """The decimal of all these numbers; text where they need too many digits together."""
    found = [(int(match[1]), int(match[2])) for kind in kinds if (match := DECIMAL.fullmatch(kind))]
    scale = max(scale for _, scale in found)
    whole = [digits - own for digits, own in found] + [INTEGERS[kind] for kind in kinds if kind in INTEGERS]
    digits = max(whole) + scale
    return f"DECIMAL({digits},{scale})" if digits <= MOST_DIGITS else "VARCHAR"
