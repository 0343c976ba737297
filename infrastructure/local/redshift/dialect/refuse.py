"""Refusals from the parse tree: what Redshift does not have, and what this endpoint does not cover.

Two tables decide. REFUSED names the constructs that PostgreSQL has and Redshift refuses, in Redshift's words where
they are known. COVERED names every kind of node that may pass; any other is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect import functions
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, not_supported, syntax_error

REFUSED: dict[type[exp.Expr], str] = {
    exp.OnConflict: "ON CONFLICT",
    exp.Returning: "RETURNING",
    exp.Lateral: "LATERAL",
    exp.Filter: "FILTER (WHERE ...)",
    exp.Array: "ARRAY constructor",
    exp.Any: "ANY over an array",
    exp.Unnest: "UNNEST",
    exp.Lock: "SELECT FOR UPDATE or FOR SHARE",
    exp.TableSample: "TABLESAMPLE",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.JSONExtract: "operator ->",
    exp.JSONExtractScalar: "operator ->>",
    exp.JSONBExtract: "operator #>",
    exp.JSONBExtractScalar: "operator #>>",
    exp.JSONBContains: "operator ?",
    exp.ArrayContainsAll: "operator @>",
    exp.ArrayContainedBy: "operator <@",
    exp.ArrayOverlaps: "operator &&",
    exp.Collate: "COLLATE in an expression",
    exp.TryCast: "TRY_CAST of this form",
    exp.GroupingSets: "GROUPING SETS of this form",
}

COVERED: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit,
        exp.Offset, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.Subquery, exp.Table, exp.TableAlias,
        exp.Qualify, exp.Distinct, exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.Literal, exp.Boolean,
        exp.Null, exp.Parameter, exp.Placeholder, exp.Var, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Paren,
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
        exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.Escape, exp.Exists, exp.Case, exp.If,
        exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Pow, exp.DPipe, exp.Concat, exp.BitwiseAnd,
        exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.Abs,
        exp.Anonymous, exp.Window, exp.WindowSpec, exp.WithinGroup, exp.Extract, exp.Trim, exp.Substring,
        exp.StrPosition, exp.Interval, exp.AtTimeZone, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime,
        exp.CurrentUser, exp.Insert, exp.Update, exp.Delete, exp.Values, exp.Tuple, exp.Schema, exp.Rollup, exp.Cube,
        exp.ByteString, exp.National, exp.RawString,
    }
)  # fmt: skip


def check(tree: exp.Expr) -> None:
    """Refuse what the tree has no right to contain.

    Raises:
        RedshiftError: 0A000, 42601 or 42883, naming the first such construct.
    """
    tables = _user_tables(tree)
    for node in tree.walk():
        kind = type(node)
        if kind in REFUSED:
            raise not_supported(REFUSED[kind])
        if kind not in COVERED:
            raise not_covered(kind.__name__)
        special = _SPECIAL.get(kind)
        if special:
            special(node)
        if kind is exp.Anonymous:
            _check_function(node.name.lower(), on_tables=tables)
        if kind in {exp.CurrentTimestamp, exp.CurrentTime}:
            _check_function("now", on_tables=tables)


def catalog_only(tree: exp.Expr) -> bool:
    """Whether a query reads nothing but catalog tables: such queries run on Redshift's leader node."""
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name.lower() not in names or table.db]
    return bool(tables) and isinstance(tree, exp.Query) and all(_is_catalog(table) for table in tables)


def _is_catalog(table: exp.Table) -> bool:
    if isinstance(table.this, exp.Anonymous):
        return table.this.name.lower().startswith("pg_") or table.this.name.lower() == "current_database"
    schema = table.db.lower()
    if schema:
        return schema in {"pg_catalog", "information_schema"}
    return table.name.lower().startswith(("pg_", "svv_", "stv_", "sys_", "svl_", "stl_"))


def _user_tables(tree: exp.Expr) -> bool:
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = (table for table in tree.find_all(exp.Table) if table.name.lower() not in names or table.db)
    return any(not _is_catalog(table) for table in tables)


def _check_function(name: str, *, on_tables: bool) -> None:
    if name in functions.LEADER_ONLY:
        if on_tables:
            text = "Specified types or functions (one per INFO message) not supported on Redshift tables."
            raise RedshiftError(NOT_SUPPORTED, text, f"function {name} runs on the leader node only")
        return
    if name not in functions.KNOWN:
        raise RedshiftError("42883", f"function {name} does not exist, or the local endpoint does not cover it")


def _check_window(node: exp.Window) -> None:
    inner = node.this
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
    for part in ("into", "windows", "cluster", "distribute", "sort", "match", "connect", "prewhere", "kind", "sample"):
        if node.args.get(part):
            raise not_covered(f"SELECT with {part.upper()}")
    if node.args.get("qualify") and any(item.is_star for item in node.expressions):
        raise not_covered("QUALIFY in a SELECT with *; list the columns")
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
        if not isinstance(cte.this, exp.Query):
            raise not_supported("a data-modifying statement in WITH")
        if cte.args.get("materialized") is not None:
            raise syntax_error("MATERIALIZED")


def _check_regexp(node: exp.Expr) -> None:
    pattern = node.args.get("expression")
    if isinstance(pattern, exp.Literal) and any(mark in pattern.name for mark in ("(?=", "(?!", "(?<")):
        raise RedshiftError("XX000", "Invalid preceding regular expression prior to repetition operator.")


def _check_insert(node: exp.Insert) -> None:
    for part in ("overwrite", "alternative", "ignore", "by_name", "exists", "where", "default"):
        if node.args.get(part):
            raise syntax_error(part.upper())
    if node.args.get("conflict"):
        raise not_supported("ON CONFLICT")


def _check_interval(node: exp.Interval) -> None:
    if node.find(exp.Column):
        raise not_covered("an INTERVAL made of a column")


_SPECIAL: dict[type[exp.Expr], Callable[..., None]] = {
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
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is), _check_comparison),
}
