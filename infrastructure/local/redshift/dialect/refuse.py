"""Refusals from the parse tree: what Redshift does not have, and what this endpoint does not cover.

Two tables decide. REFUSED names the constructs that PostgreSQL has and Redshift refuses, in Redshift's words where
they are known. COVERED names every kind of node that may pass; any other is refused by its name.
"""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect import correlated, functions, navigation
from infrastructure.local.redshift.dialect.nodes import SPECIAL
from infrastructure.local.redshift.dialect.relations import is_catalog, require_known
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, not_supported, syntax_error

REFUSED: dict[type[exp.Expr], str] = {
    exp.OnConflict: "ON CONFLICT",
    exp.Returning: "RETURNING",
    exp.Lateral: "LATERAL",
    exp.Filter: "FILTER (WHERE ...)",
    exp.Array: "ARRAY constructor",
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
}
# not in Redshift's grammar at all
UNKNOWN_WORDS: dict[type[exp.Expr], str] = {exp.Fetch: "FETCH", exp.JSON: "JSON"}

COVERED: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit,
        exp.Offset, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.Subquery, exp.Table, exp.TableAlias,
        exp.Qualify, exp.Distinct, exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.Literal, exp.Boolean,
        exp.Null, exp.Parameter, exp.Placeholder, exp.Var, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Paren,
        exp.ObjectIdentifier,
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
        exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.Escape, exp.Exists, exp.Case, exp.If,
        exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Pow, exp.DPipe, exp.Concat, exp.BitwiseAnd,
        exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.Abs,
        exp.TryCast, exp.Anonymous, exp.Window, exp.WindowSpec, exp.WithinGroup, exp.Extract, exp.Trim, exp.Substring,
        exp.StrPosition, exp.Interval, exp.AtTimeZone, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime,
        exp.CurrentUser, exp.Insert, exp.Update, exp.Delete, exp.Values, exp.Tuple, exp.Schema, exp.Rollup, exp.Cube,
        exp.GroupingSets,
        exp.ByteString, exp.National, exp.RawString, exp.IgnoreNulls, exp.RespectNulls, exp.Any, exp.All,
    }
)  # fmt: skip

# what PostgreSQL 8.0 had not yet, so that the leader node has it not either
_NEWER = (
    exp.OnConflict, exp.Lateral, exp.Filter, exp.TableSample, exp.NullSafeEQ, exp.JSONExtract, exp.JSONExtractScalar,
    exp.JSONBExtract, exp.JSONBExtractScalar, exp.JSONBContains, exp.Collate,
)  # fmt: skip
_NEEDS_TABLE = (
    "One or more of the used functions must be applied on at least one user created tables."
    " Examples of user table only functions are LISTAGG, MEDIAN, PERCENTILE_CONT, etc"
)


def check(tree: exp.Expr) -> None:
    """Refuse what the tree has no right to contain.

    Raises:
        RedshiftError: 0A000, 42601 or 42883, naming the first such construct.
    """
    require_known(tree)
    tables = _user_tables(tree)
    correlated.check(tree)
    for node in tree.walk():
        if node.meta.get(navigation.OURS):
            continue
        kind = type(node)
        if kind in REFUSED:
            raise not_supported(REFUSED[kind])
        if kind in UNKNOWN_WORDS:
            raise syntax_error(UNKNOWN_WORDS[kind])
        if kind is exp.IntervalSpan:
            raise not_covered("an INTERVAL with a qualifier such as YEAR TO MONTH")
        if kind not in COVERED:
            raise not_covered(kind.__name__)
        special = SPECIAL.get(kind)
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
    return bool(tables) and isinstance(tree, exp.Query) and all(is_catalog(table) for table in tables)


def check_catalog(tree: exp.Expr) -> None:
    """Refuse in a query on the catalog what Redshift's leader node, a PostgreSQL 8.0, does not have either.

    Raises:
        RedshiftError: 0A000 or 42883, naming the first such construct.
    """
    require_known(tree)
    for node in tree.walk():
        if type(node) in _NEWER:
            raise not_supported(REFUSED[type(node)])
        if isinstance(node, exp.Anonymous) and node.name.lower() not in functions.LEADER:
            _check_function(node.name.lower(), on_tables=False)


def _user_tables(tree: exp.Expr) -> bool:
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = (table for table in tree.find_all(exp.Table) if table.name.lower() not in names or table.db)
    return any(not is_catalog(table) for table in tables)


def _check_function(name: str, *, on_tables: bool) -> None:
    if name in functions.LEADER_ONLY:
        if on_tables:
            text = "Specified types or functions (one per INFO message) not supported on Redshift tables."
            raise RedshiftError(NOT_SUPPORTED, text, f"function {name} runs on the leader node only")
        return
    if name in functions.COMPUTE_ONLY and not on_tables:
        raise RedshiftError(NOT_SUPPORTED, _NEEDS_TABLE)
    if name not in functions.KNOWN:
        raise RedshiftError("42883", f"function {name} does not exist, or the local endpoint does not cover it")
