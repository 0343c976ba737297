"""JSON whose numbers keep the digits that they were written with."""

from __future__ import annotations

import json
from typing import Any


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)


def compact(text: str) -> str:
    """The text without blanks between its parts.

    Raises:
        ValueError: It is no JSON.
    """
    return dumps(decoder.decode(text))


def dumps(value: Any) -> str:
    """The text of a decoded value, without blanks between its parts."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return _string(value)


def _string(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
