"""Which of JSON's layouts a file has: an array, an envelope around a list, an object, or one value a line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.errors import RequestError

NEXT_PAGE = ("next", "next_page", "nextpagetoken", "next_cursor", "cursor", "offset", "total_pages", "has_more")
DEPTH = 4


def is_json(body: bytes) -> bool:
    """Whether the first sign is one that JSON records begin with."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def read(body: bytes, name: str, notes: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records, and the keys of `filesystem` that read them.

    Raises:
        RequestError: it is no JSON, or holds no objects.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: JSON has to be UTF-8: {error}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        return _lines(text, name, error), {"format": "ndjson"}
    if isinstance(document, dict) and (found := _longest_list(document)):
        path, records = found
        pages = sorted(key for key in document if key.lower() in NEXT_PAGE)
        if pages:
            notes.append(f"the envelope has {', '.join(pages)}: there may be more pages, for which rest_api is made")
        return records, {"format": "json", "json": {"data_selector": path}}
    records = document if isinstance(document, list) else [document]
    return _objects(records, name), {"format": "json"}


def _lines(text: str, name: str, whole: ValueError) -> list[dict[str, Any]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except ValueError as error:
            why = whole if number == 1 else error
            raise RequestError(f"{name}: line {number}: neither JSON nor NDJSON: {why}") from error
    return _objects(found, name)


def _objects(records: list[Any], name: str) -> list[dict[str, Any]]:
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise RequestError(f"{name}: record {number} is no object but {type(record).__name__}; rows have names")
    return records


def _longest_list(document: Mapping[str, Any]) -> tuple[str, list[Any]] | None:
    """The longest list of objects in an envelope, with its path; None where the object is a record itself."""
    found = max(_lists(document, ()), key=lambda item: len(item[1]), default=None)
    return (".".join(found[0]), found[1]) if found else None


def _lists(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, item in value.items():
        if isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item):
            yield (*path, key), item
        elif isinstance(item, Mapping) and len(path) < DEPTH:
            yield from _lists(item, (*path, key))
