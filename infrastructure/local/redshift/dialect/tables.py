"""CREATE TABLE in all its forms."""

from __future__ import annotations

from dataclasses import dataclass, field

from infrastructure.local.redshift.dialect import keys, query
from infrastructure.local.redshift.dialect.layout import Layout, copy_layout, read_attributes, read_encoding
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error


@dataclass
class _Columns:
    """What the parentheses of a CREATE TABLE hold, as it goes to the backend."""

    layout: Layout
    texts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    not_null: set[str] = field(default_factory=set)
    keys: list[keys.Key | keys.ForeignKey] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    current: str = ""


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
        return _create_with_columns(tokens, head, name, only_new=bool(exists))
    if exists:
        raise tokens.error()
    return _create_as(tokens, head, name)


def _create_with_columns(tokens: Tokens, head: str, name: str, *, only_new: bool) -> Plan:
    found = _Columns(Layout())
    texts = _columns(tokens, found)
    read_attributes(tokens, found.layout)
    tokens.end()
    found.layout.check()
    if found.parents and found.layout.seen - {"BACKUP"}:
        raise RedshiftError("42601", "CREATE TABLE LIKE takes its attributes from its parent")
    keys.check(found.keys)
    after = [copy_layout(parent, name) for parent in found.parents]
    after += [*found.layout.statements(name), *(key.statement(name) for key in found.keys)]
    before: tuple[str, ...] = ()
    if only_new:
        before = (f"SELECT pg_catalog.rs_remember_table({literal(name)})",)
        after = [f"{sql} WHERE pg_catalog.rs_is_new({literal(name)})" for sql in after]
    return Plan(f"{head}({', '.join(texts)})", before=before, after=(guard(name), *after))


def _is_name_list(tokens: Tokens) -> bool:
    return tokens.peek(2) in {",", ")"}


def _create_as(tokens: Tokens, head: str, name: str) -> Plan:
    names = tokens.names_in_parentheses() if tokens.peek() == "(" else []
    layout = Layout()
    read_attributes(tokens, layout)
    layout.check()
    tokens.expect("AS")
    listed = f"({', '.join(quote(n) for n in names)}) " if names else ""
    sql = f"{head}{listed}AS {query.query_text(tokens.rest(), stored=True)}"
    return Plan(sql, after=(guard(name), *layout.statements(name)))


def _columns(tokens: Tokens, found: _Columns) -> list[str]:
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
        found.texts.append(_like(tokens, found))
    elif tokens.peek() in {"PRIMARY", "UNIQUE", "FOREIGN"} and tokens.peek(1) in {"KEY", "("}:
        _table_constraint(tokens, found)
    elif tokens.peek() == "CONSTRAINT" and tokens.peek(2) in {"PRIMARY", "UNIQUE", "FOREIGN"}:
        tokens.take()
        _table_constraint(tokens, found, tokens.column_name())
    elif tokens.peek() in {"CHECK", "EXCLUDE", "CONSTRAINT"}:
        raise syntax_error(tokens.peek())
    else:
        found.current = tokens.column_name()
        if found.current == "oid":
            raise RedshiftError("42701", 'column name "oid" conflicts with a system column name')
        found.names.append(found.current)
        found.texts.insert(len(found.names) - 1, _column(tokens, found))


def _like(tokens: Tokens, found: _Columns) -> str:
    parent = tokens.qualified()
    found.parents.append(parent)
    including = tokens.accept("INCLUDING", "DEFAULTS")
    if not including:
        tokens.accept("EXCLUDING", "DEFAULTS")
    return f"LIKE {parent} INCLUDING CONSTRAINTS" + (" INCLUDING DEFAULTS" if including else "")


def _table_constraint(tokens: Tokens, found: _Columns, name: str = "") -> None:
    key = keys.read(tokens, name)
    found.keys.append(key)
    if key.primary:
        found.not_null.update(key.columns)


def _column(tokens: Tokens, found: _Columns) -> str:
    """A column definition for the backend; stands at the type."""
    kind = parse_type(tokens, column=True)
    parts = [quote(found.current), kind]
    while tokens.peek() not in {",", ")", ""}:
        parts.append(_column_attribute(tokens, found))
    text = " ".join(part for part in parts if part)
    if " AS IDENTITY " in text and kind not in {"integer", "bigint"}:
        raise RedshiftError("42804", f"identity column {found.current} must be INT or BIGINT")
    return text


def added_column(tokens: Tokens, name: str, layout: Layout) -> str:
    """The definition of a column that ALTER TABLE adds: only a default, an encoding and NOT NULL may follow its type.

    Raises:
        RedshiftError: 0A000 or 42601, naming what cannot be added.
    """
    parts = [quote(name), parse_type(tokens, column=True)]
    found = _Columns(layout, current=name)
    while tokens.peek() not in {",", ")", ""}:
        word = tokens.peek()
        if word in {"DISTKEY", "SORTKEY", "IDENTITY", "GENERATED", "UNIQUE", "PRIMARY", "REFERENCES"}:
            raise RedshiftError("0A000", f"ALTER TABLE ADD COLUMN does not support {word}")
        parts.append(_column_attribute(tokens, found))
    return " ".join(part for part in parts if part)


def _column_attribute(tokens: Tokens, found: _Columns) -> str:
    handler = _COLUMN_ATTRIBUTES.get(tokens.peek())
    if handler is None:
        raise tokens.error()
    tokens.take()
    return handler(tokens, found)


def _default(tokens: Tokens, _found: _Columns) -> str:
    text = tokens.balanced("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "UNIQUE", "PRIMARY", "REFERENCES", "IDENTITY")
    return f"DEFAULT {query.expression_text(text)}"


def _identity(tokens: Tokens, _found: _Columns, form: str = "ALWAYS") -> str:
    tokens.expect("(")
    seed = tokens.integer()
    tokens.expect(",")
    step = tokens.integer()
    tokens.expect(")")
    return f"GENERATED {form} AS IDENTITY (MINVALUE 0 START {seed} INCREMENT {max(step, 1)})"


def _generated(tokens: Tokens, found: _Columns) -> str:
    tokens.expect("BY", "DEFAULT", "AS", "IDENTITY")
    return _identity(tokens, found, "BY DEFAULT")


def _encoding(tokens: Tokens, found: _Columns) -> str:
    found.layout.encodings[found.current] = read_encoding(tokens)
    return ""


def _distkey(_tokens: Tokens, found: _Columns) -> str:
    found.layout.distribute_by(found.current)
    return ""


def _sortkey(_tokens: Tokens, found: _Columns) -> str:
    found.layout.sort_by(found.current)
    return ""


def _collate(tokens: Tokens, _found: _Columns) -> str:
    if tokens.accept_any("CASE_INSENSITIVE", "CI"):
        raise not_covered("COLLATE CASE_INSENSITIVE")
    if not tokens.accept_any("CASE_SENSITIVE", "CS"):
        raise tokens.error()
    return ""


def _not_null(tokens: Tokens, _found: _Columns) -> str:
    tokens.expect("NULL")
    return "NOT NULL"


def _null(_tokens: Tokens, _found: _Columns) -> str:
    return ""


def _primary_key(tokens: Tokens, found: _Columns) -> str:
    tokens.expect("KEY")
    found.keys.append(keys.Key((found.current,), primary=True))
    return "NOT NULL"


def _unique(_tokens: Tokens, found: _Columns) -> str:
    found.keys.append(keys.Key((found.current,), primary=False))
    return ""


def _references(tokens: Tokens, found: _Columns) -> str:
    found.keys.append(keys.read_referenced(tokens, (found.current,)))
    return ""


_COLUMN_ATTRIBUTES = {
    "DEFAULT": _default,
    "IDENTITY": _identity,
    "GENERATED": _generated,
    "ENCODE": _encoding,
    "DISTKEY": _distkey,
    "SORTKEY": _sortkey,
    "COLLATE": _collate,
    "NOT": _not_null,
    "NULL": _null,
    "UNIQUE": _unique,
    "PRIMARY": _primary_key,
    "REFERENCES": _references,
}
