"""Queries on nothing but catalog tables, which run on Redshift's leader node: what clients write there alone."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.lexer import require_here

# tables that show here what Redshift has not, or in another form, and the views that show it as Redshift does
_SHADOWED = {
    ("pg_catalog", "pg_attribute"): "rs_pg_attribute",
    ("pg_catalog", "pg_class"): "rs_pg_class",
    ("pg_catalog", "pg_constraint"): "rs_pg_constraint",
    ("pg_catalog", "pg_group"): "rs_pg_group",
    ("pg_catalog", "pg_attrdef"): "rs_pg_attrdef",
    ("pg_catalog", "pg_database"): "rs_pg_database",
    ("pg_catalog", "pg_index"): "rs_pg_index",
    ("pg_catalog", "pg_views"): "rs_pg_views",
    ("information_schema", "columns"): "rs_information_columns",
    ("information_schema", "tables"): "rs_information_tables",
    ("information_schema", "views"): "rs_information_views",
    ("information_schema", "table_constraints"): "rs_table_constraints",
    ("information_schema", "check_constraints"): "rs_check_constraints",
    ("information_schema", "constraint_column_usage"): "rs_constraint_column_usage",
}


def adapt(tree: exp.Query) -> exp.Query:
    """The query with Redshift's own columns of the catalog, numbers as conditions, and names of results in WHERE."""
    for table in list(tree.find_all(exp.Table)):
        require_here(table.text("catalog"))
        schema, name = table.db.lower() or "pg_catalog", table.name.lower()
        view = _SHADOWED.get((schema, name))
        if view:
            shown = exp.to_table(f"pg_catalog.{view}", alias=table.alias or name)
            shown.set("joins", table.args.get("joins"))
            table.replace(shown)
    for column in tree.find_all(exp.Column):
        if (column.text("db").lower(), column.table.lower()) in _SHADOWED:
            column.set("db", None)  # the view stands there under the table's bare name
    for function in list(tree.find_all(exp.Anonymous)):
        _definitions(function)
    for select in tree.find_all(exp.Select):
        where = select.args.get("where")
        if isinstance(where, exp.Where):
            _numbers_to_conditions(where)
            if _names_carry_prefixes(select):
                _results_in_where(select, where)
    return tree


def _definitions(function: exp.Anonymous) -> None:
    """What defines keys and defaults, as Redshift would say it: IDENTITY is a default, and nothing is enforced."""
    name = function.name.lower()
    if name == "pg_get_constraintdef":
        function.set("this", "rs_get_constraintdef")
    first = function.expressions[0] if function.expressions else None
    if name == "pg_get_expr" and isinstance(first, exp.Column) and first.name.lower() == "adbin":
        function.replace(exp.column("adsrc", table=first.table or None))


def _numbers_to_conditions(where: exp.Where) -> None:
    for number in list(where.find_all(exp.Literal)):
        if not number.is_string and isinstance(number.parent, (exp.Where, exp.And, exp.Or, exp.Not)):
            number.replace(exp.Boolean(this=number.this != "0"))


def _names_carry_prefixes(select: exp.Select) -> bool:
    """Whether all columns in reach are named as pg_class's are, so that no other name can mean one of them."""
    return all(
        table.name.lower().startswith(("pg_", "rs_pg_", "svv_external_")) or isinstance(table.this, exp.Anonymous)
        for table in select.find_all(exp.Table)
    )


def _results_in_where(select: exp.Select, where: exp.Where) -> None:
    """Redshift lets a condition use the name that the select list gives to a column."""
    results = {
        part.alias.lower(): part.this
        for part in select.expressions
        if isinstance(part, exp.Alias) and isinstance(part.this, exp.Column)
    }
    for column in list(where.find_all(exp.Column)):
        meant = None if column.table else results.get(column.name.lower())
        if meant is not None and meant.name.lower() != column.name.lower():
            column.replace(meant.copy())
