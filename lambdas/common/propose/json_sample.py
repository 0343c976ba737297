"""Which of JSON's layouts a file has: an array, an envelope around a list, an object, or one value a line."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.decimals import exact_number
from lambdas.common.errors import RequestError

NEXT_PAGE = re.compile(
    r"(@odata\.)?next(_?(page|link|url|cursor)(_?token)?)?|cursor|offset|total_?pages|has_?(more|next)", re.I
)
DEPTH, MOST_SHOWN = 4, 5
ONE_ROW = (
    "rows are objects in a list; what has lists of values side by side, or objects by their names, is to be turned"
)


def is_json(body: bytes) -> bool:
    """Whether the first sign is one that JSON records begin with, in whatever encoding."""
    return body[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in (b"{", b"[")


def read(body: bytes, name: str, notes: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records, and the keys of `filesystem` that read them.

    Raises:
        RequestError: it is no JSON, or holds no objects.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: JSON has to be UTF-8: {error}") from error
    is_lines = name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl"))
    try:
        document = _parse(text)
    except ValueError as error:
        return _lines(text, name, error), {"format": "ndjson"}
    if is_lines and isinstance(document, dict):
        return [document], {"format": "ndjson"}
    if isinstance(document, dict) and (found := _longest_list(document, notes)):
        path, records = found
        return records, {"format": "json", "json": {"data_selector": path}}
    if isinstance(document, dict):
        notes.append(f"the file is one object, and one row: {_some(list(document))}; {ONE_ROW}")
    records = document if isinstance(document, list) else [document]
    return _objects(records, name), {"format": "json"}


def _parse(text: str) -> Any:
    """The value of a JSON text, its numbers as exact as ingest keeps them."""
    try:
        return json.loads(text, parse_float=exact_number, parse_constant=str)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _lines(text: str, name: str, whole: ValueError) -> list[dict[str, Any]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(_parse(line))
        except ValueError as error:
            why = whole if number == 1 else error
            raise RequestError(f"{name}: line {number}: neither JSON nor NDJSON: {why}") from error
    return _objects(found, name)


def _objects(records: list[Any], name: str) -> list[dict[str, Any]]:
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise RequestError(f"{name}: record {number} is no object but {type(record).__name__}; rows have names")
    return records


def _longest_list(document: Mapping[str, Any], notes: list[str]) -> tuple[str, list[Any]] | None:
    """The longest list of objects in an envelope, with its path; None where the object is a record itself."""
    lists = list(_lists(document, ()))
    fit = [item for item in lists if not any("." in key for key in item[0])]
    if not fit:
        if lists:
            notes.append(f"the list at {lists[0][0]} cannot be named: data_selector has dots between the names")
        return None
    path, records = max(fit, key=lambda item: len(item[1]))
    chosen = ".".join(path)
    others = [f"{'.'.join(other)} ({len(found):,})" for other, found in lists if other != path]
    said = f"the rows are the list at {chosen} ({len(records):,})"
    if others:
        notes.append(f"{said}, because it is the longest; others are {_some(others)}: json.data_selector takes one")
    else:
        notes.append(f"{said}; without json.data_selector the file is one row")
    beside = dict(_values(document, path))
    pages = [key for key in beside if NEXT_PAGE.fullmatch(key.rpartition(".")[2])]
    left = [key for key, item in beside.items() if key not in pages and not isinstance(item, list)]
    if left:
        notes.append(f"what the envelope says beside the list is in no row: {_some(left)}")
    if pages:
        notes.append(f"the envelope has {_some(pages)}: there may be more pages, for which rest_api is made")
    return chosen, records


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")


def _values(value: Mapping[str, Any], path: tuple[str, ...], above: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in the objects of an envelope beside the list at that path."""
    for key, item in value.items():
        if isinstance(item, Mapping) and above.count(".") < DEPTH:
            yield from _values(item, path, f"{above}{key}.")
        elif f"{above}{key}" != ".".join(path):
            yield f"{above}{key}", item


def _lists(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, item in value.items():
        if isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item):
            yield (*path, key), item
        elif isinstance(item, Mapping) and len(path) < DEPTH:
            yield from _lists(item, (*path, key))
