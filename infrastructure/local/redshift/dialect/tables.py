"""CREATE TABLE in all its forms, and the table attributes that views share."""

from __future__ import annotations

from dataclasses import dataclass, field

from infrastructure.local.redshift.dialect import query
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, syntax_error

ENCODINGS = {
    "AUTO", "AZ64", "BYTEDICT", "DELTA", "DELTA32K", "LZO", "MOSTLY8", "MOSTLY16", "MOSTLY32", "RAW", "RUNLENGTH",
    "TEXT255", "TEXT32K", "ZSTD",
}  # fmt: skip


@dataclass
class _Columns:
    """What the parentheses of a CREATE TABLE hold, as it goes to the backend."""

    texts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    not_null: set[str] = field(default_factory=set)


def guard(table: str) -> str:
    """The statement that gives a table's VARCHAR(n) columns their limit in bytes."""
    return f"SELECT pg_catalog.rs_guard_bytes({literal(table)})"


def create_table(tokens: Tokens) -> Plan:
    """CREATE [LOCAL] [TEMP] TABLE [IF NOT EXISTS] name (...) | AS query; stands after CREATE."""
    tokens.accept("LOCAL")
    temporary = "TEMPORARY " if tokens.accept_any("TEMP", "TEMPORARY") else ""
    tokens.expect("TABLE")
    exists = "IF NOT EXISTS " if tokens.accept("IF", "NOT", "EXISTS") else ""
    hashed = (tokens.current.text if tokens.current else "").startswith("#")
    name = tokens.qualified()
    head = f"CREATE {'TEMPORARY ' if hashed else temporary}TABLE {exists}{name} "
    if tokens.peek() == "(" and not _is_name_list(tokens):
        columns = _columns(tokens)
        table_attributes(tokens)
        tokens.end()
        return Plan(f"{head}({', '.join(columns)})", after=(guard(name),))
    if exists:
        raise tokens.error()
    return _create_as(tokens, head, name)


def _is_name_list(tokens: Tokens) -> bool:
    return tokens.peek(2) in {",", ")"}


def _create_as(tokens: Tokens, head: str, name: str) -> Plan:
    names = tokens.names_in_parentheses() if tokens.peek() == "(" else []
    table_attributes(tokens)
    tokens.expect("AS")
    listed = f"({', '.join(quote(n) for n in names)}) " if names else ""
    return Plan(f"{head}{listed}AS {query.query_text(tokens.rest())}", after=(guard(name),))


def table_attributes(tokens: Tokens) -> None:
    """Use up DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO and BACKUP in any order, each at most once."""
    seen: set[str] = set()
    while True:
        word = tokens.peek()
        kind = "SORTKEY" if word in {"COMPOUND", "INTERLEAVED"} else word
        if kind not in _ATTRIBUTES:
            return
        if kind in seen:
            raise RedshiftError("42601", f"conflicting or redundant options: {kind}")
        seen.add(kind)
        _ATTRIBUTES[kind](tokens)


def _diststyle(tokens: Tokens) -> None:
    tokens.expect("DISTSTYLE")
    if not tokens.accept_any("AUTO", "EVEN", "KEY", "ALL"):
        raise tokens.error()


def _distkey(tokens: Tokens) -> None:
    tokens.expect("DISTKEY")
    if len(tokens.names_in_parentheses()) > 1:
        raise RedshiftError("42601", "a table has at most one DISTKEY column")


def _sortkey(tokens: Tokens) -> None:
    tokens.accept_any("COMPOUND", "INTERLEAVED")
    tokens.expect("SORTKEY")
    if not tokens.accept("AUTO"):
        tokens.names_in_parentheses()


def _encode(tokens: Tokens) -> None:
    tokens.expect("ENCODE", "AUTO")


def _backup(tokens: Tokens) -> None:
    tokens.expect("BACKUP")
    if not tokens.accept_any("YES", "NO"):
        raise tokens.error()


_ATTRIBUTES = {
    "DISTSTYLE": _diststyle,
    "DISTKEY": _distkey,
    "SORTKEY": _sortkey,
    "ENCODE": _encode,
    "BACKUP": _backup,
}


def _columns(tokens: Tokens) -> list[str]:
    found = _Columns()
    tokens.expect("(")
    _element(tokens, found)
    while tokens.accept(","):
        _element(tokens, found)
    tokens.expect(")")
    missing = found.not_null - set(found.names)
    if missing:
        raise RedshiftError("42703", f'column "{min(missing)}" named in key does not exist')
    nullable = [f"{text} NOT NULL" if name in found.not_null else text for name, text in _pairs(found)]
    return [*nullable, *found.texts[len(found.names) :]]


def _pairs(found: _Columns) -> list[tuple[str, str]]:
    return list(zip(found.names, found.texts, strict=False))


def _element(tokens: Tokens, found: _Columns) -> None:
    if tokens.accept("LIKE"):
        found.texts.append(_like(tokens))
    elif tokens.peek() in {"PRIMARY", "UNIQUE", "FOREIGN"} and tokens.peek(1) in {"KEY", "("}:
        _table_constraint(tokens, found)
    elif tokens.peek() in {"CHECK", "EXCLUDE", "CONSTRAINT"}:
        raise syntax_error(tokens.peek())
    else:
        name = tokens.name()
        found.names.append(name)
        found.texts.insert(len(found.names) - 1, column(tokens, name))


def _like(tokens: Tokens) -> str:
    parent = tokens.qualified()
    including = tokens.accept("INCLUDING", "DEFAULTS")
    if not including:
        tokens.accept("EXCLUDING", "DEFAULTS")
    return f"LIKE {parent} INCLUDING CONSTRAINTS" + (" INCLUDING DEFAULTS" if including else "")


def _table_constraint(tokens: Tokens, found: _Columns) -> None:
    """PRIMARY KEY, UNIQUE and FOREIGN KEY are information for the planner: only their NOT NULL counts."""
    if tokens.accept("FOREIGN", "KEY"):
        tokens.names_in_parentheses()
        tokens.expect("REFERENCES")
        _referenced(tokens)
    elif tokens.accept("PRIMARY", "KEY"):
        found.not_null.update(tokens.names_in_parentheses())
    else:
        tokens.expect("UNIQUE")
        tokens.names_in_parentheses()


def _referenced(tokens: Tokens) -> None:
    tokens.qualified()
    if tokens.peek() == "(":
        tokens.names_in_parentheses()


def column(tokens: Tokens, name: str) -> str:
    """A column definition for the backend; stands at the type."""
    parts = [quote(name), parse_type(tokens, column=True)]
    while tokens.peek() not in {",", ")", ""}:
        parts.append(_column_attribute(tokens))
    return " ".join(part for part in parts if part)


def _column_attribute(tokens: Tokens) -> str:
    word = tokens.peek()
    handler = _COLUMN_ATTRIBUTES.get(word)
    if handler is None:
        raise tokens.error()
    tokens.take()
    return handler(tokens)


def _default(tokens: Tokens) -> str:
    text = tokens.balanced("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "UNIQUE", "PRIMARY", "REFERENCES", "IDENTITY")
    return f"DEFAULT {query.expression_text(text)}"


def _identity(tokens: Tokens, form: str = "ALWAYS") -> str:
    tokens.expect("(")
    seed = tokens.integer()
    tokens.expect(",")
    step = tokens.integer()
    tokens.expect(")")
    return f"GENERATED {form} AS IDENTITY (MINVALUE 0 START {seed} INCREMENT {max(step, 1)})"


def _generated(tokens: Tokens) -> str:
    tokens.expect("BY", "DEFAULT", "AS", "IDENTITY")
    return _identity(tokens, "BY DEFAULT")


def _encoding(tokens: Tokens) -> str:
    if not tokens.accept_any(*ENCODINGS):
        raise RedshiftError("42601", f"encoding type {tokens.peek() or 'missing'} is not known")
    return ""


def _collate(tokens: Tokens) -> str:
    if not tokens.accept_any("CASE_SENSITIVE", "CS"):
        raise syntax_error(tokens.peek())
    return ""


def _not_null(tokens: Tokens) -> str:
    tokens.expect("NULL")
    return "NOT NULL"


def _primary_key(tokens: Tokens) -> str:
    tokens.expect("KEY")
    return "NOT NULL"


def _nothing(_tokens: Tokens) -> str:
    return ""


def _references(tokens: Tokens) -> str:
    _referenced(tokens)
    return ""


_COLUMN_ATTRIBUTES = {
    "DEFAULT": _default,
    "IDENTITY": _identity,
    "GENERATED": _generated,
    "ENCODE": _encoding,
    "DISTKEY": _nothing,
    "SORTKEY": _nothing,
    "COLLATE": _collate,
    "NOT": _not_null,
    "NULL": _nothing,
    "UNIQUE": _nothing,
    "PRIMARY": _primary_key,
    "REFERENCES": _references,
}
