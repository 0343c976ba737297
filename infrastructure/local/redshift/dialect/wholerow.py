"""A table's name where a value has to stand: PostgreSQL takes it for the whole row; Redshift has no rows as values."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.inference import has_column
from infrastructure.local.redshift.dialect.scope import levels, sources
from infrastructure.local.redshift.errors import RedshiftError

_NAMING = (exp.Order, exp.Group, exp.Having, exp.Qualify)


def check(tree: exp.Expr) -> None:
    """Refuse a name that is no column, but a table of the query.

    Raises:
        RedshiftError: 42703.
        ColumnsNeeded: The columns of tables have to be known first.
    """
    for column in tree.find_all(exp.Column):
        if column.table or column.is_star or _names_a_result(column):
            continue
        seen = list(levels(column))
        if not any(column.name in _tables(level) for level in seen):
            continue
        if not any(has_column(level, column.name) for level in seen):
            raise RedshiftError("42703", f'column "{column.name}" does not exist')


def _tables(level: exp.Expr) -> set[str]:
    read = (item for item in sources(level) if not isinstance(item.this, exp.Anonymous))
    return {item.alias_or_name for item in read if isinstance(item, (exp.Table, exp.Subquery))}


def _names_a_result(column: exp.Column) -> bool:
    select = column.find_ancestor(exp.Select)
    clause = column.find_ancestor(*_NAMING, exp.Select)
    if not isinstance(select, exp.Select) or not isinstance(clause, _NAMING):
        return False
    return any(item.alias_or_name == column.name for item in select.expressions)
