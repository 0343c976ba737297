"""CREATE, ALTER and DROP: schemas, views and materialized views here, the rest in modules of their own."""

from __future__ import annotations

import re
from zlib import crc32

from infrastructure.local.redshift.dialect import alter, grants, query, roles, tables, users
from infrastructure.local.redshift.dialect.layout import Layout, read_attributes
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error

_LATE_BINDING = re.compile(r"\bwith\s+no\s+schema\s+binding\s*$", re.IGNORECASE)


def create(tokens: Tokens) -> Plan:
    """CREATE ...; stands after CREATE."""
    replace = tokens.accept("OR", "REPLACE")
    word = tokens.peek()
    if word == "VIEW":
        return _create_view(tokens, replace=replace)
    if replace:
        raise not_covered(f"CREATE OR REPLACE {word}")
    if word in {"TABLE", "TEMP", "TEMPORARY", "LOCAL"}:
        return tables.create_table(tokens)
    handler = _CREATE.get(word)
    if handler is None:
        if word in {"INDEX", "UNIQUE", "TRIGGER", "SEQUENCE", "DOMAIN", "RULE", "TYPE", "EXTENSION", "UNLOGGED"}:
            raise RedshiftError("0A000", f"CREATE {word} is not supported", "Redshift has no such object")
        raise not_covered(f"CREATE {word}")
    tokens.take()
    return handler(tokens)


def _create_view(tokens: Tokens, *, replace: bool) -> Plan:
    tokens.expect("VIEW")
    name = tokens.qualified()
    columns = tokens.names_in_parentheses() if tokens.peek() == "(" else []
    tokens.expect("AS")
    text = tokens.rest()
    late = _LATE_BINDING.search(text)
    if late:
        text = text[: late.start()]
        query.require_qualified(text)
    temporary = "TEMPORARY " if name.startswith('"#') else ""
    listed = f" ({', '.join(map(quote, columns))})" if columns else ""
    head = f"CREATE {'OR REPLACE ' if replace else ''}{temporary}VIEW {name}{listed}"
    sql = f"{head} AS {query.query_text(text, stored=True)}"
    if not replace:
        return Plan(sql)
    same = f"SELECT pg_catalog.rs_same_columns({literal(name)})"
    return Plan(sql, before=(f"SELECT pg_catalog.rs_remember_columns({literal(name)})",), after=(same,))


def _create_materialized_view(tokens: Tokens) -> Plan:
    tokens.expect("VIEW")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    name = tokens.qualified()
    layout = Layout()
    seen = True
    while seen:
        read_attributes(tokens, layout)
        seen = tokens.accept("AUTO", "REFRESH")
        if seen and not tokens.accept_any("YES", "NO"):
            raise tokens.error()
    layout.check()
    tokens.expect("AS")
    sql = f"CREATE MATERIALIZED VIEW {name} AS {query.stored_query_text(tokens.rest())}"
    check = f"SELECT pg_catalog.rs_check_materialized_view({literal(name)}::pg_catalog.regclass)"
    return Plan(sql, after=(check, *layout.statements(name)))


def refresh(tokens: Tokens) -> Plan:
    """REFRESH MATERIALIZED VIEW name; only the owner may."""
    tokens.expect("MATERIALIZED", "VIEW")
    name = tokens.qualified()
    tokens.accept_any("RESTRICT", "CASCADE")
    tokens.end()
    return Plan(
        NOTHING,
        # one refresh of a view at a time, under whichever of its names (catalog/refresh.sql)
        locks=(f"pg_catalog.rs_refresh_{crc32(name.rpartition('.')[2].encode()) % 16}",),
        before=(f"SELECT pg_catalog.rs_refresh({literal(name)})",),
        tag="REFRESH MATERIALIZED VIEW",
    )


def _create_schema(tokens: Tokens) -> Plan:
    exists = "IF NOT EXISTS " if tokens.accept("IF", "NOT", "EXISTS") else ""
    name = "" if tokens.peek() == "AUTHORIZATION" else quote(tokens.name()) + " "
    owner = f"AUTHORIZATION {quote(tokens.name())}" if tokens.accept("AUTHORIZATION") else ""
    if tokens.accept("QUOTA"):
        tokens.take()
        tokens.accept_any("MB", "GB", "TB")
    tokens.end()
    return Plan(f"CREATE SCHEMA {exists}{name}{owner}".rstrip())


def alter_object(tokens: Tokens) -> Plan:
    """ALTER ...; stands after ALTER."""
    word = tokens.take().upper
    if word == "TABLE":
        return alter.alter_table(tokens)
    if word == "USER":
        return users.alter_user(tokens)
    if word == "SCHEMA":
        return _alter_schema(tokens)
    if word == "DEFAULT":
        return grants.default_privileges(tokens)
    if word == "MATERIALIZED":
        return _alter_materialized_view(tokens)
    if word == "GROUP":
        return roles.alter_group(tokens)
    if word == "ROLE":
        return roles.alter_role(tokens)
    raise not_covered(f"ALTER {word}")


def _alter_schema(tokens: Tokens) -> Plan:
    name = quote(tokens.name())
    if tokens.accept("OWNER", "TO"):
        return Plan(f"ALTER SCHEMA {name} OWNER TO {quote(tokens.name())}")
    if tokens.accept("QUOTA"):
        raise not_covered("ALTER SCHEMA QUOTA")
    tokens.expect("RENAME", "TO")
    return Plan(f"ALTER SCHEMA {name} RENAME TO {quote(tokens.name())}")


def _alter_materialized_view(tokens: Tokens) -> Plan:
    tokens.expect("VIEW")
    name = tokens.qualified()
    if tokens.accept("AUTO", "REFRESH"):
        tokens.take()
        exists = f"SELECT {literal(name)}::pg_catalog.regclass"
        return Plan(NOTHING, before=(exists,), tag="ALTER MATERIALIZED VIEW")
    if tokens.accept("OWNER", "TO"):
        return Plan(f"ALTER MATERIALIZED VIEW {name} OWNER TO {quote(tokens.name())}")
    raise not_covered("this form of ALTER MATERIALIZED VIEW")


def drop(tokens: Tokens) -> Plan:
    """DROP ...; stands after DROP."""
    word = tokens.take().upper
    if word == "MATERIALIZED":
        tokens.expect("VIEW")
        word = "MATERIALIZED VIEW"
    if word in {"USER", "GROUP", "ROLE"}:
        return roles.drop(tokens, word)
    if word not in {"TABLE", "VIEW", "SCHEMA", "MATERIALIZED VIEW"}:
        raise not_supported(f"DROP {word}") if word == "INDEX" else not_covered(f"DROP {word}")
    exists = "IF EXISTS " if tokens.accept("IF", "EXISTS") else ""
    names = [tokens.qualified()]
    while tokens.accept(","):
        names.append(tokens.qualified())
    behaviour = tokens.accept_any("CASCADE", "RESTRICT")
    tokens.end()
    return Plan(f"DROP {word} {exists}{', '.join(names)} {behaviour}".rstrip())


_CREATE = {
    "SCHEMA": _create_schema,
    "USER": users.create_user,
    "GROUP": roles.create_group,
    "ROLE": roles.create_role,
    "MATERIALIZED": _create_materialized_view,
}
