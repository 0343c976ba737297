"""The tree as the backend has to see it, with Redshift's meaning."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.functions import DATE_PARTS
from infrastructure.local.redshift.dialect.lexer import Tokens, tokenize
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, not_covered

_PARTS_FIRST = {"date_part", "date_trunc"}


def rewrite(tree: exp.Expr) -> exp.Expr:
    """Rewrite a checked tree in place and return its new root."""
    _label_projections(tree)
    _fold_identifiers(tree)
    for cast in list(tree.find_all(exp.Cast)):
        _type_cast(cast)
    for extract in list(tree.find_all(exp.Extract)):
        extract.replace(_whole_extract(extract))
    for call in list(tree.find_all(exp.Anonymous)):
        tree = _rewrite_call(tree, call)
    return tree


def fold(tree: exp.Expr) -> exp.Expr:
    """Only what a query on catalog tables needs: folded names and typed casts."""
    _fold_identifiers(tree)
    for select in list(tree.find_all(exp.Select)):
        _expand_aliases(select)
    for node in tree.find_all(exp.Cast):
        node.to.meta["backend"] = _catalog_type(node)
    return tree


def _expand_aliases(select: exp.Select) -> None:
    """Replace names of earlier columns of the same select list, which Redshift lets a query use at once."""
    named: dict[str, exp.Expr] = {}
    for item in select.expressions:
        _replace_names(item, named)
        if isinstance(item, exp.Alias) and not (isinstance(item.this, exp.Column) and item.this.name == item.alias):
            named[item.alias] = item.this
    where = select.args.get("where")
    if where:
        _replace_names(where, named)


def _replace_names(tree: exp.Expr, named: dict[str, exp.Expr]) -> None:
    for column in list(tree.find_all(exp.Column)):
        if not column.table and column.name in named:
            column.replace(exp.Paren(this=named[column.name].copy()))


def _catalog_type(node: exp.Cast) -> str:
    try:
        return backend_type(node.to)
    except RedshiftError:
        return str(node.to.meta["text"])


def backend_type(node: exp.DataType) -> str:
    """The backend's name of the type in a cast."""
    text = node.meta.get("text") or node.sql(dialect="redshift")
    tokens = Tokens(text, tokenize(text))
    name = parse_type(tokens, column=False)
    tokens.end()
    return name


def _fold_identifiers(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Identifier):
        node.set("this", node.name.lower())
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)


def _label_projections(tree: exp.Expr) -> None:
    """Give calls in a select list the name that they would have had, before they are renamed."""
    for select in tree.find_all(exp.Select):
        for item in select.expressions:
            name = _label(item)
            if name:
                alias = exp.alias_(item.copy(), name, quoted=True)
                item.replace(alias)


def _label(item: exp.Expr) -> str:
    if isinstance(item, exp.Extract):
        return "date_part"
    if isinstance(item, exp.Cast):
        return "" if isinstance(item.this, exp.Column) else _label(item.this)
    while isinstance(item, (exp.Window, exp.WithinGroup)):
        item = item.this
    if isinstance(item, exp.Anonymous):
        return {"nvl": "coalesce", "decode": "case"}.get(item.name.lower(), item.name.lower())
    return ""


def _type_cast(node: exp.Cast) -> None:
    name = backend_type(node.to)
    node.to.meta["backend"] = name
    operand = node.this
    ascii_literal = isinstance(operand, exp.Literal) and operand.name.isascii()
    if name.startswith("varchar(") and not ascii_literal and not isinstance(operand, exp.Null):
        # a cast cuts at n bytes, which is never more than n characters
        size = exp.Literal.number(name[8:-1])
        node.set("this", _call("rs_left_bytes", _cast(operand.copy(), "varchar"), size))


def _whole_extract(node: exp.Extract) -> exp.Expr:
    part = _date_part(node.this)
    kept = exp.Extract(this=exp.var(part.upper()), expression=node.expression.copy())
    return _cast(_call("trunc", kept), "bigint" if part == "epoch" else "integer")


def _cast(node: exp.Expr, name: str) -> exp.Cast:
    target = exp.DataType(this=exp.DType.VARCHAR)
    target.meta["backend"] = name
    return exp.Cast(this=node, to=target)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _date_part(node: exp.Expr) -> str:
    name = node.name.lower()
    if name not in DATE_PARTS:
        raise RedshiftError("22023", f'"{name}" is not a valid date part')
    return DATE_PARTS[name]


def _rewrite_call(tree: exp.Expr, node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    node.set("this", name)
    if name in _PARTS_FIRST and node.expressions:
        first = node.expressions[0]
        if isinstance(first, (exp.Literal, exp.Column, exp.Var)):
            first.replace(exp.Literal.string(_date_part(first)))
    builder = _CALLS.get(name)
    if builder is None:
        return tree
    new = builder(node)
    whole = _outer(node) if name in _OUTER else node
    if whole is tree:
        return new
    whole.replace(new)
    return tree


def _outer(node: exp.Expr) -> exp.Expr:
    """The call together with its WITHIN GROUP and OVER."""
    while isinstance(node.parent, (exp.Window, exp.WithinGroup)) and node.arg_key == "this":
        node = node.parent
    return node


def _around(node: exp.Anonymous, call: exp.Expr) -> exp.Expr:
    """`call` with the same OVER that `node` has."""
    whole = _outer(node)
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
    average = _around(node, _call("avg", value))
    return _call("rs_avg", average, _around(node, _call("min", sample.copy())))


def _concat(node: exp.Anonymous) -> exp.Expr:
    left, right = _arguments(node, 2)
    return exp.Paren(this=exp.DPipe(this=_cast(left, "varchar"), expression=_cast(right, "varchar")))


def _date_function(node: exp.Anonymous) -> exp.Expr:
    part, first, second = _arguments(node, 3)
    name = {"date_add": "dateadd", "date_diff": "datediff"}.get(node.name, node.name)
    return _call(name, exp.Literal.string(_date_part(part)), first, second)


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
    return _call("coalesce", *_arguments(node, 1, 10_000))


def _nvl2(node: exp.Anonymous) -> exp.Expr:
    value, present, absent = _arguments(node, 3)
    return exp.Case(ifs=[exp.If(this=_is_null(value), true=absent)], default=present)


def _listagg(node: exp.Anonymous) -> exp.Expr:
    value, *rest = _arguments(node, 1, 2)
    delimiter = rest[0] if rest else exp.Literal.string("")
    if isinstance(_outer(node), exp.Window):
        raise not_covered("LISTAGG as a window function")
    group = node.parent if isinstance(node.parent, exp.WithinGroup) else None
    distinct = isinstance(value, exp.Distinct)
    inner = _cast(value.expressions[0].copy() if distinct else value, "varchar")
    first: exp.Expr = exp.Distinct(expressions=[inner]) if distinct else inner
    second: exp.Expr = _cast(delimiter, "varchar")
    if group:
        order = group.expression.copy()
        if distinct:
            order = exp.Order(expressions=[_ordered_as(inner, order)])
        second = exp.Order(this=second, expressions=order.expressions)
    return _call("string_agg", first, second)


def _ordered_as(inner: exp.Expr, order: exp.Expr) -> exp.Expr:
    (only, *more) = order.expressions
    if more:
        raise not_covered("LISTAGG(DISTINCT ...) ordered by more than its own value")
    return exp.Ordered(this=inner.copy(), desc=only.args.get("desc"), nulls_first=only.args.get("nulls_first"))


def _median(node: exp.Anonymous) -> exp.Expr:
    (value,) = _arguments(node, 1)
    if isinstance(_outer(node), exp.Window):
        raise not_covered("MEDIAN as a window function")
    return _percentile(exp.Literal.number("0.5"), value, exp.Order(expressions=[exp.Ordered(this=value.copy())]))


def _percentile_cont(node: exp.Anonymous) -> exp.Expr:
    (fraction,) = _arguments(node, 1)
    if not isinstance(node.parent, exp.WithinGroup) or isinstance(_outer(node), exp.Window):
        raise not_covered("PERCENTILE_CONT without WITHIN GROUP, or as a window function")
    order = node.parent.expression.copy()
    return _percentile(fraction, order.expressions[0].this.copy(), order)


def _percentile(fraction: exp.Expr, value: exp.Expr, order: exp.Expr) -> exp.Expr:
    found = exp.WithinGroup(this=_call("percentile_cont", fraction), expression=order)
    return _call("rs_percentile", found, _call("min", value))


def _ratio_to_report(node: exp.Anonymous) -> exp.Expr:
    (value,) = _arguments(node, 1)
    if not isinstance(_outer(node), exp.Window):
        raise RedshiftError("42601", "ratio_to_report needs an OVER clause")
    total = _call("nullif", _around(node, _call("sum", value.copy())), exp.Literal.number("0"))
    return exp.Paren(this=exp.Div(this=_cast(value, "double precision"), expression=total, typed=True, safe=False))


def _regexp_replace(node: exp.Anonymous) -> exp.Expr:
    arguments = _arguments(node, 2, 3)
    replacement = arguments[2] if len(arguments) > 2 else exp.Literal.string("")
    return _call("regexp_replace", arguments[0], arguments[1], replacement, exp.Literal.string("g"))


_OUTER = {"avg", "listagg", "median", "percentile_cont", "ratio_to_report"}
_CALLS: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "avg": _avg,
    "concat": _concat,
    "dateadd": _date_function,
    "date_add": _date_function,
    "datediff": _date_function,
    "date_diff": _date_function,
    "decode": _decode,
    "listagg": _listagg,
    "median": _median,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "percentile_cont": _percentile_cont,
    "ratio_to_report": _ratio_to_report,
    "regexp_replace": _regexp_replace,
}
