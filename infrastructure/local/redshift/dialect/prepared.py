"""PREPARE, EXECUTE and DEALLOCATE of the SQL language."""

from __future__ import annotations

from infrastructure.local.redshift.dialect import query
from infrastructure.local.redshift.dialect.lexer import Tokens, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import not_covered


def prepare(tokens: Tokens) -> Plan:
    """PREPARE name [(type, ...)] AS query; a write is refused, because EXECUTE would not know what to lock."""
    name = quote(tokens.column_name())
    types: list[str] = []
    if tokens.accept("("):
        types.append(parse_type(tokens, column=False))
        while tokens.accept(","):
            types.append(parse_type(tokens, column=False))
        tokens.expect(")")
    tokens.expect("AS")
    if tokens.peek() in {"INSERT", "UPDATE", "DELETE"}:
        raise not_covered(f"PREPARE of {tokens.peek()}")
    listed = f" ({', '.join(types)})" if types else ""
    return Plan(f"PREPARE {name}{listed} AS {query.query_text(tokens.rest())}")


def execute(tokens: Tokens) -> Plan:
    """EXECUTE name [(value, ...)]."""
    name = quote(tokens.column_name())
    values: list[str] = []
    if tokens.accept("("):
        values.append(query.expression_text(tokens.balanced()))
        while tokens.accept(","):
            values.append(query.expression_text(tokens.balanced()))
        tokens.expect(")")
    return Plan(f"EXECUTE {name}" + (f" ({', '.join(values)})" if values else ""))


def deallocate(tokens: Tokens) -> Plan:
    """DEALLOCATE [PREPARE] name | ALL."""
    tokens.accept("PREPARE")
    if tokens.accept("ALL"):
        return Plan("DEALLOCATE ALL")
    return Plan(f"DEALLOCATE {quote(tokens.column_name())}")
