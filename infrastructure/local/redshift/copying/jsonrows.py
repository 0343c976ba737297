"""Rows out of JSON files: by the names of columns, by JSONPaths, or whole (DG/copy-usage_notes-copy-from-json)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from infrastructure.local.redshift.copying import jsontext
from infrastructure.local.redshift.copying.failures import FieldError
from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.copying.values import Reader
from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

# a decoded value to the value of each column
Mapping = Callable[[Any], list[Any]]

_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|([{\[])|([}\]])', re.DOTALL)
_STEP = re.compile(r"\.([^.'\[\]]+)|\['([^']*)'\]|\[(\d+)\]")


def complete(text: str) -> bool:
    """Whether all brackets that a text opens are closed."""
    depth = 0
    for found in _STRUCTURE.finditer(text):
        depth += 1 if found.group(1) else -1 if found.group(2) else 0
    return depth <= 0


def values(text: str) -> Iterator[Any]:
    """The objects and arrays of a record, which may hold several, one behind the other.

    Raises:
        FieldError: It is no JSON, or something else stands there.
    """
    position = len(text) - len(text.lstrip())
    while position < len(text):
        try:
            value, position = jsontext.decoder.raw_decode(text, position)
        except ValueError as problem:
            raise FieldError(1216, f"Invalid JSON: {problem}") from problem
        if not isinstance(value, (dict, list)):
            raise FieldError(1216, "Invalid JSON: a row must be an object or an array")
        yield value
        position += len(text[position:]) - len(text[position:].lstrip())


def mapping(option: str, columns: Sequence[Column], paths: bytes | None) -> Mapping:
    """How the values of the columns are found.

    Args:
        option: auto, auto ignorecase, noshred, or the URL of a JSONPaths file.
        columns: The columns to fill.
        paths: The content of the JSONPaths file, if there is one.

    Raises:
        RedshiftError: The JSONPaths file is wrong, or noshred has not one column of type SUPER.
    """
    if option == "noshred":
        if len(columns) != 1 or columns[0].base != "super":
            raise RedshiftError(INTERNAL_ERROR, "COPY with JSON 'noshred' needs one column of type SUPER")
        return lambda value: [value]
    steps = _jsonpaths(paths, len(columns)) if paths is not None else None
    if steps is not None:
        return lambda value: [_at(value, path) for path in steps]
    names = [column.name for column in columns]
    return lambda value: _by_name(value, names, fold=option == "auto ignorecase")


def field(value: Any, column: Column, read: Reader) -> str | None:
    """The backend's text of a JSON value for a column, or None for NULL.

    Raises:
        FieldError: It is no value of the column.
    """
    if value is None:
        return read(None)
    if column.base == "super":
        return jsontext.dumps(value)
    if isinstance(value, jsontext.Number):
        return read(str(value) if column.base != "numeric" else _plain(value))
    if isinstance(value, bool):
        return read("true" if value else "false")
    if isinstance(value, str):
        return read(value)
    if not column.is_text:
        raise FieldError(1216, f"Invalid value: an object or array for a column of type {column.short}")
    return read(jsontext.dumps(value))


def _plain(number: str) -> str:
    """The number without an exponent, which a text for NUMERIC may not have."""
    if "e" not in number.lower():
        return number
    digits, _, exponent = number.lower().partition("e")
    if abs(int(exponent)) > 1000:
        raise FieldError(1204, f"Numeric overflow, Value '{number}'")
    whole, _, fraction = digits.lstrip("-").partition(".")
    point = len(whole) + int(exponent)
    every = (whole + fraction).rjust(len(whole + fraction) + max(-point, 0), "0").ljust(max(point, 0), "0")
    point = max(point, 0)
    return ("-" if digits.startswith("-") else "") + (every[:point] or "0") + "." + (every[point:] or "0")


def _by_name(value: Any, names: list[str], *, fold: bool) -> list[Any]:
    if not isinstance(value, dict):
        raise FieldError(1216, "Invalid JSON: an array needs a JSONPaths file")
    found = {key.lower(): item for key, item in value.items()} if fold else value
    return [found.get(name) for name in names]


def _jsonpaths(content: bytes, count: int) -> list[list[str | int]] | None:
    """The paths of a JSONPaths file; None if its key has another name: then names count, as with auto."""
    try:
        document = json.loads(content)
    except ValueError as problem:
        raise _invalid_paths(f"not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise _invalid_paths("it must hold one object")
    paths = document.get("jsonpaths")
    if paths is None:
        return None
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise _invalid_paths("jsonpaths must be an array of expressions")
    if len(paths) != count:
        text = f"Number of jsonpaths and the number of columns should match. JSONPath size: {len(paths)}, "
        raise RedshiftError(INTERNAL_ERROR, f"{text}Number of columns in table or column list: {count}")
    return [_steps(path) for path in paths]


def _steps(path: str) -> list[str | int]:
    found = list(_STEP.finditer(path))
    if not path.startswith("$") or sum(len(step.group()) for step in found) != len(path) - 1:
        raise _invalid_paths(f"the expression {path!r} is not understood")
    dotted = any(step.group(1) for step in found)
    if dotted and any(step.group(2) is not None for step in found):
        raise _invalid_paths(f"the expression {path!r} mixes dots and brackets")
    return [int(step.group(3)) if step.group(3) else step.group(1) or step.group(2) for step in found]


def _invalid_paths(reason: str) -> RedshiftError:
    return RedshiftError(INTERNAL_ERROR, f"Invalid JSONPath format: {reason}")


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                raise FieldError(1216, "Invalid JSONPath format: Not an array or index out of range.")
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
