"""PRIMARY KEY, UNIQUE and FOREIGN KEY: information for the planner and the catalog, never enforced.

A primary or unique key becomes an index that the backend shows and never fills, and a foreign key a constraint that it
shows and never enforces (catalog/attributes.sql).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infrastructure.local.redshift.dialect.lexer import Tokens, literal
from infrastructure.local.redshift.errors import RedshiftError


@dataclass(frozen=True)
class Key:
    """A declared key: its columns in order, whether it is the primary one, and its name if it has one."""

    columns: tuple[str, ...]
    primary: bool
    name: str = ""

    def statement(self, table: str) -> str:
        """What records the key of `table` once it exists."""
        arguments = f"{literal(table)}, {str(self.primary).lower()}, {_array(self.columns)}, {literal(self.name)}"
        return f"SELECT pg_catalog.rs_declare_key({arguments})"


@dataclass(frozen=True)
class ForeignKey:
    """A declared foreign key: its columns, the quoted name of the other table, its columns if given, and a name."""

    columns: tuple[str, ...]
    parent: str
    referenced: tuple[str, ...] = ()
    name: str = ""
    primary: bool = False

    def statement(self, table: str) -> str:
        """What records the key of `table` once it exists."""
        arguments = (
            literal(table),
            _array(self.columns),
            literal(self.parent),
            _array(self.referenced),
            literal(self.name),
        )
        return f"SELECT pg_catalog.rs_declare_foreign_key({', '.join(arguments)})"


def _array(names: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, names))}]::name[]"


def check(found: Sequence[Key | ForeignKey]) -> None:
    """Refuse two primary keys of one table.

    Raises:
        RedshiftError: 42P16.
    """
    if sum(key.primary for key in found) > 1:
        raise RedshiftError("42P16", "multiple primary keys for a table are not allowed")


def read(tokens: Tokens, name: str = "") -> Key | ForeignKey:
    """A table constraint."""
    if tokens.accept("FOREIGN", "KEY"):
        columns = tokens.names_in_parentheses()
        tokens.expect("REFERENCES")
        return read_referenced(tokens, tuple(columns), name)
    primary = tokens.accept("PRIMARY", "KEY")
    if not primary:
        tokens.expect("UNIQUE")
    return Key(tuple(tokens.names_in_parentheses()), primary=primary, name=name)


def read_referenced(tokens: Tokens, columns: tuple[str, ...], name: str = "") -> ForeignKey:
    """What REFERENCES names: a table, and columns if they are given."""
    parent = tokens.qualified()
    referenced = tokens.names_in_parentheses() if tokens.peek() == "(" else []
    return ForeignKey(columns, parent, tuple(referenced), name)
