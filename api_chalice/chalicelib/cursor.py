"""Where a walk through the rows stands: the last row's sort values, bound to the query that they belong to.

A cursor is base64url of JSON. Nobody can gain anything by writing one: its values are parsed by their columns'
types and bound like any other; the digest only keeps it from being used with another query by mistake.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from .values import Kind

FOREIGN = "is not a cursor of this query; take `meta.next` of the answer before; `limit` and `format` alone may change"


def fingerprint(*parts: object) -> str:
    """Sixteen hex digits over what makes a query this query and no other."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def write_cursor(digest: str, version: str, kinds: Sequence[Kind], values: Sequence[Any]) -> str:
    """The cursor behind the row with these sort values; `version` is the dataset's when the walk began."""
    texts = [kind.write(value) for kind, value in zip(kinds, values, strict=True)]
    document = json.dumps([digest, version, texts], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read_cursor(text: str, digest: str, kinds: Sequence[Kind]) -> tuple[str, tuple[Any, ...]]:
    """The version and the sort values in a cursor.

    Raises:
        ValueError: it is none, or belongs to another query.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, version, texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if found != digest or not all(isinstance(value, str) for value in (version, *texts)):
            raise ValueError(FOREIGN)
        return version, tuple(kind.parse(value) for kind, value in zip(kinds, texts, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ValueError(FOREIGN) from error
