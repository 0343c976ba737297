"""The conformance lines: statements with the answer that Redshift's documentation gives, and what PostgreSQL does.

A file holds one theme: `given` (statements before every line) and `lines`, each with
    id        unique within the theme
    page      the AWS page that says so: DG/x is docs.aws.amazon.com/redshift/latest/dg/x.html
    setup     statements of its own, after the theme's
    sql       the statement in question
    then      a query that shows what it did
    rows      what comes back, exactly; or
    refused   the SQLSTATE and a part of the message; or neither, if it has only to be accepted
    alone     true: outside of a transaction block, with `after` to clean up
    postgres  same; refuses (an honest error); accepts (what Redshift refuses); or the other rows that it gives
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


class _Loader(yaml.CSafeLoader):
    pass


_Loader.add_constructor("!decimal", lambda loader, node: Decimal(loader.construct_scalar(node)))
_Loader.add_constructor("!time", lambda loader, node: time.fromisoformat(loader.construct_scalar(node)))


@dataclass(frozen=True)
class Line:
    """One statement and what is expected of it."""

    theme: str
    id: str
    page: str
    sql: str
    postgres: Any
    given: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    then: str = ""
    after: tuple[str, ...] = ()
    rows: list[list[Any]] | None = None
    refused: str = ""
    alone: bool = False

    @property
    def name(self) -> str:
        """Theme and id."""
        return f"{self.theme}/{self.id}"

    @property
    def postgres_lies(self) -> bool:
        """Whether PostgreSQL gives another answer without an error."""
        return self.postgres == "accepts" or isinstance(self.postgres, list)


def _line(theme: str, given: list[str], entry: dict[str, Any]) -> Line:
    lists = {key: tuple(entry.pop(key, ())) for key in ("setup", "after")}
    return Line(theme=theme, given=tuple(given), **lists, **entry)


def read(path: Path) -> list[Line]:
    """The lines of one theme."""
    document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    return [_line(path.stem, document.get("given", []), entry) for entry in document["lines"]]


LINES = [line for path in sorted(HERE.glob("*.yaml")) for line in read(path)]
LIES = [line for line in LINES if line.postgres_lies]
