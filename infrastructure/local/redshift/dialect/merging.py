"""MERGE in Redshift's form (DG/r_MERGE): both WHEN clauses without conditions, or REMOVE DUPLICATES; from a table."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from infrastructure.local.redshift.dialect import query, refuse, rewrite
from infrastructure.local.redshift.dialect.grammar import generate
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote, tokenize
from infrastructure.local.redshift.dialect.navigation import OURS
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, not_supported, syntax_error

_ANY_CLAUSES = " WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (x) VALUES (1)"


def merge(tokens: Tokens) -> Plan:
    """MERGE INTO target USING source [[AS] alias] ON condition ...; stands after MERGE.

    Raises:
        RedshiftError: The statement is not of Redshift's form.
    """
    text = "MERGE " + tokens.rest()
    found = tokenize(text)
    simplified = [token.upper for token in found[-2:]] == ["REMOVE", "DUPLICATES"]
    if simplified:
        text = text[: found[-2].start] + _ANY_CLAUSES
    tree = query.parse(text)
    if not isinstance(tree, exp.Merge):
        raise syntax_error("MERGE")
    target, source = _table(tree.this, "target"), _table(tree.args["using"], "source")
    _check_tables(tree, target, source)
    _check_condition(tree.args["on"])
    if simplified:
        return _simplified(tree, target, source)
    _check_clauses(tree.args["whens"].expressions)
    return Plan(_text(tree), locks=(target,), before=(_require_source(source),))


def _require_source(source: str) -> str:
    return f"SELECT pg_catalog.rs_require_source({literal(source)})"


def _table(node: exp.Expr, role: str) -> str:
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise not_supported(f"a MERGE {role} that is no table")
    return ".".join(quote(part.lower()) for part in (node.db, node.name) if part)


def _check_tables(tree: exp.Merge, target: str, source: str) -> None:
    if tree.args.get("with_"):
        raise not_supported("WITH in MERGE")
    if tree.this.args.get("alias"):
        raise syntax_error(tree.this.alias)
    if target == source:
        raise RedshiftError(NOT_SUPPORTED, "MERGE source and target can not be the same table")


def _equalities(condition: exp.Expr) -> Iterator[exp.EQ]:
    for part in condition.unnest().flatten() if isinstance(condition.unnest(), exp.And) else [condition]:
        bare = part.unnest()
        if isinstance(bare, exp.And):
            yield from _equalities(bare)
        elif isinstance(bare, exp.EQ):
            yield bare
        else:
            raise not_supported("a MERGE condition that is not made of equalities")


def _check_condition(condition: exp.Expr) -> None:
    for equality in _equalities(condition):
        for side in (equality.this, equality.expression):
            if side.find(exp.Subquery, exp.Select):
                raise not_supported("a subquery in a MERGE condition")


def _check_clauses(whens: list[exp.Expr]) -> None:
    """WHEN MATCHED THEN {UPDATE | DELETE} WHEN NOT MATCHED THEN INSERT, nothing else and in this order."""
    if [bool(when.args.get("matched")) for when in whens] != [True, False]:
        raise syntax_error("WHEN" if len(whens) > 1 else "")
    for when in whens:
        if when.args.get("condition"):
            raise syntax_error("AND")
        if when.args.get("source"):
            raise syntax_error("BY")
    matched, missing = (when.args["then"] for when in whens)
    if isinstance(matched, exp.Update):
        for change in matched.expressions:
            if not isinstance(change.this, exp.Column) or change.this.table:
                raise syntax_error(".")
    elif matched.name.upper() != "DELETE":
        raise syntax_error(matched.name or "INSERT")
    if not isinstance(missing, exp.Insert):
        raise syntax_error(missing.name)
    _unpack_values(missing)


def _unpack_values(insert: exp.Insert) -> None:
    """INSERT VALUES (...) without a column list parses as a call of a function `values`."""
    columns = insert.this
    if isinstance(columns, exp.Tuple) and isinstance(columns.expressions[0], exp.Anonymous):
        insert.set("this", None)
        insert.set("expression", exp.Tuple(expressions=columns.expressions[0].expressions))
    if not isinstance(insert.expression, exp.Tuple):
        raise syntax_error("INSERT")


def _text(tree: exp.Expr) -> str:
    if tree.find(exp.Dot, exp.Bracket):
        text = "Partial reference of SUPER column is not supported in MERGE statement."
        raise RedshiftError(NOT_SUPPORTED, text)
    whens = tree.args.get("whens")
    for node in (tree, whens, *whens.expressions) if whens else ():
        node.meta[OURS] = True
    refuse.check(tree)
    return generate(rewrite.rewrite(tree))


def _simplified(tree: exp.Merge, target: str, source: str) -> Plan:
    """REMOVE DUPLICATES: rows that match go, all rows of the source come."""
    alias = tree.args["using"].alias_or_name.lower()
    keys = [_source_side(equality, alias) for equality in _equalities(tree.args["on"])]
    using = f"{source} AS {quote(alias)}"
    condition = _text(exp.select("1").where(tree.args["on"])).partition(" WHERE ")[2]
    listed = ", ".join(keys)
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    repeated = f"SELECT 1 FROM {using} WHERE {present} GROUP BY {listed} HAVING count(*) > 1"  # noqa: S608
    before = (
        _require_source(source),
        f"SELECT pg_catalog.rs_require_same_width({literal(target)}, {literal(source)})",
        f"SELECT pg_catalog.rs_refuse_repeated(EXISTS ({repeated}))",
        f"DELETE FROM {target} USING {using} WHERE {condition}",  # noqa: S608
    )
    return Plan(f"INSERT INTO {target} SELECT * FROM {source}", locks=(target,), before=before, tag="MERGE")  # noqa: S608


def _source_side(equality: exp.EQ, alias: str) -> str:
    for side in (equality.this, equality.expression):
        bare = side.unnest()
        if isinstance(bare, exp.Column) and bare.table.lower() == alias:
            return f"{quote(alias)}.{quote(bare.name.lower())}"
    raise not_covered("REMOVE DUPLICATES with a condition that names no column of the source by its table")
