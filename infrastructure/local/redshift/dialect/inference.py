"""The numeric type of an expression in its place in a statement: whose column is it, and of what type?"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from functools import partial

from sqlglot import exp

from infrastructure.local.redshift.dialect import numbers
from infrastructure.local.redshift.dialect.numbers import FLOAT, INT4, INT8, Number
from infrastructure.local.redshift.dialect.scope import column_names, cte_of, known_columns, levels, sources


class _Missing(Enum):
    ABSENT = "no such column"


_ABSENT = _Missing.ABSENT
_Found = Number | _Missing | None
# the manual says BIGINT for the SUM of a BIGINT; the service is known to answer NUMERIC(38,0)
_SUM_OF_INT8: ContextVar[Number | None] = ContextVar("sum of a bigint", default=None)
_SAME = {"max", "min", "any_value", "abs", "lag", "lead", "first_value", "last_value", "nth_value", "nullif"}
_TOTALS = {"sum", "avg"}
# which arguments can be the result
_BRANCHES: dict[str, Callable[[list[exp.Expr]], list[exp.Expr]]] = {
    "decode": lambda given: given[2::2] + ([] if len(given) % 2 else given[-1:]),
    "nvl2": lambda given: given[1:],
}
_COMMON = {"coalesce", "nvl", "greatest", "least"}
_INT8 = {"count", "row_number", "rank", "dense_rank", "ntile", "datediff", "date_diff", "strtol"}
_INT4 = {
    "ascii", "char_length", "character_length", "charindex", "date_part_year", "len", "length", "octet_length",
    "strpos", "textlen",
}  # fmt: skip
_FLOAT = {
    "sqrt", "cbrt", "exp", "dexp", "log", "dlog10", "pi", "random", "power", "pow", "sin", "cos", "tan",
    "cot", "asin", "acos", "atan", "atan2", "degrees", "radians", "ratio_to_report", "cume_dist", "percent_rank",
    "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop",
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], Callable[[Number, Number], Number]] = {
    exp.Add: numbers.sum_type, exp.Sub: numbers.sum_type, exp.Mul: numbers.product_type, exp.Div: numbers.quotient_type,
}  # fmt: skip


def number(node: exp.Expr | None) -> Number | None:
    """The numeric type of an expression, None where it is not known or not numeric.

    Raises:
        ColumnsNeeded: It depends on a table whose columns are not known yet.
    """
    if node is None:
        return None
    rule = _RULES.get(type(node))
    return rule(node) if rule else None


def under_both(work: Callable[[], Number | None]) -> Number | None:
    """What comes out whichever type the SUM of a BIGINT has; None where that makes a difference."""
    found = []
    for kind in (INT8, Number("decimal", numbers.MOST)):
        token = _SUM_OF_INT8.set(kind)
        try:
            found.append(work())
        finally:
            _SUM_OF_INT8.reset(token)
    return found[0] if found[0] == found[1] else None


def _arithmetic(node: exp.Expr) -> Number | None:
    left, right = number(node.this), number(node.args["expression"])
    return _ARITHMETIC[type(node)](left, right) if left and right else None


def _case(node: exp.Expr) -> Number | None:
    branches = [branch.args["true"] for branch in node.args["ifs"]]
    default = node.args.get("default")
    return _common([*branches, default] if default else branches)


def _extract(node: exp.Expr) -> Number | None:
    return None if node.this.name.lower() in {"epoch", "microseconds", "milliseconds"} else INT4


def _scalar_query(node: exp.Expr) -> Number | None:
    found = _projection(node.this, 0, "")
    return None if isinstance(found, _Missing) else found


def has_column(level: exp.Expr, name: str) -> bool:
    """Whether something that a query reads has a column of this name.

    Raises:
        ColumnsNeeded: The columns of its tables are not known yet.
    """
    return any(_of_source(source, name) is not _ABSENT for source in sources(level))


def _common(nodes: list[exp.Expr]) -> Number | None:
    return numbers.common_type([number(node) for node in nodes if not isinstance(node, exp.Null)])


def _function(node: exp.Anonymous) -> Number | None:
    name = node.name.lower()
    if name in _INT8 or name in _INT4:
        return INT8 if name in _INT8 else INT4
    if name in _FLOAT:
        return FLOAT
    if not node.expressions:
        return None
    if name in _COMMON or name in _BRANCHES:
        return _common(_BRANCHES.get(name, list)(node.expressions))
    if name in {"ln", "dlog1"}:
        first = number(node.expressions[0])
        return None if first is None or first.kind == "decimal" else FLOAT
    if name == "mod":
        kinds = {number(part) for part in node.expressions}
        return kinds.pop() if len(kinds) == 1 else None
    if name in _SAME or name in _TOTALS:
        first = number(node.expressions[0])
        return _total(name, first) if first and name in _TOTALS else first
    return None


def _total(name: str, of: Number) -> Number | None:
    if of == FLOAT:
        return FLOAT
    if of.kind == "decimal":
        return Number("decimal", numbers.MOST, of.scale)
    return _SUM_OF_INT8.get() if name == "sum" and of == INT8 else INT8


def _column(node: exp.Column) -> Number | None:
    for level in levels(node):
        for source in sources(level):
            if node.table and source.alias_or_name.lower() != node.table.lower():
                continue
            found = _of_source(source, node.name.lower())
            if not isinstance(found, _Missing):
                return found
    return None


def _of_source(source: exp.Expr, name: str) -> _Found:
    """The type of a column of a source; None if it is not numeric; _ABSENT if the source has no such column."""
    alias = source.args.get("alias")
    renamed = [column.name.lower() for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    if isinstance(source, exp.Subquery):
        return _by_name(source.this, name, renamed)
    if not isinstance(source, exp.Table) or isinstance(source.this, exp.Anonymous):
        return _ABSENT if name not in renamed else None
    cte = cte_of(source)
    if cte is not None:
        columns = [column.name.lower() for column in cte.args["alias"].columns]
        return _by_name(cte.this, name, columns or renamed)
    known = known_columns(source)
    return numbers.named(known[name]) if name in known else _ABSENT


def _by_name(query: exp.Expr, name: str, renamed: list[str]) -> _Found:
    if renamed:
        return _projection(query, renamed.index(name), name) if name in renamed else _ABSENT
    return _projection(query, None, name)


def _projection(query: exp.Expr, place: int | None, name: str) -> _Found:
    if isinstance(query, exp.SetOperation):
        left = _projection(query.this, place, name)
        if left is _ABSENT or left is None:
            return left
        at = place if place is not None else _place(query.this, name)
        right = _projection(query.expression, at, name)
        return None if right is _ABSENT else numbers.common_type([left, right])
    if isinstance(query, (exp.Subquery, exp.Paren)):
        return _projection(query.this, place, name)
    if not isinstance(query, exp.Select):
        return None
    results = _results(query)
    if place is None:
        place = next((at for at, (result, _) in enumerate(results) if result == name), None)
    return results[place][1]() if place is not None and place < len(results) else _ABSENT


def _place(query: exp.Expr, name: str) -> int | None:
    while not isinstance(query, exp.Select):
        query = query.this
    return next((at for at, (result, _) in enumerate(_results(query)) if result == name), None)


def _results(query: exp.Select) -> list[tuple[str, Callable[[], _Found]]]:
    """The names of a query's results, those behind a star too, and what tells their types."""
    found: list[tuple[str, Callable[[], _Found]]] = []
    for item in query.expressions:
        if item.is_star:
            only = item.table.lower() if isinstance(item, exp.Column) else ""
            read = [source for source in sources(query) if only in {"", source.alias_or_name.lower()}]
            found += [(name, partial(_of_source, source, name)) for source in read for name in column_names(source)]
        else:
            found.append((item.alias_or_name.lower(), partial(number, item)))
    return found


_RULES: dict[type[exp.Expr], Callable[..., Number | None]] = {
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    **dict.fromkeys(
        (exp.Paren, exp.Alias, exp.Neg, exp.Window, exp.IgnoreNulls, exp.RespectNulls), lambda node: number(node.this)
    ),
    exp.Distinct: lambda node: number(node.expressions[0]),
    exp.Literal: lambda node: None if node.is_string else numbers.literal(node.name),
    exp.Cast: lambda node: numbers.cast_type(node.to),
    exp.Column: _column,
    exp.Case: _case,
    exp.Extract: _extract,
    exp.Subquery: _scalar_query,
    exp.Anonymous: _function,
}
