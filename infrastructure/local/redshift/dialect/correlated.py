"""Correlated subqueries that Redshift cannot turn into joins (DG/r_correlated_subqueries).

A correlation is seen where a column is qualified with a table of an outer query. An unqualified column is taken for
one of its own query: which one it is only the catalog knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError

_MESSAGE = "This type of correlated subquery pattern is not supported yet"
# MIN and MAX are the two that Redshift allows there
_AGGREGATES = {"sum", "avg", "count", "stddev", "variance", "listagg", "median"}


def check(tree: exp.Expr) -> None:
    """Refuse the patterns that Redshift refuses.

    Raises:
        RedshiftError: 0A000, with the pattern in its detail.
    """
    for select in tree.find_all(exp.Select):
        distances = list(_distances(select))
        if not distances:
            continue
        if max(distances) > 1:
            raise _refusal("a correlation skips a query block")
        if _below_outer_join(select):
            raise _refusal("a correlated subquery in the ON clause of an outer join")
        if any(window.find_ancestor(exp.Select) is select for window in select.find_all(exp.Window)):
            raise _refusal("a correlated subquery with a window function")
        if (
            select.args.get("group")
            and isinstance(select.find_ancestor(exp.In, exp.Select), exp.In)
            and _has_aggregate(select)
        ):
            raise _refusal("IN over a correlated subquery with an aggregate and GROUP BY")
    for select in tree.find_all(exp.Select):
        _check_group(select)


def _refusal(pattern: str) -> RedshiftError:
    return RedshiftError(NOT_SUPPORTED, _MESSAGE, pattern)


def _distances(select: exp.Select) -> Iterator[int]:
    """How many query blocks lie between each qualified outer column in `select` and the block that it is of."""
    for column in select.find_all(exp.Column):
        if not column.table or column.find_ancestor(exp.Select) is not select:
            continue
        block: exp.Select | None = select
        distance = 0
        while block is not None and column.table.lower() not in _names(block):
            block = block.find_ancestor(exp.Select)
            distance += 1
        if block is not None and distance:
            yield distance


def _names(select: exp.Select) -> set[str]:
    """The names of the tables in a FROM clause."""
    sources = [select.args["from_"].this] if select.args.get("from_") else []
    sources += [join.this for join in select.args.get("joins") or []]
    nested = [join.this for source in sources for join in source.args.get("joins") or []]
    return {source.alias_or_name.lower() for source in sources + nested}


def _below_outer_join(select: exp.Select) -> bool:
    join = select.find_ancestor(exp.Join, exp.Select)
    return isinstance(join, exp.Join) and bool(join.side) and _is_below(select, join.args.get("on"))


def _is_below(node: exp.Expr, top: exp.Expr | None) -> bool:
    parent: exp.Expr | None = node
    while parent is not None and parent is not top:
        parent = parent.parent
    return top is not None and parent is top


def _has_aggregate(select: exp.Select) -> bool:
    return any(call.name.lower() in _AGGREGATES for call in select.find_all(exp.Anonymous))


def _check_group(select: exp.Select) -> None:
    """GROUP BY may not name a column that is the result of a correlated subquery."""
    results = {
        item.alias.lower()
        for item in select.expressions
        if isinstance(item, exp.Alias)
        for inner in item.this.find_all(exp.Select)
        if any(_distances(inner))
    }
    group = select.args.get("group")
    for column in group.find_all(exp.Column) if group and results else ():
        if not column.table and column.name.lower() in results:
            raise _refusal("GROUP BY the result of a correlated subquery")
