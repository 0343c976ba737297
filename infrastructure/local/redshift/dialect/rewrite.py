"""The tree as the backend has to see it, with Redshift's meaning."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from sqlglot import exp

from infrastructure.local.redshift.dialect import qualify, wholerow
from infrastructure.local.redshift.dialect.aggregates import AGGREGATES, check_orders, mark_nulls, outer
from infrastructure.local.redshift.dialect.aliases import spread_aliases
from infrastructure.local.redshift.dialect.calendar import CALENDAR, whole_extract
from infrastructure.local.redshift.dialect.calls import CALLS, call, cast
from infrastructure.local.redshift.dialect.functions import LEADER
from infrastructure.local.redshift.dialect.lexer import Tokens, require_here, tokenize
from infrastructure.local.redshift.dialect.precision import settle
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError, not_covered

# the names of result columns of calls that go by another name
_SHOWN = {"nvl": "coalesce", "decode": "case", "date_part": "pgdate_part"}
_Node = TypeVar("_Node", bound=exp.Expr)


def rewrite(tree: exp.Expr) -> exp.Expr:
    """Rewrite a checked tree in place and return its new root."""
    mark_nulls(tree)
    for select in tree.find_all(exp.Select):
        check_orders(select)
    _label_projections(tree)
    _fold_identifiers(tree)
    for select in tree.find_all(exp.Select):
        spread_aliases(select)
    settle(tree)
    for tried in _inner_first(tree, exp.TryCast):
        tried.replace(_tried(tried))
    for typed in _inner_first(tree, exp.Cast):
        _type_cast(typed)
    for extract in _inner_first(tree, exp.Extract):
        extract.replace(whole_extract(extract))
    for part in _inner_first(tree, exp.Substring):
        if part.this.find(exp.Column):
            part.set("this", cast(call("rs_printable", part.this.copy()), "varchar"))
    for function in _inner_first(tree, exp.Anonymous):
        tree = _rewrite_call(tree, function)
    wholerow.check(tree)
    return qualify.spread(tree)


def _inner_first(tree: exp.Expr, kind: type[_Node]) -> list[_Node]:
    """All nodes of a kind, inner ones first: what comes to stand around a node copies its rewritten parts."""
    return list(tree.find_all(kind))[::-1]


def fold(tree: exp.Expr) -> exp.Expr:
    """Only what a query on catalog tables needs: folded names, typed casts, and the calls that PostgreSQL has not."""
    _fold_identifiers(tree)
    for select in list(tree.find_all(exp.Select)):
        _expand_aliases(select)
    for node in tree.find_all(exp.Cast):
        node.to.meta["backend"] = _catalog_type(node)
    for function in _inner_first(tree, exp.Anonymous):
        if function.name.lower() not in LEADER:
            tree = _rewrite_call(tree, function)
    return tree


def _expand_aliases(select: exp.Select) -> None:
    """Replace names of earlier columns of the same select list, which Redshift lets a query use at once."""
    named: dict[str, exp.Expr] = {}
    for item in select.expressions:
        _replace_names(item, named)
        if isinstance(item, exp.Alias) and not (isinstance(item.this, exp.Column) and item.this.name == item.alias):
            named[item.alias] = item.this
    where = select.args.get("where")
    if where:
        _replace_names(where, named)


def _replace_names(tree: exp.Expr, named: dict[str, exp.Expr]) -> None:
    for column in list(tree.find_all(exp.Column)):
        if not column.table and column.name in named:
            column.replace(exp.Paren(this=named[column.name].copy()))


def _catalog_type(node: exp.Cast) -> str:
    try:
        return backend_type(node.to)
    except RedshiftError:
        return str(node.to.meta["text"])


def backend_type(node: exp.DataType) -> str:
    """The backend's name of the type in a cast."""
    return _type_name(node.meta.get("text") or node.sql(dialect="redshift"))


@lru_cache(maxsize=256)
def _type_name(text: str) -> str:
    tokens = Tokens(text, tokenize(text))
    name = parse_type(tokens, column=False)
    tokens.end()
    return name


def _fold_identifiers(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Identifier):
        node.set("this", node.name.lower())
    for named in tree.find_all(exp.Table, exp.Column):
        require_here(named.text("catalog"))
        named.set("catalog", None)


def _label_projections(tree: exp.Expr) -> None:
    """Give calls in a select list the name that they would have had, before they are renamed."""
    for select in tree.find_all(exp.Select):
        for item in select.expressions:
            name = _label(item)
            if name:
                alias = exp.alias_(item.copy(), name, quoted=True)
                item.replace(alias)


def _label(item: exp.Expr) -> str:
    if isinstance(item, exp.Extract):
        return "date_part"
    if isinstance(item, exp.Div):
        return "?column?"
    if isinstance(item, exp.TryCast):
        return _label(exp.Cast(this=item.this.copy(), to=item.to.copy())) or item.output_name
    if isinstance(item, exp.Cast):
        return "" if isinstance(item.this, exp.Column) else _label(item.this)
    while isinstance(item, (exp.Window, exp.WithinGroup)):
        item = item.this
    if isinstance(item, exp.Anonymous):
        return _SHOWN.get(item.name.lower(), item.name.lower())
    return ""


def _tried(node: exp.TryCast) -> exp.Expr:
    """TRY_CAST: NULL where the value cannot be cast."""
    name = backend_type(node.to)
    if name in {"super", "boolean"}:
        raise not_covered(f"TRY_CAST to {name.upper()}")
    value = call("rs_late", node.this.copy())
    possible = call("rs_can_cast", value.copy(), exp.Literal.string(name))
    return exp.Case(ifs=[exp.If(this=possible, true=exp.Cast(this=value, to=node.to.copy()))])


def _type_cast(node: exp.Cast) -> None:
    if "backend" in node.to.meta:
        return
    name = backend_type(node.to)
    node.to.meta["backend"] = name
    operand = node.this
    if name == "super":
        node.set("this", call("rs_super", operand.copy()))
        return
    if operand.find(exp.Column, exp.Boolean):
        operand = _checked(operand, name)
        node.set("this", operand)
    if name.startswith("numeric(19,"):
        scale = exp.Literal.number(name[8:-1].partition(",")[2])
        node.set("this", call("rs_within_19", cast(operand.copy(), name), scale))
        return
    ascii_literal = isinstance(operand, exp.Literal) and operand.name.isascii()
    if name.startswith("varchar(") and not ascii_literal and not isinstance(operand, exp.Null):
        # a cast cuts at n bytes, which is never more than n characters
        size = exp.Literal.number(name[8:-1])
        node.set("this", call("rs_left_bytes", cast(operand.copy(), "varchar"), size))


def _checked(operand: exp.Expr, name: str) -> exp.Expr:
    """What is cast, where a value from a table is not cast as a constant is, or not at all."""
    if name.startswith("numeric("):
        return call("rs_cut_decimal", operand.copy(), exp.Literal.number(name[8:-1].partition(",")[2]))
    if name in {"smallint", "integer", "bigint"}:
        return call("rs_whole", operand.copy())
    if name.startswith(("varchar", "char")):
        return call("rs_printable", operand.copy())
    return operand


def _rewrite_call(tree: exp.Expr, node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    node.set("this", name)
    builder = AGGREGATES.get(name) or CALENDAR.get(name) or CALLS.get(name)
    if builder is None:
        return tree
    new = builder(node)
    whole = outer(node) if name in AGGREGATES else node
    if whole is tree:
        return new
    whole.replace(new)
    return tree
