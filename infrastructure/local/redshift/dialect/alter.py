"""ALTER TABLE: one action a statement, as Redshift has it."""

from __future__ import annotations

from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.dialect.tables import ENCODINGS, column, guard
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error


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


def _add(tokens: Tokens, name: str) -> Plan:
    if tokens.peek() in {"PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"}:
        return _add_constraint(tokens, name)
    if tokens.peek() in {"CHECK", "EXCLUDE"}:
        raise syntax_error(tokens.peek())
    tokens.accept("COLUMN")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    added = tokens.name()
    text = column(tokens, added)
    if "NOT NULL" in text and "DEFAULT" not in text:
        raise RedshiftError(
            "0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    return Plan(f"ALTER TABLE {name} ADD COLUMN {text}", after=(guard(name),))


def _add_constraint(tokens: Tokens, name: str) -> Plan:
    if tokens.accept("CONSTRAINT"):
        tokens.name()
    while not tokens.done:
        tokens.take()
    return _unchanged(name)


def _unchanged(name: str) -> Plan:
    """Nothing to do here, but the table has to exist."""
    return Plan(NOTHING, before=(f"SELECT {literal(name)}::pg_catalog.regclass",), tag="ALTER TABLE")


def _drop(tokens: Tokens, name: str) -> Plan:
    if tokens.accept("CONSTRAINT"):
        raise not_covered("ALTER TABLE DROP CONSTRAINT")
    tokens.accept("COLUMN")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    dropped = quote(tokens.name())
    behaviour = tokens.accept_any("CASCADE", "RESTRICT")
    return Plan(f"ALTER TABLE {name} DROP COLUMN {dropped} {behaviour}".rstrip())


def _rename(tokens: Tokens, name: str) -> Plan:
    if tokens.accept("TO"):
        return Plan(f"ALTER TABLE {name} RENAME TO {quote(tokens.name())}")
    tokens.accept("COLUMN")
    old = quote(tokens.name())
    tokens.expect("TO")
    return Plan(f"ALTER TABLE {name} RENAME COLUMN {old} TO {quote(tokens.name())}")


def _owner(tokens: Tokens, name: str) -> Plan:
    tokens.expect("TO")
    return Plan(f"ALTER TABLE {name} OWNER TO {quote(tokens.name())}")


def _set(tokens: Tokens, name: str) -> Plan:
    if tokens.accept("SCHEMA"):
        return Plan(f"ALTER TABLE {name} SET SCHEMA {quote(tokens.name())}")
    raise syntax_error(tokens.peek())


def _alter(tokens: Tokens, name: str) -> Plan:
    if tokens.accept_any("DISTSTYLE", "SORTKEY", "DISTKEY", "COMPOUND", "ENCODE"):
        while not tokens.done and tokens.peek() != ",":
            tokens.take()
        return _unchanged(name)
    tokens.accept("COLUMN")
    changed = tokens.name()
    if tokens.accept("ENCODE"):
        if not tokens.accept_any(*ENCODINGS):
            raise tokens.error()
        return _unchanged(name)
    if not tokens.accept("TYPE"):
        raise syntax_error(tokens.peek())
    return _change_type(tokens, name, changed)


def _change_type(tokens: Tokens, name: str, changed: str) -> Plan:
    """Only a VARCHAR's size can be changed, and not to less than the longest value (the backend checks)."""
    new = parse_type(tokens, column=True)
    if not new.startswith("varchar("):
        raise not_supported("ALTER COLUMN TYPE to anything but VARCHAR")
    check = f"SELECT pg_catalog.rs_unguard_bytes({literal(name)}, {literal(changed)})"
    sql = f"ALTER TABLE {name} ALTER COLUMN {quote(changed)} TYPE {new}"
    return Plan(sql, before=(check,), after=(guard(name),), outside="ALTER TABLE ALTER COLUMN")


_ACTIONS = {"ADD": _add, "DROP": _drop, "RENAME": _rename, "OWNER": _owner, "SET": _set, "ALTER": _alter}
