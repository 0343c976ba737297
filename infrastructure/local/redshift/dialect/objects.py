"""CREATE, ALTER and DROP: schemas, views and materialized views here, the rest in modules of their own."""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect import alter, grants, query, tables, users
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error


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
    if re.search(r"\bwith\s+no\s+schema\s+binding\s*$", text, re.IGNORECASE):
        raise not_covered("WITH NO SCHEMA BINDING")
    listed = f" ({', '.join(map(quote, columns))})" if columns else ""
    return Plan(f"CREATE {'OR REPLACE ' if replace else ''}VIEW {name}{listed} AS {query.query_text(text)}")


def _create_materialized_view(tokens: Tokens) -> Plan:
    tokens.expect("VIEW")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    name = tokens.qualified()
    seen = True
    while seen:
        tables.table_attributes(tokens)
        seen = tokens.accept("AUTO", "REFRESH")
        if seen and not tokens.accept_any("YES", "NO"):
            raise tokens.error()
    tokens.expect("AS")
    return Plan(f"CREATE MATERIALIZED VIEW {name} AS {query.query_text(tokens.rest())}")


def refresh(tokens: Tokens) -> Plan:
    """REFRESH MATERIALIZED VIEW name; only the owner may."""
    tokens.expect("MATERIALIZED", "VIEW")
    name = tokens.qualified()
    tokens.accept_any("RESTRICT", "CASCADE")
    tokens.end()
    check = f"SELECT pg_catalog.rs_require_owner({literal(name)})"
    return Plan(f"REFRESH MATERIALIZED VIEW {name}", before=(check,))


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
        return users.alter_group(tokens)
    raise not_covered(f"ALTER {word}")


def _alter_schema(tokens: Tokens) -> Plan:
    name = quote(tokens.name())
    if tokens.accept("OWNER", "TO"):
        return Plan(f"ALTER SCHEMA {name} OWNER TO {quote(tokens.name())}")
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
    if word in {"USER", "GROUP"}:
        exists = "IF EXISTS " if tokens.accept("IF", "EXISTS") else ""
        return Plan(f"DROP ROLE {exists}{', '.join(map(quote, tokens.names()))}", tag=f"DROP {word}")
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
    "GROUP": users.create_group,
    "MATERIALIZED": _create_materialized_view,
}
