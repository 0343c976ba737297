"""Precision and scale of decimals: every result carries its own, and what 38 digits do not hold is an overflow.

PostgreSQL's NUMERIC has neither bound nor type of its own in an expression. So quotients, sums and products that may
outgrow 38 digits, and the results of a query are cast to the type of Redshift's rules (DG/r_numeric_computations201).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect import numbers
from infrastructure.local.redshift.dialect.aggregates import outer
from infrastructure.local.redshift.dialect.calls import cast
from infrastructure.local.redshift.dialect.division import division
from infrastructure.local.redshift.dialect.inference import number
from infrastructure.local.redshift.dialect.numbers import MOST, Number

_TYPED = (exp.Column, exp.Cast, exp.Subquery, exp.Star)
_Change = Callable[[], object]


def settle(tree: exp.Expr) -> None:
    """Give the decimals of a tree their types, in place.

    Raises:
        ColumnsNeeded: The types of columns have to be known first.
    """
    # all is decided before anything is changed; what is deepest is changed first, and what stands around it copies it
    changes = [change for node in tree.walk() if (change := _change(node))]
    results = _results(tree)
    for change in reversed(changes):
        change()
    for select, place, found in results:
        _type_result(select, place, found)


def _change(node: exp.Expr) -> _Change | None:
    if isinstance(node, exp.Div):
        return division(node)
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if not isinstance(node, (exp.Add, exp.Sub, exp.Mul)) and name != "sum":
        return None
    found = number(node)
    if found is None or found.kind != "decimal" or found.precision < MOST:
        return None
    return lambda: _bind(outer(node), found)


def _bind(node: exp.Expr, found: Number) -> None:
    """Put a cast around a node, which stays the same object."""
    typed = cast(exp.Null(), f"numeric({found.precision},{found.scale})")
    node.replace(typed)
    typed.set("this", node)


def _results(tree: exp.Expr) -> list[tuple[exp.Select, int, Number]]:
    """The results of a query that are decimals, by SELECT and place; a set operation has them in each SELECT."""
    selects = _selects(tree)
    if not selects or any(_sorted_distinct(select) for select in selects):
        return []
    if len(selects) == 1:
        (select,) = selects
        kinds = [number(item) if _value(item) else None for item in select.expressions]
    else:
        widths = {len(select.expressions) for select in selects}
        if len(widths) > 1 or any(item.is_star for select in selects for item in select.expressions):
            return []
        kinds = [_common(selects, place) for place in range(widths.pop())]
    return [
        (select, place, found)
        for select in selects
        for place, found in enumerate(kinds)
        if found and found.kind == "decimal"
    ]


def _common(selects: list[exp.Select], place: int) -> Number | None:
    items = [select.expressions[place].unalias() for select in selects]
    return numbers.common_type([number(item) for item in items if not isinstance(item, exp.Null)])


def _selects(query: exp.Expr) -> list[exp.Select]:
    while isinstance(query, (exp.Subquery, exp.Paren)):
        query = query.this
    if isinstance(query, exp.SetOperation):
        return _selects(query.this) + _selects(query.expression)
    return [query] if isinstance(query, exp.Select) else []


def _sorted_distinct(select: exp.Select) -> bool:
    """Whether the results have to stay as written, because DISTINCT compares them with what the rows are sorted by."""
    return bool(select.args.get("distinct") and select.args.get("order"))


def _value(item: exp.Expr) -> bool:
    return not isinstance(item.unalias(), _TYPED)


def _type_result(select: exp.Select, place: int, found: Number) -> None:
    item = select.expressions[place]
    value = item.unalias()
    if isinstance(value, exp.Cast) and "backend" in value.to.meta:
        return
    if isinstance(item, exp.Alias):
        _bind(value, found)
        return
    name = "case" if isinstance(value, exp.Case) else item.output_name or "?column?"
    typed = exp.alias_(exp.Null(), name, quoted=True)
    item.replace(typed)
    typed.set("this", item)
    _bind(item, found)
