"""What is asked and what goes back, as any web framework would carry it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .cursor import fingerprint
from .errors import CONTENT_TYPE, ApiError, too_large
from .formats import MEDIA_TYPES, Table, as_csv, as_json, as_ndjson, dumps
from .reader import Query

# Lambda hands on 6,291,556 bytes; what remains is for the headers.
MOST_BYTES = 6_270_000
# A body of no more characters fits whatever they are.
SURE_LENGTH = MOST_BYTES // 12 - 2
# The gateway takes 10,240 bytes of headers.
MOST_META, MOST_LINK = 4_000, 5_000
REVALIDATE = "private, no-cache"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its parameters, the headers that matter, and the body of a POST."""

    query: Query
    accept: str = ""
    if_none_match: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the client. The body is a text: Chalice would encode anything else by itself."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def document(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """The content as JSON."""
    return _fitting(Answer(dumps(content), status, {"Content-Type": "application/json", **(headers or {})}))


def table(form: str, asked: Asked, rows: Table, meta: dict[str, Any], tag: str) -> Answer:
    """Rows in a format. What JSON carries as `meta` stands in the header X-Meta of the others.

    Raises:
        ApiError: 413, the answer is too large to be sent.
    """
    headers = {"Content-Type": MEDIA_TYPES[form], "ETag": tag, "Cache-Control": REVALIDATE, "Vary": "Accept"}
    if meta["next"]:
        # Against the request's own address: whatever stands before the path, this leads back to it.
        following = urlencode({**asked.query, "cursor": [meta["next"]]}, doseq=True)
        if len(following) <= MOST_LINK:
            headers["Link"] = f'<?{following}>; rel="next"'
    if form == "json":
        return _fitting(Answer(as_json(rows, meta), 200, headers))
    headers["X-Meta"] = _short(meta)
    return _fitting(Answer(as_csv(rows) if form == "csv" else as_ndjson(rows), 200, headers))


def not_modified(tag: str) -> Answer:
    """304: what the client has is still right."""
    return Answer("", 304, {"ETag": tag, "Cache-Control": REVALIDATE, "Vary": "Accept"})


def problem(error: ApiError, request_id: str) -> Answer:
    """The error as application/problem+json."""
    return Answer(dumps(error.body(request_id)), error.status, {"Content-Type": CONTENT_TYPE, **error.headers})


def entity_tag(asked: Asked, form: str, *known: object) -> str:
    """The tag of an answer: other for other code, another query or format, or when anything known has changed."""
    query = sorted((name, list(values)) for name, values in asked.query.items())
    return f'W/"{fingerprint(code_digest(), form, query, *known)}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a header If-None-Match names the tag; strong and weak tags are not told apart."""
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag.removeprefix("W/") in given or "*" in given


@cache
def code_digest() -> str:
    """Sixteen hex digits over the code that makes the answers."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".sql", ".yaml"):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _short(meta: dict[str, Any]) -> str:
    """Meta as one header line. Where the runs of missing days are too many for it, their number is left."""
    text = _ascii(meta)
    if len(text) > MOST_META and meta.get("coverage"):
        text = _ascii(meta | {"coverage": meta["coverage"] | {"missing": [], "missing_truncated": True}})
    return text


def _ascii(meta: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(dumps(meta)), separators=(",", ":"))


def _fitting(found: Answer) -> Answer:
    """The answer, if Lambda can hand it on as JSON, in which a character of the body takes up to twelve bytes.

    Raises:
        ApiError: 413, it cannot.
    """
    if len(found.body) > SURE_LENGTH and (size := len(json.dumps(found.body))) > MOST_BYTES:
        raise too_large(size, MOST_BYTES)
    return found
