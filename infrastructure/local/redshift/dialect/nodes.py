"""What single kinds of nodes may not contain: refusals that need to look at a node closely."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect import functions, grouping
from infrastructure.local.redshift.dialect.grammar import LABEL
from infrastructure.local.redshift.dialect.lexer import RESERVED, check_length
from infrastructure.local.redshift.dialect.numbers import MOST
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, not_supported, syntax_error


def _check_window(node: exp.Window) -> None:
    inner = node.this.this if isinstance(node.this, (exp.IgnoreNulls, exp.RespectNulls)) else node.this
    name = inner.name.lower() if isinstance(inner, exp.Anonymous) else ""
    if node.args.get("order") and not node.args.get("spec") and name in functions.FRAMED:
        text = "Aggregate window functions with an ORDER BY clause require a frame clause"
        raise RedshiftError(NOT_SUPPORTED, text)
    if node.args.get("alias") or node.args.get("first") is not None:
        raise not_covered("a named or qualified window")


def _check_frame(node: exp.WindowSpec) -> None:
    if str(node.args.get("kind") or "").upper() != "ROWS" or node.args.get("exclude"):
        raise not_supported("a window frame other than ROWS")


def _check_distinct(node: exp.Distinct) -> None:
    if node.args.get("on"):
        raise not_supported("DISTINCT ON")
    listagg = isinstance(node.parent, exp.Anonymous) and node.parent.name.lower() == "listagg"
    if (len(node.expressions) > 1 and not listagg) or any(isinstance(item, exp.Tuple) for item in node.expressions):
        raise RedshiftError("42883", "no aggregate takes several columns behind DISTINCT")


def _check_values(node: exp.Values) -> None:
    if not isinstance(node.parent, exp.Insert):
        raise not_supported("VALUES list used as a constant table")


def _check_comparison(node: exp.Expr) -> None:
    if isinstance(node.args.get("this"), exp.Tuple) or isinstance(node.args.get("expression"), exp.Tuple):
        raise not_supported("row constructor comparison")


def _check_in(node: exp.In) -> None:
    if isinstance(node.this, exp.Tuple) and not node.args.get("query"):
        raise not_supported("row constructor comparison")


def _check_table(node: exp.Table) -> None:
    for part in ("joins", "pivots", "laterals", "sample", "only", "version", "changes", "ordinality"):
        if part != "joins" and node.args.get(part):
            raise not_covered(f"{part} of a table")
    if isinstance(node.this, exp.Anonymous) or not isinstance(node.this, exp.Identifier):
        name = getattr(node.this, "name", "")
        if str(name).lower() not in functions.LEADER_ONLY:
            raise not_supported(f"function {name} in FROM")


def _check_select(node: exp.Select) -> None:
    if not node.expressions:
        raise syntax_error("FROM")
    for part in ("into", "windows", "cluster", "distribute", "sort", "match", "connect", "prewhere", "kind", "sample"):
        if node.args.get(part):
            raise not_covered(f"SELECT with {part.upper()}")
    if node.args.get("exclude"):
        raise not_covered("SELECT * EXCLUDE")


def _check_star(node: exp.Star) -> None:
    if any(node.args.get(part) for part in ("except_", "except", "replace", "rename", "exclude")):
        raise not_covered("* with exceptions")


def _check_join(node: exp.Join) -> None:
    if str(node.args.get("method") or "").upper() not in {"", "NATURAL"}:
        raise syntax_error(str(node.args["method"]))
    if str(node.args.get("kind") or "").upper() not in {"", "INNER", "OUTER", "CROSS"}:
        raise syntax_error(str(node.args["kind"]))


def _check_with(node: exp.With) -> None:
    for cte in node.expressions:
        if isinstance(cte.this, exp.Anonymous) and cte.this.name.lower() == "values":
            raise not_supported("VALUES list used as a constant table")
        if not isinstance(cte.this, exp.Query):
            raise not_supported("a data-modifying statement in WITH")
        if cte.args.get("materialized") is not None:
            raise syntax_error("MATERIALIZED")
        if node.args.get("recursive") and any(
            table.name.lower() == cte.alias.lower() and not table.db for table in cte.this.find_all(exp.Table)
        ):
            _check_recursive(cte)


def _check_recursive(cte: exp.CTE) -> None:
    """CTE_table_name (column_name [, ...] ) AS ( ... UNION ALL ... ): both are obligatory (DG/r_WITH_clause)."""
    if not cte.args["alias"].columns:
        raise not_supported("a recursive common table expression without a list of columns")
    if not isinstance(cte.this, exp.Union) or cte.this.args.get("distinct"):
        raise not_supported("a recursive common table expression without UNION ALL")


def _check_identifier(node: exp.Identifier) -> None:
    """Reserved words have to be quoted, except behind AS; OID is one, and yet a column of every catalog table."""
    word = node.name.upper()
    named = node.args.get("quoted") or node.meta.get(LABEL) or (word == "OID" and isinstance(node.parent, exp.Column))
    if word in RESERVED and not named:
        raise syntax_error(node.name)
    check_length(node.name)


def _check_regexp(node: exp.Expr) -> None:
    pattern = node.args.get("expression")
    if isinstance(pattern, exp.Literal) and any(mark in pattern.name for mark in ("(?=", "(?!", "(?<")):
        raise RedshiftError("XX000", "Invalid preceding regular expression prior to repetition operator.")


def _check_insert(node: exp.Insert) -> None:
    for part in ("overwrite", "alternative", "ignore", "by_name", "exists", "where"):
        if node.args.get(part):
            raise syntax_error(part.upper())


def _check_quantified(node: exp.Any | exp.All) -> None:
    """= ANY (subquery) is IN, <> ALL (subquery) is NOT IN (DG/r_comparison_conditions)."""
    if not isinstance(node.this, (exp.Subquery, exp.Query)):
        raise not_supported("ANY over an array")


def _check_between(node: exp.Between) -> None:
    if node.args.get("symmetric"):
        raise syntax_error("SYMMETRIC")


# PostgreSQL's own columns of every table
_SYSTEM_COLUMNS = frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})


def _check_column(node: exp.Column) -> None:
    if node.name.lower() in _SYSTEM_COLUMNS:
        raise RedshiftError("42703", f'column "{node.name.lower()}" does not exist')
    if node.is_star and not isinstance(node.parent, exp.Select):
        raise not_covered("all columns of a table as one value")


def _check_interval(node: exp.Interval) -> None:
    if node.find(exp.Column):
        raise not_covered("an INTERVAL made of a column")


def _check_literal(node: exp.Literal) -> None:
    digits = node.name.lstrip("0.")
    if not node.is_string and sum(map(str.isdigit, digits)) > MOST and "e" not in node.name.lower():
        raise RedshiftError("22003", "Numeric data overflow (result precision)")


SPECIAL: dict[type[exp.Expr], Callable[..., None]] = {
    exp.Identifier: _check_identifier,
    exp.Window: _check_window,
    exp.WindowSpec: _check_frame,
    exp.Distinct: _check_distinct,
    exp.Values: _check_values,
    exp.In: _check_in,
    exp.Table: _check_table,
    exp.Select: _check_select,
    exp.Star: _check_star,
    exp.Join: _check_join,
    exp.With: _check_with,
    exp.RegexpLike: _check_regexp,
    exp.SimilarTo: _check_regexp,
    exp.Insert: _check_insert,
    exp.Interval: _check_interval,
    exp.Any: _check_quantified,
    exp.All: _check_quantified,
    exp.Between: _check_between,
    exp.Column: _check_column,
    exp.Literal: _check_literal,
    exp.Group: grouping.check,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is), _check_comparison),
}
