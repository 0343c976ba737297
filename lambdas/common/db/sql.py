"""Identifiers and literals in SQL text. Values go as parameters; what cannot be bound passes here."""

import re
from collections.abc import Iterable
from importlib import resources

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,126}")


def identifier(name: str) -> str:
    """The name, quoted; a dotted name is quoted part by part.

    Raises:
        ValueError: the name has anything but lower-case letters, digits and underscores.
    """
    parts = name.split(".")
    for part in parts:
        if not IDENTIFIER.fullmatch(part):
            raise ValueError(f"{name!r} is no identifier")
    return ".".join(f'"{part}"' for part in parts)


def identifiers(names: Iterable[str], prefix: str = "") -> str:
    """The names quoted and joined by commas, each behind the table alias where one is given."""
    head = f"{prefix}." if prefix else ""
    return ", ".join(head + identifier(name) for name in names)


def literal(value: str) -> str:
    """A string literal, for the places where Redshift takes no parameter (COPY, SET, PASSWORD)."""
    if "\\" in value or "\x00" in value:
        raise ValueError("a literal may hold neither backslash nor NUL")
    return "'" + value.replace("'", "''") + "'"


def statement(name: str) -> str:
    """The text of lambdas/common/db/statements/<name>.sql."""
    return (resources.files("lambdas.common.db") / "statements" / f"{name}.sql").read_text(encoding="utf-8")
