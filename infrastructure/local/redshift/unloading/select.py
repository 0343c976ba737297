"""What the backend is asked for: the rows of the query, each in the form in which it goes to a file.

Text is made in the backend itself, so that no value is read and written again on its way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.transfers import UnloadStatement
from infrastructure.local.redshift.unloading.columns import Column

_INDEX = "unloaded_row"
# what the texts of numbers, booleans, dates and times are made of
_OF_VALUES = frozenset("0123456789+-.: eEtfNanInfinity")


def copy_values(statement: UnloadStatement, columns: Sequence[Column], partitions: Sequence[int]) -> str:
    """A COPY TO STDOUT as CSV: the keys of PARTITION BY as text, then all columns that go to the files."""
    keys = [_text(columns[index], _name(index)) for index in partitions]
    values = [_value(columns[index], _name(index)) for index in file_columns(statement, columns, partitions)]
    return f"COPY ({_select(statement, [*keys, *values], len(columns), partitions)}) TO STDOUT (FORMAT csv)"


def copy_lines(statement: UnloadStatement, columns: Sequence[Column], partitions: Sequence[int]) -> str:
    """A binary COPY TO STDOUT: the keys of PARTITION BY as text, then the line for the file."""
    keys = [_text(columns[index], _name(index)) for index in partitions]
    chosen = file_columns(statement, columns, partitions)
    line = _json(columns, chosen) if statement.format == "JSON" else _delimited(statement, columns, chosen)
    return f"COPY ({_select(statement, [*keys, line], len(columns), partitions)}) TO STDOUT (FORMAT binary)"


def file_columns(statement: UnloadStatement, columns: Sequence[Column], partitions: Sequence[int]) -> list[int]:
    """The columns that go to the files: without the keys of PARTITION BY unless INCLUDE was given."""
    return [index for index in range(len(columns)) if statement.include or index not in partitions]


def header(statement: UnloadStatement, names: Sequence[str]) -> str:
    """The header line."""
    return statement.delimiter.join(_decorated_name(statement, name) for name in names)


def _decorated_name(statement: UnloadStatement, name: str) -> str:
    if statement.format == "CSV":
        needs = re.search(f'[{re.escape(statement.delimiter)}"\\n\\r]', name)
        return '"' + name.replace('"', '""') + '"' if needs else name
    if statement.escape:
        name = re.sub(_special(statement), r"\\\g<0>", name)
    return f'"{name}"' if statement.add_quotes else name


def _name(index: int) -> str:
    return f"c{index}"


def _select(statement: UnloadStatement, expressions: list[str], count: int, partitions: Sequence[int]) -> str:
    """The rows of the query in its order; with PARTITION BY by keys first, so that one file follows another."""
    names = ", ".join(map(_name, range(count)))
    inner = f"SELECT * FROM ({statement.query}) AS unloaded ({names})"  # noqa: S608 - a query that has passed the door
    if not partitions:
        return f"SELECT {', '.join(expressions)} FROM ({inner}) AS unloaded"  # noqa: S608
    numbered = f"SELECT *, row_number() OVER () AS {_INDEX} FROM ({inner}) AS unloaded"  # noqa: S608
    order = ", ".join([*map(_name, partitions), _INDEX])
    return f"SELECT {', '.join(expressions)} FROM ({numbered}) AS unloaded ORDER BY {order}"  # noqa: S608


def _value(column: Column, name: str) -> str:
    """The value as the reader of CSV takes it: times without a zone, in UTC."""
    if column.base == "timestamp with time zone":
        return f"{name} AT TIME ZONE 'UTC'"
    return f"{name}::text" if column.base == "numeric" and not column.sizes else name


def _text(column: Column, name: str) -> str:
    """The value as it stands in a text file."""
    if column.base == "boolean":
        return f"CASE WHEN {name} THEN 't' WHEN NOT {name} THEN 'f' END"
    if column.base == "super":
        return f"pg_catalog.rs_json_out({name})"
    if column.base == "timestamp with time zone":
        return f"(({name} AT TIME ZONE 'UTC')::text || '+00')"
    return f'({name}::text COLLATE "C")'


def _special(statement: UnloadStatement) -> str:
    """What ESCAPE puts a backslash in front of, as a character class of both dialects of regular expressions."""
    quotes = "\"'" if statement.add_quotes else ""
    return f"[\\n\\r\\\\{re.escape(statement.delimiter)}{quotes}]"


def _delimited(statement: UnloadStatement, columns: Sequence[Column], chosen: list[int]) -> str:
    fields = [_field(statement, columns[index], _name(index)) for index in chosen]
    return f" || {literal(statement.delimiter)} || ".join(fields)


def _field(statement: UnloadStatement, column: Column, name: str) -> str:
    text = _text(column, name)
    null = "null" if column.base == "super" else statement.null_as
    if statement.format == "CSV" and _may_need_quotes(statement, column):
        pattern = literal(f'[{re.escape(statement.delimiter)}"\\n\\r]')
        text = f"CASE WHEN {text} ~ {pattern} THEN '\"' || replace({text}, '\"', '\"\"') || '\"' ELSE {text} END"
    elif statement.escape and column.is_text:
        text = f"regexp_replace({text}, {literal(_special(statement))}, {literal(chr(92) * 2 + chr(92) + '&')}, 'g')"
    if statement.add_quotes:
        text = f"'\"' || {text} || '\"'"
    return f"coalesce({text}, {literal(null)})"


def _may_need_quotes(statement: UnloadStatement, column: Column) -> bool:
    """Numbers, dates and the like hold nothing that needs quotation marks, unless the delimiter is such a character."""
    return column.is_text or column.base == "super" or statement.delimiter in _OF_VALUES


def _json(columns: Sequence[Column], chosen: list[int]) -> str:
    """A JSON object; Redshift unloads booleans as t and f, which is no JSON unless they are strings."""
    parts = [_pair(columns[index].name, _json_value(columns[index], _name(index))) for index in chosen]
    return "'{' || " + " || ',' || ".join(parts) + " || '}'"


def _json_value(column: Column, name: str) -> str:
    if column.base in {"smallint", "integer", "bigint", "numeric", "super"}:
        return _text(column, name)
    if column.base in {"real", "double precision"}:
        return f"pg_catalog.rs_json_out(to_json({name}))"
    return f"pg_catalog.rs_json_out(to_json({_text(column, name)}))"


def _pair(name: str, shown: str) -> str:
    key = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '":'
    return f"{literal(key)} || coalesce({shown}, 'null')"
