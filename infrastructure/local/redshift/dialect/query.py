"""Queries and DML: SELECT, INSERT, UPDATE, DELETE."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from infrastructure.local.redshift.dialect import refuse, rewrite
from infrastructure.local.redshift.dialect.grammar import StrictRedshift, generate
from infrastructure.local.redshift.dialect.lexer import quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error


def parse(sql: str) -> exp.Expr:
    """The tree of one statement.

    Raises:
        RedshiftError: 42601 where it does not parse.
    """
    try:
        trees = sqlglot.parse(sql, dialect=StrictRedshift)
    except ParseError as problem:
        near = problem.errors[0].get("highlight") if problem.errors else ""
        raise syntax_error(str(near or "")) from problem
    except (TokenError, SqlglotError) as problem:
        raise RedshiftError("42601", "syntax error: " + str(problem).split("\n", maxsplit=1)[0]) from problem
    if len(trees) != 1 or trees[0] is None:
        raise syntax_error("")
    return trees[0]


def plan(sql: str) -> Plan:
    """The plan of a query or a DML statement."""
    tree = parse(sql)
    if isinstance(tree, exp.Command) or not isinstance(tree, (exp.Query, exp.Insert, exp.Update, exp.Delete)):
        raise not_covered(str(getattr(tree, "name", "") or type(tree).__name__).upper())
    if isinstance(tree, exp.Query):
        return Plan(_query_text(tree))
    _check_dml(tree)
    refuse.check(tree)
    target = _target(tree)
    return Plan(generate(rewrite.rewrite(tree)), locks=(target,))


def query_text(sql: str) -> str:
    """The backend's text of a query inside another statement (a view, a CREATE TABLE AS)."""
    tree = parse(sql)
    if not isinstance(tree, exp.Query):
        raise syntax_error(sql.split(maxsplit=1)[0])
    return _query_text(tree)


def expression_text(sql: str) -> str:
    """The backend's text of an expression, as in a column's DEFAULT."""
    return query_text(f"SELECT {sql} AS x").removeprefix("SELECT ").removesuffix(' AS "x"')


def _query_text(tree: exp.Query) -> str:
    if refuse.catalog_only(tree):
        return generate(rewrite.fold(tree))
    refuse.check(tree)
    return generate(rewrite.rewrite(tree))


def _check_dml(tree: exp.Expr) -> None:
    if tree.args.get("returning"):
        raise not_supported("RETURNING")
    if isinstance(tree, exp.Update) and (tree.args.get("order") or tree.args.get("limit")):
        raise syntax_error("ORDER" if tree.args.get("order") else "LIMIT")
    if isinstance(tree, exp.Delete) and (tree.args.get("tables") or tree.args.get("limit") or tree.args.get("order")):
        raise syntax_error("LIMIT")


def _target(tree: exp.Expr) -> str:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not table.name:
        raise syntax_error("")
    return ".".join(quote(part.lower()) for part in (table.db, table.name) if part)
