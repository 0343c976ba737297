"""Aggregate and window functions that PostgreSQL lacks or means differently; catalog/windows.sql has their parts."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import arguments, call, cast
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, not_supported, syntax_error

_IGNORES = "ignores nulls"
_NAVIGATING = {"first_value", "lag", "last_value", "lead", "nth_value"}


def outer(node: exp.Expr) -> exp.Expr:
    """The call together with its WITHIN GROUP and OVER."""
    while isinstance(node.parent, (exp.Window, exp.WithinGroup)) and node.arg_key == "this":
        node = node.parent
    return node


def mark_nulls(tree: exp.Expr) -> None:
    """Take IGNORE NULLS and RESPECT NULLS out of a tree; the first is remembered at the call that it belongs to.

    Raises:
        RedshiftError: 42601 where the function has no such option.
    """
    for option in list(tree.find_all(exp.IgnoreNulls, exp.RespectNulls)):
        function = option.this if isinstance(option.this, exp.Anonymous) else option.parent
        if not isinstance(function, exp.Anonymous) or function.name.lower() not in _NAVIGATING:
            raise syntax_error("IGNORE" if isinstance(option, exp.IgnoreNulls) else "RESPECT")
        function.meta[_IGNORES] = isinstance(option, exp.IgnoreNulls)
        option.replace(option.this)


def check_orders(select: exp.Select) -> None:
    """Refuse aggregates by sorting that do not all sort in the same way (DG/r_PERCENTILE_CONT, usage notes)."""
    orders = set()
    for function in select.find_all(exp.Anonymous):
        if function.find_ancestor(exp.Select) is not select or isinstance(outer(function), exp.Window):
            continue
        name = function.name.lower()
        if name == "median" and function.expressions:
            orders.add(function.expressions[0].sql())
        elif name in {"listagg", "percentile_cont"} and isinstance(function.parent, exp.WithinGroup):
            orders.add(", ".join(item.this.sql() for item in function.parent.expression.expressions))
    if len(orders) > 1:
        text = "within group ORDER BY clauses for aggregate functions must be the same"
        raise RedshiftError(NOT_SUPPORTED, text)


def _window(node: exp.Anonymous) -> exp.Window | None:
    whole = outer(node)
    return whole if isinstance(whole, exp.Window) else None


def _over(node: exp.Anonymous, inner: exp.Expr, **changes: exp.Expr | None) -> exp.Expr:
    """`inner` with the same OVER that `node` has, and changes to it."""
    window = _window(node)
    if window is None:
        return inner
    copied = window.copy()
    copied.set("this", inner)
    for part, value in changes.items():
        copied.set(part, value)
    return copied


def _frame(end: str, end_side: str | None = None) -> exp.WindowSpec:
    return exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end=end, end_side=end_side)


def _only_partition(node: exp.Anonymous) -> None:
    window = _window(node)
    if window and (window.args.get("order") or window.args.get("spec")):
        raise not_supported(f"a window ordering or frame in the OVER clause of {node.name.upper()}")


def _within_group(node: exp.Anonymous) -> list[exp.Ordered]:
    group = node.parent
    return [item.copy() for item in group.expression.expressions] if isinstance(group, exp.WithinGroup) else []


def _avg(node: exp.Anonymous) -> exp.Expr:
    (value,) = arguments(node, 1)
    sample = value.expressions[0] if isinstance(value, exp.Distinct) else value
    return call("rs_avg", _over(node, call("avg", value)), _over(node, call("min", sample.copy())))


def _deviation(node: exp.Anonymous) -> exp.Expr:
    """STDDEV, VARIANCE and their like: a double precision number, whatever the type of the argument."""
    (value,) = arguments(node, 1)
    return cast(_over(node, call(node.name, value)), "double precision")


def _listagg(node: exp.Anonymous) -> exp.Expr:
    given = arguments(node, 1, 2)
    _only_partition(node)
    distinct = isinstance(given[0], exp.Distinct)
    value, *rest = (given[0].expressions if distinct else given) or [exp.Null()]
    if distinct and (not given[0].expressions or len(given) > 1):
        raise syntax_error(")")
    delimiter: exp.Expr = cast(rest[0] if rest else exp.Literal.string(""), "text")
    item = call("rs_listed", cast(value, "varchar"))
    order = _within_group(node)
    if distinct:
        return call("rs_listagg_distinct", _ordered(node, "array_agg", [item], order), delimiter)
    return call("rs_listagg", _ordered(node, "string_agg", [item, delimiter], order))


def _ordered(node: exp.Anonymous, name: str, items: list[exp.Expr], order: list[exp.Ordered]) -> exp.Expr:
    """An aggregate that takes its rows in an order: in the call, or by the window's frame over the whole partition."""
    if _window(node) and order:
        return _over(
            node, call(name, *items), order=exp.Order(expressions=order), spec=_frame("UNBOUNDED", "FOLLOWING")
        )
    if order:
        items = [*items[:-1], exp.Order(this=items[-1], expressions=order)]
    return _over(node, call(name, *items))


def _median(node: exp.Anonymous) -> exp.Expr:
    (value,) = arguments(node, 1)
    _only_partition(node)
    return call("rs_percentile_cont", exp.Literal.number("0.5"), _over(node, call("array_agg", value)))


def _percentile(node: exp.Anonymous) -> exp.Expr:
    """PERCENTILE_CONT, and PERCENTILE_DISC, which is a window function unless it is approximate."""
    (fraction,) = arguments(node, 1)
    _only_partition(node)
    orders = _within_group(node)
    if len(orders) != 1:
        raise not_covered(f"{node.name.upper()} by two expressions") if orders else syntax_error("WITHIN GROUP")
    order = orders[0]
    if node.name == "percentile_disc" and _window(node) is None:
        if not outer(node).meta.get("approximate"):
            raise not_supported("PERCENTILE_DISC as an aggregate, without APPROXIMATE,")
        # PostgreSQL's own sorts a column once for all its percentiles.
        return exp.WithinGroup(this=call("percentile_disc", fraction), expression=exp.Order(expressions=[order]))
    items = _over(node, call("array_agg", order.this))
    descending = bool(order.args.get("desc"))
    if node.name == "percentile_disc":
        return call("rs_percentile_disc", fraction, items, exp.Boolean(this=descending))
    if descending:
        fraction = exp.Paren(this=exp.Sub(this=exp.Literal.number("1"), expression=fraction))
    return call("rs_percentile_cont", fraction, items)


def _ratio_to_report(node: exp.Anonymous) -> exp.Expr:
    (value,) = arguments(node, 1)
    if _window(node) is None:
        raise RedshiftError("42601", "ratio_to_report needs an OVER clause")
    _only_partition(node)
    total = call("nullif", _over(node, call("sum", value.copy())), exp.Literal.number("0"))
    return exp.Paren(this=exp.Div(this=cast(value, "double precision"), expression=total, typed=True, safe=False))


def _lag(node: exp.Anonymous) -> exp.Expr:
    """LAG and LEAD; LEAD that ignores NULLs is LAG in the opposite order."""
    value, *rest = arguments(node, 1, 3)
    if len(rest) > 1:
        text = f"Default parameter not be supported for window function {node.name}"
        raise RedshiftError(NOT_SUPPORTED, text)
    window = _window(node)
    if window is None or not node.meta.get(_IGNORES):
        return outer(node).copy()
    changes: dict[str, exp.Expr | None] = {"spec": exp.WindowSpec(
        kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="1", end_side="PRECEDING"
    )}  # fmt: skip
    order = window.args.get("order")
    if node.name == "lead" and order:
        changes["order"] = exp.Order(expressions=[_opposite(item) for item in order.expressions])
    if not rest or rest[0].name == "1":
        return _over(node, call("rs_last_known", value.copy()), **changes)
    _require_whole(node, rest[0])
    return call("rs_nth_known", _over(node, call("array_agg", value.copy()), **changes), rest[0].copy(), exp.true())


def _require_whole(node: exp.Anonymous, offset: exp.Expr) -> None:
    if not isinstance(offset, exp.Literal) or not offset.name.isdigit() or offset.name == "0":
        raise not_covered(f"{node.name.upper()} IGNORE NULLS with an offset that is no whole number from 1 on")


def _opposite(item: exp.Ordered) -> exp.Ordered:
    descending = bool(item.args.get("desc"))
    nulls_first = item.args.get("nulls_first")
    nulls_first = descending if nulls_first is None else nulls_first
    return exp.Ordered(this=item.this.copy(), desc=not descending, nulls_first=not nulls_first)


def _value_at(node: exp.Anonymous) -> exp.Expr:
    """FIRST_VALUE, LAST_VALUE and NTH_VALUE."""
    if _window(node) is None or not node.meta.get(_IGNORES):
        return outer(node).copy()
    if node.name == "nth_value":
        value, offset = arguments(node, 2)
        _require_whole(node, offset)
        return call("rs_nth_known", _over(node, call("array_agg", value)), offset, exp.false())
    (value,) = arguments(node, 1)
    return _over(node, call("rs_first_known" if node.name == "first_value" else "rs_last_known", value))


def _hll(node: exp.Anonymous) -> exp.Expr:
    """The number of distinct values, here an exact one."""
    (value,) = arguments(node, 1)
    if _window(node) is not None:
        raise not_covered("HLL as a window function")
    return call("count", exp.Distinct(expressions=[value]))


AGGREGATES: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "avg": _avg,
    "first_value": _value_at,
    "hll": _hll,
    "lag": _lag,
    "last_value": _value_at,
    "lead": _lag,
    "listagg": _listagg,
    "median": _median,
    "nth_value": _value_at,
    "percentile_cont": _percentile,
    "percentile_disc": _percentile,
    "ratio_to_report": _ratio_to_report,
    **dict.fromkeys(("stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance"), _deviation),
}
