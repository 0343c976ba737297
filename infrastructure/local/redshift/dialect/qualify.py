"""QUALIFY: a filter on the results of window functions.

PostgreSQL has no such clause. The query becomes a subquery that computes the condition as one more column, and an outer
query that keeps the rows for which it is true. A * stands in the subquery for whole rows, one a table, which the outer
query spreads out again; so nothing has to be known about the tables.
"""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.errors import RedshiftError, not_covered

_CONDITION = "rs_qualify"
_ROWS = "rs_qualified"
_OUTSIDE = ("order", "limit", "offset", "distinct")


def spread(tree: exp.Expr) -> exp.Expr:
    """Replace every SELECT with QUALIFY in a rewritten tree; its new root."""
    for select in list(tree.find_all(exp.Select))[::-1]:
        if select.args.get("qualify"):
            outside = _outer_query(select)
            if select is tree:
                return outside
            select.replace(outside)
    return tree


def _outer_query(select: exp.Select) -> exp.Select:
    if not select.find(exp.Window):
        raise RedshiftError("42601", "QUALIFY needs a window function in the select list or in its condition")
    inner = select.copy()
    condition = inner.args["qualify"].this
    inner.set("qualify", None)
    kept: list[exp.Expr] = []
    shown: list[exp.Expr] = []
    for place, item in enumerate(inner.expressions):
        for column, result in _projected(inner, item, place):
            kept.append(column)
            shown.append(result)
    outside = exp.Select(expressions=shown)
    moved = _moved(inner, kept)
    for name, part in moved.items():
        outside.set(name, part)
    with_ = inner.args.get("with_")
    inner.set("with_", None)
    outside.set("with_", with_)
    _expand_aliases(condition, inner)
    kept.append(exp.alias_(condition.copy(), _CONDITION, quoted=True))
    inner.set("expressions", kept)
    rows = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(_ROWS)))
    outside.set("from_", exp.From(this=rows))
    outside.set("where", exp.Where(this=exp.column(_CONDITION, table=_ROWS)))
    return outside


def _projected(select: exp.Select, item: exp.Expr, place: int) -> list[tuple[exp.Expr, exp.Expr]]:
    """For an item of the select list: columns of the subquery, and what the outer query shows of them."""
    if item.is_star:
        tables = [item.table] if isinstance(item, exp.Column) else _tables(select)
        rows = [(table, f"rs_row_{place}_{number}") for number, table in enumerate(tables)]
        return [(exp.alias_(exp.column(table), name, quoted=True), _spread_row(name)) for table, name in rows]
    name = item.alias or item.output_name or "?column?"
    hidden = f"rs_item_{place}"
    value = item.this if isinstance(item, exp.Alias) else item
    shown = exp.alias_(exp.column(hidden, table=_ROWS), name, quoted=True)
    return [(exp.alias_(value.copy(), hidden, quoted=True), shown)]


def _spread_row(name: str) -> exp.Expr:
    return exp.Dot(this=exp.Paren(this=exp.column(name, table=_ROWS)), expression=exp.Star())


def _tables(select: exp.Select) -> list[str]:
    """The tables behind a *, by name."""
    joins = select.args.get("joins") or []
    if any(join.args.get("using") or str(join.method).upper() == "NATURAL" for join in joins):
        raise not_covered("QUALIFY in a SELECT with * over a join with USING; list the columns")
    start = select.args.get("from_")
    return [item.this.alias_or_name for item in ([start] if start else []) + joins]


def _moved(inner: exp.Select, kept: list[exp.Expr]) -> dict[str, exp.Expr]:
    """The clauses that come after QUALIFY, taken from the subquery; what they sort by becomes a column of it."""
    moved = {name: part for name in _OUTSIDE if (part := inner.args.get(name))}
    items = enumerate(inner.expressions)
    names = {item.alias_or_name: f"rs_item_{place}" for place, item in items if not item.is_star}
    for name in moved:
        inner.set(name, None)
    order = moved.get("order")
    for place, item in enumerate(order.expressions if order else []):
        key = item.this
        if isinstance(key, exp.Literal):
            continue
        if isinstance(key, exp.Column) and not key.table and key.name in names:
            item.set("this", exp.column(names[key.name], table=_ROWS))
            continue
        hidden = f"rs_order_{place}"
        kept.append(exp.alias_(key.copy(), hidden, quoted=True))
        item.set("this", exp.column(hidden, table=_ROWS))
    return moved


def _expand_aliases(condition: exp.Expr, select: exp.Select) -> None:
    """Names of the select list in the condition stand for its expressions."""
    named = {item.alias: item.this for item in select.expressions if isinstance(item, exp.Alias)}
    for column in list(condition.find_all(exp.Column)):
        if not column.table and column.name in named and not _same(column, named[column.name]):
            column.replace(exp.Paren(this=named[column.name].copy()))


def _same(column: exp.Column, value: exp.Expr) -> bool:
    return isinstance(value, exp.Column) and value.name == column.name
