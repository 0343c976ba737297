"""PIVOT and UNPIVOT of tables (DG/r_FROM_clause-pivot-unpivot-examples), as the queries that they stand for."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.scope import column_names
from infrastructure.local.redshift.errors import not_covered, not_supported, syntax_error

_AGGREGATES = {"count", "sum", "min", "max", "avg"}
_Source = exp.Table | exp.Subquery


def spread(tree: exp.Expr) -> None:
    """Replace every PIVOT and UNPIVOT in a tree by a subquery, in place.

    Raises:
        RedshiftError: 0A000 or 42601 for what the usage notes exclude.
        ColumnsNeeded: The columns of tables have to be known first.
    """
    for pivot in list(tree.find_all(exp.Pivot))[::-1]:
        source = pivot.parent
        if not isinstance(source, (exp.Table, exp.Subquery)) or len(source.args["pivots"]) > 1:
            raise not_supported("PIVOT or UNPIVOT of another one's result")
        if isinstance(source.parent, exp.Join) or source.args.get("joins"):
            raise not_covered("PIVOT or UNPIVOT beside a join; use a subquery")
        if len(pivot.fields) != 1 or not isinstance(pivot.fields[0], exp.In) or len(pivot.expressions) != 1:
            raise syntax_error("FOR")
        source.set("pivots", None)
        made = _unpivoted(source, pivot) if pivot.args.get("unpivot") else _pivoted(source, pivot)
        alias = pivot.args.get("alias") or exp.TableAlias(this=exp.to_identifier(source.alias_or_name or "pivoted"))
        source.replace(exp.Subquery(this=made, alias=alias.copy()))


def _pivoted(source: _Source, pivot: exp.Pivot) -> exp.Select:
    """One column a value of the FOR column; what the definition does not name is grouped by."""
    (listed,), (item,) = pivot.fields, pivot.expressions
    aggregate = item.unalias()
    if not isinstance(aggregate, exp.Anonymous) or aggregate.name.lower() not in _AGGREGATES:
        raise not_supported("PIVOT with another aggregate than COUNT, SUM, MIN, MAX or AVG")
    named = {column.name.lower() for part in (aggregate, listed.this) for column in part.find_all(exp.Column)}
    kept = [_column(name) for name in column_names(source) if name not in named]
    values = [_aggregated(aggregate, listed.this, value, item.alias) for value in listed.expressions]
    made = exp.Select(expressions=[*kept, *values], from_=exp.From(this=source.copy()))
    if kept:
        made.set("group", exp.Group(expressions=[column.copy() for column in kept]))
    return made


def _aggregated(aggregate: exp.Anonymous, column: exp.Expr, listed: exp.Expr, suffix: str) -> exp.Expr:
    value = listed.this if isinstance(listed, exp.PivotAlias) else listed
    if value.find(exp.Column, exp.Query):
        raise not_supported("a column or subquery in the IN list of PIVOT")
    same: exp.Expr = exp.EQ(this=column.copy(), expression=value.copy())
    if isinstance(value, exp.Null):
        same = exp.Is(this=column.copy(), expression=exp.Null())
    call = aggregate.copy()
    for argument in call.expressions:
        inner = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
        shown = exp.Literal.number(1) if inner.is_star else inner.copy()
        inner.replace(exp.Case(ifs=[exp.If(this=same, true=shown)]))
    name = _value_name(listed)
    return exp.alias_(call, f"{name}_{suffix}" if suffix else name, quoted=True)


def _value_name(listed: exp.Expr) -> str:
    if isinstance(listed, exp.PivotAlias):
        return str(listed.args["alias"].name)
    if isinstance(listed, exp.Null):
        return "null"
    return listed.name if isinstance(listed, exp.Literal) else "?column?"


def _unpivoted(source: _Source, pivot: exp.Pivot) -> exp.Query:
    """One row a column of the IN list; what the definition does not name is kept beside it."""
    (listed,) = pivot.fields
    columns = [item.this if isinstance(item, exp.PivotAlias) else item for item in listed.expressions]
    if not all(isinstance(column, exp.Column) for column in columns):
        raise not_supported("anything but columns in the IN list of UNPIVOT")
    named = {column.name.lower() for column in columns}
    kept = [name for name in column_names(source) if name not in named]
    names = [pivot.fields[0].this.name, pivot.expressions[0].name]
    parts = [
        _rows(source, kept, item, names, nulls=bool(pivot.args.get("include_nulls"))) for item in listed.expressions
    ]
    made: exp.Query = parts[0]
    for part in parts[1:]:
        made = exp.Union(this=made, expression=part, distinct=False)
    return made


def _rows(source: _Source, kept: list[str], item: exp.Expr, names: list[str], *, nulls: bool) -> exp.Select:
    column = item.this if isinstance(item, exp.PivotAlias) else item
    name = item.args["alias"].name if isinstance(item, exp.PivotAlias) else column.name
    label = exp.Literal.string(name.lower())
    target = exp.DataType(this=exp.DType.VARCHAR)
    shown = [
        *(_column(other) for other in kept),
        exp.alias_(exp.Cast(this=label, to=target), names[0], quoted=True),
        exp.alias_(column.copy(), names[1], quoted=True),
    ]
    made = exp.Select(expressions=shown, from_=exp.From(this=source.copy()))
    if not nulls:
        known = exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null()))
        made.set("where", exp.Where(this=known))
    return made


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True))
