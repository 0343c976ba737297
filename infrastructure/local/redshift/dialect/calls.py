"""What becomes of the function calls that PostgreSQL lacks or understands differently."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.functions import DATE_PARTS
from infrastructure.local.redshift.errors import RedshiftError, not_covered


def cast(node: exp.Expr, name: str) -> exp.Cast:
    """A cast to a type of the backend."""
    target = exp.DataType(this=exp.DType.VARCHAR)
    target.meta["backend"] = name
    return exp.Cast(this=node, to=target)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function call by name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def date_part(node: exp.Expr) -> str:
    """The part of a date that an argument names, under its one name."""
    name = node.name.lower()
    if name not in DATE_PARTS:
        raise RedshiftError("22023", f'"{name}" is not a valid date part')
    return DATE_PARTS[name]


def outer(node: exp.Expr) -> exp.Expr:
    """The call together with its WITHIN GROUP and OVER."""
    while isinstance(node.parent, (exp.Window, exp.WithinGroup)) and node.arg_key == "this":
        node = node.parent
    return node


def _around(node: exp.Anonymous, call: exp.Expr) -> exp.Expr:
    """`call` with the same OVER that `node` has."""
    whole = outer(node)
    window = whole if isinstance(whole, exp.Window) else None
    if window is None:
        return call
    copied = window.copy()
    copied.set("this", call)
    return copied


def _arguments(node: exp.Anonymous, least: int, most: int | None = None) -> list[exp.Expr]:
    arguments: list[exp.Expr] = node.expressions
    if not least <= len(arguments) <= (most or least):
        raise RedshiftError("42883", f"function {node.name}() does not take {len(arguments)} arguments")
    return [argument.copy() for argument in arguments]


def _avg(node: exp.Anonymous) -> exp.Expr:
    (value,) = _arguments(node, 1)
    sample = value.expressions[0] if isinstance(value, exp.Distinct) else value
    average = _around(node, call("avg", value))
    return call("rs_avg", average, _around(node, call("min", sample.copy())))


def _concat(node: exp.Anonymous) -> exp.Expr:
    left, right = _arguments(node, 2)
    return exp.Paren(this=exp.DPipe(this=cast(left, "varchar"), expression=cast(right, "varchar")))


def _date_function(node: exp.Anonymous) -> exp.Expr:
    part, first, second = _arguments(node, 3)
    name = {"date_add": "dateadd", "date_diff": "datediff"}.get(node.name, node.name)
    return call(name, exp.Literal.string(date_part(part)), first, second)


def _decode(node: exp.Anonymous) -> exp.Expr:
    value, *rest = _arguments(node, 3, 10_000)
    default = rest.pop() if len(rest) % 2 else None
    branches = []
    for search, result in zip(rest[::2], rest[1::2], strict=True):
        same: exp.Expr = exp.EQ(this=value.copy(), expression=search.copy())
        if not isinstance(search, exp.Literal):
            both = exp.And(this=_is_null(value), expression=_is_null(search))
            same = exp.Or(this=same, expression=exp.Paren(this=both))
        branches.append(exp.If(this=same, true=result))
    return exp.Case(ifs=branches, default=default)


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=node.copy(), expression=exp.Null())


def _nvl(node: exp.Anonymous) -> exp.Expr:
    return call("coalesce", *_arguments(node, 1, 10_000))


def _nvl2(node: exp.Anonymous) -> exp.Expr:
    value, present, absent = _arguments(node, 3)
    return exp.Case(ifs=[exp.If(this=_is_null(value), true=absent)], default=present)


def _listagg(node: exp.Anonymous) -> exp.Expr:
    value, *rest = _arguments(node, 1, 2)
    delimiter = rest[0] if rest else exp.Literal.string("")
    if isinstance(outer(node), exp.Window):
        raise not_covered("LISTAGG as a window function")
    group = node.parent if isinstance(node.parent, exp.WithinGroup) else None
    distinct = isinstance(value, exp.Distinct)
    inner = cast(value.expressions[0].copy() if distinct else value, "varchar")
    first: exp.Expr = exp.Distinct(expressions=[inner]) if distinct else inner
    second: exp.Expr = cast(delimiter, "varchar")
    if group:
        order = group.expression.copy()
        if distinct:
            order = exp.Order(expressions=[_ordered_as(inner, order)])
        second = exp.Order(this=second, expressions=order.expressions)
    return call("string_agg", first, second)


def _ordered_as(inner: exp.Expr, order: exp.Expr) -> exp.Expr:
    (only, *more) = order.expressions
    if more:
        raise not_covered("LISTAGG(DISTINCT ...) ordered by more than its own value")
    return exp.Ordered(this=inner.copy(), desc=only.args.get("desc"), nulls_first=only.args.get("nulls_first"))


def _median(node: exp.Anonymous) -> exp.Expr:
    (value,) = _arguments(node, 1)
    if isinstance(outer(node), exp.Window):
        raise not_covered("MEDIAN as a window function")
    return _percentile(exp.Literal.number("0.5"), value, exp.Order(expressions=[exp.Ordered(this=value.copy())]))


def _percentile_cont(node: exp.Anonymous) -> exp.Expr:
    (fraction,) = _arguments(node, 1)
    if not isinstance(node.parent, exp.WithinGroup) or isinstance(outer(node), exp.Window):
        raise not_covered("PERCENTILE_CONT without WITHIN GROUP, or as a window function")
    order = node.parent.expression.copy()
    return _percentile(fraction, order.expressions[0].this.copy(), order)


def _percentile(fraction: exp.Expr, value: exp.Expr, order: exp.Expr) -> exp.Expr:
    found = exp.WithinGroup(this=call("percentile_cont", fraction), expression=order)
    return call("rs_percentile", found, call("min", value))


def _ratio_to_report(node: exp.Anonymous) -> exp.Expr:
    (value,) = _arguments(node, 1)
    if not isinstance(outer(node), exp.Window):
        raise RedshiftError("42601", "ratio_to_report needs an OVER clause")
    total = call("nullif", _around(node, call("sum", value.copy())), exp.Literal.number("0"))
    return exp.Paren(this=exp.Div(this=cast(value, "double precision"), expression=total, typed=True, safe=False))


def _regexp_replace(node: exp.Anonymous) -> exp.Expr:
    arguments = _arguments(node, 2, 3)
    replacement = arguments[2] if len(arguments) > 2 else exp.Literal.string("")
    return call("regexp_replace", arguments[0], arguments[1], replacement, exp.Literal.string("g"))


OUTER = {"avg", "listagg", "median", "percentile_cont", "ratio_to_report"}
CALLS: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "avg": _avg,
    "concat": _concat,
    "dateadd": _date_function,
    "date_add": _date_function,
    "datediff": _date_function,
    "date_diff": _date_function,
    "decode": _decode,
    "json_serialize": lambda node: call("rs_json_serialize", *_arguments(node, 1)),
    "listagg": _listagg,
    "median": _median,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "percentile_cont": _percentile_cont,
    "ratio_to_report": _ratio_to_report,
    "regexp_replace": _regexp_replace,
}
