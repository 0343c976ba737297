"""ALTER TABLE: one action a statement, and the few pairs that Redshift takes together (DG/r_ALTER_TABLE)."""

from __future__ import annotations

from infrastructure.local.redshift.dialect import keys
from infrastructure.local.redshift.dialect.layout import Layout, read_diststyle, read_encoding, read_sortkey
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.dialect.tables import added_column, guard
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error

_SORTS = {"SORTKEY", "COMPOUND"}


def alter_table(tokens: Tokens) -> Plan:
    """ALTER TABLE name action; stands after ALTER TABLE."""
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    name = tokens.qualified()
    word = tokens.take().upper
    handler = _ACTIONS.get(word)
    if handler is None:
        raise syntax_error(word)
    plan = handler(tokens, name)
    if tokens.peek() == ",":
        raise not_supported("more than one action in an ALTER TABLE")
    tokens.end()
    return plan


def _regclass(name: str) -> str:
    return f"{literal(name)}::pg_catalog.regclass"


def _add(tokens: Tokens, name: str) -> Plan:
    if tokens.peek() in {"PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"}:
        return _add_constraint(tokens, name)
    if tokens.peek() in {"CHECK", "EXCLUDE", "IF"}:
        raise tokens.error()
    tokens.accept("COLUMN")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    added = tokens.column_name()
    layout = Layout()
    text = added_column(tokens, added, layout)
    if "NOT NULL" in text and "DEFAULT" not in text:
        raise RedshiftError(
            "0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    return Plan(f"ALTER TABLE {name} ADD COLUMN {text}", after=(guard(name), *layout.statements(name)))


def _add_constraint(tokens: Tokens, name: str) -> Plan:
    constraint = tokens.column_name() if tokens.accept("CONSTRAINT") else ""
    if tokens.peek() in {"CHECK", "EXCLUDE"}:
        raise tokens.error()
    key = keys.read(tokens, constraint)
    nullable = f"SELECT pg_catalog.rs_require_not_null({_regclass(name)}, ARRAY[{_list(key.columns)}]::name[])"
    return _recorded(name, *([nullable] if key.primary else []), key.statement(name))


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(literal, names))


def _recorded(name: str, *statements: str) -> Plan:
    """Only the catalog changes; the table has to exist and to belong to the user."""
    check = f"SELECT pg_catalog.rs_require_table_owner({_regclass(name)})"
    return Plan(NOTHING, before=(check, *statements), tag="ALTER TABLE")


def _drop(tokens: Tokens, name: str) -> Plan:
    constraint = tokens.accept("CONSTRAINT")
    if not constraint:
        tokens.accept("COLUMN")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    dropped = tokens.column_name()
    behaviour = tokens.accept_any("CASCADE", "RESTRICT")
    if constraint:
        return Plan(f"ALTER TABLE {name} DROP CONSTRAINT {quote(dropped)} {behaviour}".rstrip())
    cascade = str(behaviour == "CASCADE").lower()
    check = f"SELECT pg_catalog.rs_require_no_key({_regclass(name)}, {literal(dropped)}, {cascade})"
    return Plan(f"ALTER TABLE {name} DROP COLUMN {quote(dropped)} {behaviour}".rstrip(), before=(check,))


def _rename(tokens: Tokens, name: str) -> Plan:
    if tokens.accept("TO"):
        new = tokens.column_name()
        if new.startswith("#"):
            raise RedshiftError("42602", f'a permanent table cannot be renamed to "{new}": # marks temporary tables')
        check = f"SELECT pg_catalog.rs_refuse_materialized_view({_regclass(name)}, 'rename')"
        return Plan(f"ALTER TABLE {name} RENAME TO {quote(new)}", before=(check,))
    tokens.accept("COLUMN")
    old = quote(tokens.column_name())
    tokens.expect("TO")
    return Plan(f"ALTER TABLE {name} RENAME COLUMN {old} TO {quote(tokens.column_name())}")


def _owner(tokens: Tokens, name: str) -> Plan:
    tokens.expect("TO")
    return Plan(f"ALTER TABLE {name} OWNER TO {quote(tokens.name())}")


def _set(tokens: Tokens, _name: str) -> Plan:
    if tokens.peek() in {"LOCATION", "FILE", "TABLE"}:
        raise not_covered("ALTER TABLE of an external table")
    raise tokens.error()


def _row_level(_tokens: Tokens, _name: str) -> Plan:
    raise not_covered("row-level security")


def _append(tokens: Tokens, name: str) -> Plan:
    """APPEND FROM source [IGNOREEXTRA | FILLTARGET]: moves rows and commits (DG/r_ALTER_TABLE_APPEND)."""
    tokens.expect("FROM")
    source = tokens.qualified()
    mode = tokens.accept_any("IGNOREEXTRA", "FILLTARGET").lower()
    move = f"SELECT pg_catalog.rs_append({_regclass(name)}, {_regclass(source)}, {literal(mode)})"
    return Plan(NOTHING, locks=(name, source), before=(move,), outside="ALTER TABLE APPEND", tag="ALTER TABLE APPEND")


def _alter(tokens: Tokens, name: str) -> Plan:
    if tokens.peek() in {"DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND"}:
        return _alter_layout(tokens, name)
    if tokens.accept("ENCODE"):
        tokens.expect("AUTO")
        return _recorded(name)
    tokens.accept("COLUMN")
    changed = tokens.column_name()
    if tokens.peek() == "ENCODE":
        return _alter_encodings(tokens, name, changed)
    if not tokens.accept("TYPE"):
        raise syntax_error(tokens.peek())
    return _change_type(tokens, name, changed)


def _alter_layout(tokens: Tokens, name: str) -> Plan:
    """The distribution, the sort key, or one of each."""
    layout = Layout()
    sorts = tokens.peek() in _SORTS
    _alter_one(tokens, layout)
    if tokens.accept(",", "ALTER"):
        if (tokens.peek() in _SORTS) is sorts:
            raise not_supported("this pair of actions in an ALTER TABLE")
        _alter_one(tokens, layout)
    layout.check()
    return _recorded(name, *layout.statements(name))


def _alter_one(tokens: Tokens, layout: Layout) -> None:
    if tokens.accept("DISTKEY"):
        layout.distribute_by(tokens.column_name())
    elif tokens.peek() == "DISTSTYLE":
        read_diststyle(tokens, layout)
        if layout.diststyle == "KEY":
            tokens.expect("DISTKEY")
            layout.distribute_by(tokens.column_name())
    elif tokens.accept("SORTKEY", "NONE"):
        layout.sortstyle = "NONE"
    else:
        read_sortkey(tokens, layout)


def _alter_encodings(tokens: Tokens, name: str, first: str) -> Plan:
    """ALTER COLUMN a ENCODE x [, ALTER COLUMN b ENCODE y ...]."""
    layout, column = Layout(), first
    while True:
        tokens.expect("ENCODE")
        if column in layout.encodings:
            raise RedshiftError("42701", f'column "{column}" is altered more than once')
        layout.encodings[column] = read_encoding(tokens)
        if not (tokens.peek() == "," and tokens.peek(1) == "ALTER"):
            return _recorded(name, *layout.statements(name))
        tokens.accept(",", "ALTER")
        tokens.accept("COLUMN")
        column = tokens.column_name()


def _change_type(tokens: Tokens, name: str, changed: str) -> Plan:
    """Only a VARCHAR's size can be changed, and not to less than the longest value (the backend checks)."""
    new = parse_type(tokens, column=True)
    if not new.startswith("varchar("):
        raise not_supported("ALTER COLUMN TYPE to anything but VARCHAR")
    checks = (
        f"SELECT pg_catalog.rs_require_resizable({_regclass(name)}, {literal(changed)})",
        f"SELECT pg_catalog.rs_unguard_bytes({literal(name)}, {literal(changed)})",
    )
    sql = f"ALTER TABLE {name} ALTER COLUMN {quote(changed)} TYPE {new}"
    return Plan(sql, before=checks, after=(guard(name),), outside="ALTER TABLE ALTER COLUMN")


_ACTIONS = {
    "ADD": _add, "DROP": _drop, "RENAME": _rename, "OWNER": _owner, "SET": _set, "ALTER": _alter, "APPEND": _append,
    "ROW": _row_level,
}  # fmt: skip
