"""Records (mappings, as an API or a table gives them) to NDJSON, as fast as Python can."""

import datetime as dt
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from lambdas.common.errors import SourceError
from lambdas.common.names import UNNAMED, find_twins

BATCH = 1000


class JsonText:
    """A value that came as JSON, whose digits and keys stay as they were written."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def write_records(path: Path, records: Iterable[Any], check_time: Callable[[int], None]) -> tuple[list[str], int, int]:
    """Write the records; returns their keys in order of the alphabet, the longest line's bytes, and their number.

    An empty key is UNNAMED. `check_time` is called now and then with the number of records so far; what it raises ends
    the writing.

    Raises:
        SourceError: a record is not a mapping, or two keys differ in case alone.
    """
    names: set[str] = set()
    longest = count = 0
    iterator = iter(records)
    with path.open("wb", buffering=1 << 20) as file:
        while batch := list(itertools.islice(iterator, BATCH)):
            check_time(count)
            _require_mappings(batch)
            names.update(*batch)
            lines = _lines([_named(record) for record in batch] if "" in names else batch)
            longest = max(longest, max(map(len, lines)))
            count += len(batch)
            file.write(b"\n".join(lines) + b"\n")
    called = sorted(name or UNNAMED for name in names)
    if twins := find_twins(called):
        told = f"two columns {twins[0]!r} and {twins[1]!r}" + f" ({UNNAMED} is an empty key)" * ("" in names)
        raise SourceError(f"the source has {told}: names must differ in more than case")
    return called, longest, count


def _named(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name or UNNAMED: value for name, value in record.items()} if "" in record else record


def _require_mappings(batch: list[Any]) -> None:
    for kind in set(map(type, batch)):
        if not issubclass(kind, dict):
            raise SourceError(
                f"a record is a {kind.__name__}, not an object with named values; does data_selector point at a list?"
            )


def _lines(batch: list[Any]) -> list[bytes]:
    met: set[type] = set()

    def other(value: Any) -> Any:
        met.add(kind := type(value))
        return str(value) if kind is Decimal else _other(value)

    try:
        lines = [_line(record, other) for record in batch]
    except (TypeError, ValueError):
        return [json.dumps(_plain(_texted(record)), ensure_ascii=False, default=_other).encode() for record in batch]
    if met & {Decimal, JsonText} and any(b":[" in line or b":{" in line for line in lines):
        return [_line(_texted(record), _other) for record in batch]
    return lines


def _line(record: Mapping[str, Any], other: Callable[[Any], Any]) -> bytes:
    line = orjson.dumps(record, default=other)
    # orjson writes null for NaN and the infinities, which only a line with more of them than the record can have
    if b"null" in line and line.count(b"null") != [*record.values()].count(None):
        return orjson.dumps(_with_all_floats(record), default=other)
    return line


def _with_all_floats(value: Any) -> Any:
    """The value with floats that JSON has not spelled as DuckDB reads them: NaN, Infinity, -Infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return orjson.Fragment(json.dumps(value))
    if isinstance(value, Mapping):
        return {key: _with_all_floats(item) for key, item in value.items()}
    return [_with_all_floats(item) for item in value] if isinstance(value, list | tuple) else value


def _texted(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with nested values that hold exact ones as JSON text: DuckDB would round their numbers."""
    return {key: _text(value) if _holds_exact(value) else value for key, value in record.items()}


def _holds_exact(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = [*value.values()]
    return isinstance(value, list | tuple) and any(
        isinstance(item, Decimal | JsonText) or _holds_exact(item) for item in value
    )


def _text(value: Any) -> str:
    return orjson.dumps(_with_all_floats(_plain(value, _token)), default=_nested).decode()


def _token(number: Any) -> Any:
    return orjson.Fragment(str(number))


def _nested(value: Any) -> Any:
    """The same within a list or an object, where an exact number is a number."""
    if isinstance(value, JsonText):
        return orjson.Fragment(value.text)
    return _token(value) if isinstance(value, Decimal) and value.is_finite() else _other(value)


def _other(value: Any) -> Any:
    """What JSON has not: exact numbers and everything else as text, bytes as hexadecimal digits."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, JsonText):
        return value.text
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _plain(value: Any, large: Callable[[int], Any] = str) -> Any:
    """The value with what orjson refuses made text: integers beyond 64 bits and halves of surrogate pairs."""
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item, large) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, large) for item in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return large(value)
    return value
