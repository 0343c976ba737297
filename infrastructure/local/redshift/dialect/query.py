"""Queries and DML: SELECT, INSERT, UPDATE, DELETE."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from infrastructure.local.redshift.dialect import (
    exclude,
    grouping,
    leader,
    lengths,
    navigation,
    pivots,
    refuse,
    relations,
    rewrite,
)
from infrastructure.local.redshift.dialect.grammar import StrictRedshift, generate
from infrastructure.local.redshift.dialect.lexer import literal, quote, without_catalog_prefix
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.scope import ColumnsNeeded
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error


def parse(sql: str) -> exp.Expr:
    """The tree of one statement.

    Raises:
        RedshiftError: 42601 where it does not parse.
    """
    try:
        trees = sqlglot.parse(without_catalog_prefix(sql), dialect=StrictRedshift)
    except ParseError as problem:
        near = problem.errors[0].get("highlight") if problem.errors else ""
        raise syntax_error(str(near or "")) from problem
    except (TokenError, SqlglotError) as problem:
        raise RedshiftError("42601", "syntax error: " + str(problem).split("\n", maxsplit=1)[0]) from problem
    if len(trees) != 1 or trees[0] is None:
        raise syntax_error("")
    grouping.spread_all(trees[0])
    return trees[0]


def plan(sql: str) -> Plan:
    """The plan of a query or a DML statement."""
    tree = parse(sql)
    if isinstance(tree, exp.Command) or not isinstance(tree, (exp.Query, exp.Insert, exp.Update, exp.Delete)):
        raise not_covered(str(getattr(tree, "name", "") or type(tree).__name__).upper())
    if isinstance(tree, exp.Select) and tree.args.get("into"):
        return _select_into(tree)
    if isinstance(tree, exp.Query):
        return Plan(_query_text(tree))
    _check_dml(tree)
    _read_defaults(tree)
    target = _target(tree)
    try:
        return Plan(_rewritten(tree), locks=(target,))
    except ColumnsNeeded as needed:
        raise ColumnsNeeded(needed.tables, locks=(target,)) from needed


def _select_into(tree: exp.Select) -> Plan:
    """SELECT ... INTO [TEMP] [TABLE] name: a CREATE TABLE AS."""
    into = tree.args["into"]
    tree.set("into", None)
    if into.args.get("unlogged"):
        raise syntax_error("UNLOGGED")
    table = into.this
    if not isinstance(table, exp.Table):
        raise syntax_error("FROM")
    refuse.check(table)
    temporary = "TEMPORARY " if into.args.get("temporary") or table.name.startswith("#") else ""
    name = ".".join(quote(part.lower()) for part in (table.db, table.name) if part)
    guard = f"SELECT pg_catalog.rs_guard_bytes({literal(name)})"
    return Plan(f"CREATE {temporary}TABLE {name} AS {_query_text(tree, stored=True)}", after=(guard,), tag="SELECT")


def query_text(sql: str, *, stored: bool = False) -> str:
    """The backend's text of a query inside another statement; `stored` in a view or a CREATE TABLE AS."""
    tree = parse(sql)
    if not isinstance(tree, exp.Query):
        raise syntax_error(sql.split(maxsplit=1)[0])
    return _query_text(tree, stored=stored)


def stored_query_text(sql: str) -> str:
    """The backend's text of a materialized view's query.

    Raises:
        RedshiftError: 0A000 for what such a query may not contain (DG/materialized-view-create-sql-command).
    """
    tree = parse(sql)
    if not isinstance(tree, exp.Query):
        raise syntax_error(sql.split(maxsplit=1)[0])
    for node in (tree, *(subquery.this for subquery in tree.find_all(exp.Subquery))):
        for part in ("order", "limit", "offset"):
            if node.args.get(part):
                raise not_supported(f"{part.upper()} in a materialized view")
    if any(relations.is_catalog(table) for table in tree.find_all(exp.Table)):
        raise not_supported("a system table in a materialized view")
    return _query_text(tree, stored=True)


def require_qualified(sql: str) -> None:
    """A late-binding view names the schema of every table.

    Raises:
        RedshiftError: 0A000.
    """
    tree = parse(sql)
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    if any(not table.db and table.name.lower() not in named for table in tree.find_all(exp.Table)):
        text = "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING."
        raise RedshiftError("0A000", text)


def expression_text(sql: str) -> str:
    """The backend's text of an expression, as in a column's DEFAULT."""
    return query_text(f"SELECT {sql} AS x").removeprefix("SELECT ").removesuffix(' AS "x"')


def _query_text(tree: exp.Query, *, stored: bool = False) -> str:
    """The text for the backend; with `stored`, of a query whose columns a relation gets."""
    if refuse.catalog_only(tree):
        refuse.check_catalog(tree)
        return generate(rewrite.fold(leader.adapt(tree)))
    return _rewritten(tree, stored=stored)


def _rewritten(tree: exp.Expr, *, stored: bool = False) -> str:
    pivots.spread(tree)
    exclude.spread(tree)
    navigation.resolve(tree)
    refuse.check(tree)
    if stored:
        lengths.settle(tree)
    return generate(rewrite.rewrite(tree))


def _check_dml(tree: exp.Expr) -> None:
    if tree.args.get("returning"):
        raise not_supported("RETURNING")
    if isinstance(tree, exp.Update) and (tree.args.get("order") or tree.args.get("limit")):
        raise syntax_error("ORDER" if tree.args.get("order") else "LIMIT")
    if isinstance(tree, exp.Update) and any(isinstance(item.this, exp.Tuple) for item in tree.expressions):
        raise syntax_error("(")
    if isinstance(tree, exp.Delete) and (tree.args.get("tables") or tree.args.get("limit") or tree.args.get("order")):
        raise syntax_error("LIMIT")


def _read_defaults(tree: exp.Expr) -> None:
    """UPDATE ... SET column = DEFAULT, which is read as a column of that name."""
    for item in tree.expressions if isinstance(tree, exp.Update) else ():
        value = item.args.get("expression")
        name = value.this if isinstance(value, exp.Column) and not value.table else None
        if isinstance(name, exp.Identifier) and not name.args.get("quoted") and name.name.upper() == "DEFAULT":
            item.set("expression", exp.var("DEFAULT"))


def _target(tree: exp.Expr) -> str:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not table.name:
        raise syntax_error("")
    return ".".join(quote(part.lower()) for part in (table.db, table.name) if part)
