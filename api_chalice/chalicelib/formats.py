"""Rows as JSON, NDJSON or CSV, and which of them a client wants.

Times in UTC with Z, dates as YYYY-MM-DD, decimals as text (a JSON number would lose digits). CSV is RFC 4180 with a
header: no value is an empty field, an empty text is `""`.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from .errors import not_acceptable
from .values import write_moment

OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
MEDIA_TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
}
# What else clients call them in Accept.
ALIASES = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "text/csv": "csv",
}
WILD = {"*/*": ("json", "csv", "ndjson"), "application/*": ("json", "ndjson"), "text/*": ("csv",)}
QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
LARGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of an answer. `whole` names columns of sums, which may come as decimals; `json` those of JSON text."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    whole: frozenset[str] = frozenset()
    json: frozenset[str] = frozenset()


def negotiated(accept: str) -> str:
    """The format that a header Accept prefers; json where it does not care.

    Raises:
        ApiError: 406, it takes none of them.
    """
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    refused = {ALIASES.get(media) for media, quality in ranges if quality == 0}
    found = [(-quality, place, _format(media, refused)) for place, (media, quality) in enumerate(ranges) if quality]
    best = min((offer for offer in found if offer[2]), default=None)
    if best:
        return best[2]
    if ranges:
        raise not_acceptable(accept, sorted(ALIASES))
    return "json"


def _range(part: str) -> tuple[str, float]:
    """Media range and quality of one part of Accept; a quality that is none is 0: the part asks for nothing."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    given = next((text for text in parameters if text.startswith("q=")), "q=1")
    match = QUALITY.fullmatch(given)
    return media, float(match[1]) if match else 0.0


def _format(media: str, refused: Collection[str | None]) -> str:
    """The format that a media range means; empty where it is none of ours."""
    if media in WILD:
        return next((form for form in WILD[media] if form not in refused), "")
    return ALIASES.get(media, "")


def as_json(table: Table, meta: Mapping[str, Any]) -> str:
    """The document {"data": [...], "meta": {...}}."""
    return dumps({"data": _prepared(table, orjson.Fragment), "meta": meta})


def as_ndjson(table: Table) -> str:
    """One JSON object a line."""
    return "".join(dumps(row) + "\n" for row in _prepared(table, orjson.Fragment))


def as_csv(table: Table) -> str:
    """A header and one line a row, ended by CRLF."""
    lines = [",".join(_quoted(name) for name in table.columns)]
    rows = _prepared(table, str)
    lines += [",".join(_field(row[name]) for name in table.columns) for row in rows]
    return "\r\n".join(lines) + "\r\n"


def dumps(document: Any) -> str:
    """The document as JSON."""
    return orjson.dumps(document, default=_default, option=OPTIONS).decode()


def _prepared(table: Table, json: Callable[[str], Any]) -> Iterable[Mapping[str, Any]]:
    """The rows with those values changed that cannot be written as they are."""
    writers = dict.fromkeys(table.whole, _whole) | dict.fromkeys(table.json, lambda text: _json(text, json))
    if not writers:
        return table.rows
    return [
        {name: writers[name](v) if name in writers and v is not None else v for name, v in row.items()}
        for row in table.rows
    ]


def _whole(value: Any) -> int | str:
    """A JSON number as long as 64 bits hold it, else text."""
    number = int(value)
    return number if -LARGEST_INTEGER <= number < LARGEST_INTEGER else str(number)


def _json(value: Any, write: Callable[[str], Any]) -> Any:
    return write(value) if isinstance(value, str) else value


def _default(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no way to write a {type(value).__name__}")


def _field(value: Any) -> str:
    """One field of CSV."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return write_moment(value)
    if isinstance(value, dict | list):
        return _quoted(dumps(value))
    return str(value)


def _quoted(text: str) -> str:
    if text and not any(mark in text for mark in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
