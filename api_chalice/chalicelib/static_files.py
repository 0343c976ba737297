"""The files for browsers: the page, the API's documentation, and what they load. All of them come from here."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from .answers import Answer, Asked, matches
from .errors import ApiError, Mistake

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
OWN_ONLY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICIES = {
    "index.html": OWN_ONLY,
    # Swagger UI writes styles into its elements
    "docs.html": OWN_ONLY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
}


def file_answer(name: str, asked: Asked) -> Answer:
    """The file of that name.

    Raises:
        ApiError: 404, there is none.
    """
    if name not in _names():
        raise ApiError(404, "There is no such file.", (Mistake("name", f"there is no file {name[:100]!r}"),))
    text, tag = _content(name)
    headers = {
        "Content-Type": TYPES[Path(name).suffix],
        "ETag": tag,
        "Cache-Control": "public, no-cache",
        "Referrer-Policy": "no-referrer",
    }
    if name in POLICIES:
        headers["Content-Security-Policy"] = POLICIES[name]
    if matches(asked.if_none_match, tag):
        return Answer("", 304, headers)
    return Answer(text, 200, headers)


@cache
def _names() -> frozenset[str]:
    names = (path.name.removesuffix(".gz") for path in FOLDER.iterdir())
    return frozenset(name for name in names if Path(name).suffix in TYPES)


@cache
def _content(name: str) -> tuple[str, str]:
    path = FOLDER / name
    content = path.read_bytes() if path.exists() else gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    return content.decode("utf-8"), f'W/"{hashlib.sha256(content).hexdigest()[:16]}"'
