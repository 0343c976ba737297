"""GROUP BY ALL (DG/r_GROUP_BY_clause), GROUPING SETS, ROLLUP and CUBE (DG/r_GROUP_BY_aggregation-extensions)."""

from __future__ import annotations

from math import prod

from sqlglot import exp

from infrastructure.local.redshift.dialect.functions import AGGREGATES
from infrastructure.local.redshift.errors import not_covered, not_supported

_MOST_SETS = 64
_EXTENSIONS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def spread_all(tree: exp.Expr) -> None:
    """Replace every GROUP BY ALL in a tree by the places of the columns without aggregate, in place.

    Raises:
        RedshiftError: 0A000 where the manual does not say what is grouped by: stars, windows, a column beside an
            aggregate in one expression.
    """
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is None or not group.args.get("all"):
            continue
        places = [place for place, item in enumerate(select.expressions, 1) if not _is_aggregated(item)]
        made = exp.Group(expressions=[exp.Literal.number(place) for place in places])
        select.set("group", made if places else None)


def _is_aggregated(item: exp.Expr) -> bool:
    """Whether an item of the select list is made of aggregates and constants alone."""
    if (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)) or isinstance(item, exp.Star):
        raise not_covered("GROUP BY ALL with a star")
    if item.find(exp.Window, exp.Query):
        raise not_covered("GROUP BY ALL with a window function or a subquery in the select list")
    aggregates = [call for call in item.find_all(exp.Anonymous) if call.name.lower() in AGGREGATES]
    inside = {id(node) for call in aggregates for node in (call.find_ancestor(exp.WithinGroup) or call).walk()}
    if aggregates and any(id(column) not in inside for column in item.find_all(exp.Column)):
        raise not_covered("GROUP BY ALL with a column beside an aggregate in one expression")
    return bool(aggregates)


def check(group: exp.Group) -> None:
    """Refuse what the usage notes of the page exclude: constants, columns twice in a set, more than 64 sets.

    Raises:
        RedshiftError: 0A000.
    """
    extensions = [item for item in group.expressions if isinstance(item, _EXTENSIONS)]
    for extension in extensions:
        if any(isinstance(column, exp.Literal) for column in _columns(extension)):
            raise not_supported("a constant as grouping column of GROUPING SETS, ROLLUP or CUBE")
        _check_repeated(extension)
    if prod(_sets(extension) for extension in extensions) > _MOST_SETS:
        raise not_supported(f"GROUP BY with more than {_MOST_SETS} grouping sets")


def _columns(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, (*_EXTENSIONS, exp.Tuple)):
        return [column for item in node.expressions for column in _columns(item)]
    return [node.unnest()]


def _check_repeated(node: exp.Expr) -> None:
    if isinstance(node, exp.GroupingSets):
        for item in node.expressions:
            _check_repeated(item)
        return
    names = [column.sql().lower() for column in _columns(node)]
    if isinstance(node, exp.Tuple) and len(set(names)) < len(names):
        raise not_supported("a grouping set that contains a column twice")


def _sets(node: exp.Expr) -> int:
    """How many grouping sets an item stands for."""
    if isinstance(node, exp.GroupingSets):
        return sum(_sets(item) for item in node.expressions)
    if isinstance(node, exp.Rollup):
        return len(node.expressions) + 1
    return int(2 ** len(node.expressions)) if isinstance(node, exp.Cube) else 1
