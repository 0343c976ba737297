"""The tree as the backend has to see it, with Redshift's meaning."""

from __future__ import annotations

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import CALLS, OUTER, call, cast, date_part, outer
from infrastructure.local.redshift.dialect.lexer import Tokens, tokenize
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError

_PARTS_FIRST = {"date_part", "date_trunc"}


def rewrite(tree: exp.Expr) -> exp.Expr:
    """Rewrite a checked tree in place and return its new root."""
    _label_projections(tree)
    _fold_identifiers(tree)
    for typed in list(tree.find_all(exp.Cast)):
        _type_cast(typed)
    for extract in list(tree.find_all(exp.Extract)):
        extract.replace(_whole_extract(extract))
    for function in list(tree.find_all(exp.Anonymous)):
        tree = _rewrite_call(tree, function)
    return tree


def fold(tree: exp.Expr) -> exp.Expr:
    """Only what a query on catalog tables needs: folded names and typed casts."""
    _fold_identifiers(tree)
    for select in list(tree.find_all(exp.Select)):
        _expand_aliases(select)
    for node in tree.find_all(exp.Cast):
        node.to.meta["backend"] = _catalog_type(node)
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
    text = node.meta.get("text") or node.sql(dialect="redshift")
    tokens = Tokens(text, tokenize(text))
    name = parse_type(tokens, column=False)
    tokens.end()
    return name


def _fold_identifiers(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Identifier):
        node.set("this", node.name.lower())
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)


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
    if isinstance(item, exp.Cast):
        return "" if isinstance(item.this, exp.Column) else _label(item.this)
    while isinstance(item, (exp.Window, exp.WithinGroup)):
        item = item.this
    if isinstance(item, exp.Anonymous):
        return {"nvl": "coalesce", "decode": "case"}.get(item.name.lower(), item.name.lower())
    return ""


def _type_cast(node: exp.Cast) -> None:
    name = backend_type(node.to)
    node.to.meta["backend"] = name
    operand = node.this
    ascii_literal = isinstance(operand, exp.Literal) and operand.name.isascii()
    if name.startswith("varchar(") and not ascii_literal and not isinstance(operand, exp.Null):
        # a cast cuts at n bytes, which is never more than n characters
        size = exp.Literal.number(name[8:-1])
        node.set("this", call("rs_left_bytes", cast(operand.copy(), "varchar"), size))


def _whole_extract(node: exp.Extract) -> exp.Expr:
    part = date_part(node.this)
    kept = exp.Extract(this=exp.var(part.upper()), expression=node.expression.copy())
    return cast(call("trunc", kept), "bigint" if part == "epoch" else "integer")


def _rewrite_call(tree: exp.Expr, node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    node.set("this", name)
    if name in _PARTS_FIRST and node.expressions:
        first = node.expressions[0]
        if isinstance(first, (exp.Literal, exp.Column, exp.Var)):
            first.replace(exp.Literal.string(date_part(first)))
    builder = CALLS.get(name)
    if builder is None:
        return tree
    new = builder(node)
    whole = outer(node) if name in OUTER else node
    if whole is tree:
        return new
    whole.replace(new)
    return tree
