"""SELECT * EXCLUDE column_list (DG/r_EXCLUDE_list), as the columns that are left."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.scope import column_names, sources
from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error


def spread(tree: exp.Expr) -> None:
    """Replace every * EXCLUDE in a tree by columns, in place.

    Raises:
        RedshiftError: 42601 or 42703 for what it may not be, 0A000 over joins that merge columns.
        ColumnsNeeded: The columns of tables have to be known first.
    """
    for star in list(tree.find_all(exp.Star))[::-1]:
        names = star.args.get("except_")
        if not names or not all(isinstance(name, exp.Identifier) for name in names):
            continue
        select = star.parent
        if not isinstance(select, exp.Select):
            raise not_covered("EXCLUDE behind a table's name")
        if select.expressions[-1] is not star:
            raise syntax_error(",")
        left = _left(select, {name.name.lower() for name in names})
        select.set("expressions", [*select.expressions[:-1], *left])


def _left(select: exp.Select, excluded: set[str]) -> list[exp.Expr]:
    joins = select.args.get("joins") or []
    if any(join.args.get("using") or join.args.get("method") for join in joins):
        raise not_covered("EXCLUDE over a NATURAL JOIN or a join with USING")
    found = [(source.alias_or_name, name) for source in sources(select) for name in column_names(source)]
    unknown = excluded - {name for _, name in found}
    if unknown:
        raise RedshiftError("42703", f'column "{min(unknown)}" in EXCLUDE list does not exist')
    kept = [(table, name) for table, name in found if name not in excluded]
    if not kept:
        raise RedshiftError("42601", "EXCLUDE leaves no column")
    return [exp.column(name, table=table or None, quoted=True) for table, name in kept]
