"""Names of a select list that are used again in the same select list (DG/r_SELECT_list)."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.inference import has_column


def spread_aliases(select: exp.Select) -> None:
    """Put the expression in place of a name that an earlier item defined; a column of that name goes first.

    Raises:
        ColumnsNeeded: Whether there is such a column has to be known first.
    """
    named: dict[str, exp.Expr] = {}
    for item in select.expressions:
        for column in list(item.find_all(exp.Column)):
            _replace(select, column, named)
        if isinstance(item, exp.Alias):
            named[item.alias] = item.this


def _replace(select: exp.Select, column: exp.Column, named: dict[str, exp.Expr]) -> None:
    value = named.get(column.name)
    if value is None or column.table or column.find_ancestor(exp.Select) is not select:
        return
    if not has_column(select, column.name):
        column.replace(exp.Paren(this=value.copy()))
