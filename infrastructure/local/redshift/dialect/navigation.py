"""Paths into SUPER values: t.s[0].name in expressions, and t.s.items AS i as an item of FROM (DG/query-super).

A name in front of a dot is a table where the query has one of that name in sight; otherwise it is a SUPER column.
What is built here is marked as ours, so that the refusals let it pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import call, cast
from infrastructure.local.redshift.errors import not_covered, not_supported

_Node = TypeVar("_Node", bound=exp.Expr)
OURS = "ours"
_SUPER = "super"
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "eq", exp.NEQ: "ne", exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge",
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "add", exp.Sub: "sub", exp.Mul: "mul"}


def resolve(tree: exp.Expr) -> None:
    """Replace the paths of a statement's tree by calls, in place.

    Raises:
        RedshiftError: 0A000 for a form that is not covered.
    """
    for item in list(tree.find_all(exp.Join, exp.From)):
        if isinstance(item, (exp.Join, exp.From)):
            _unnest(item)
    for path in list(tree.find_all(exp.Dot, exp.Bracket, exp.Column)):
        if not (isinstance(path.parent, (exp.Dot, exp.Bracket)) and path.arg_key == "this"):
            _navigate(path)
    for node in list(tree.walk()):
        if node.meta.get(_SUPER) and node.parent:
            _type_neighbours(node, node.parent)


def _unnest(item: exp.Join | exp.From) -> None:
    """An item of FROM that walks through a SUPER value becomes the call of a set-returning function."""
    source = item.this
    if isinstance(source, exp.Table) and _is_path(item, source):
        path = _column([part.name for part in source.parts])
        alias = source.args.get("alias")
        name = alias.this if alias else source.this
        source = exp.Unnest(expressions=[path], alias=exp.TableAlias(columns=[name.copy()]))
        source.meta["path"] = "items"
    elif isinstance(source, exp.Unnest) and _is_implicit(source):
        source.meta["path"] = source.meta.get("path", "items")
    else:
        return
    if isinstance(item, exp.Join) and str(item.side).upper() in {"RIGHT", "FULL"}:
        raise not_supported("SUPER in a right or full outer join")
    item.set("this", _function_table(source))
    if isinstance(item, exp.Join) and not item.args.get("on") and not item.side:
        item.set("kind", "CROSS")


def _is_implicit(source: exp.Unnest) -> bool:
    alias = source.args.get("alias")
    return bool(alias and not alias.args.get("this") and alias.columns and len(source.expressions) == 1)


def _is_path(item: exp.Expr, table: exp.Table) -> bool:
    """Whether a two-part name in FROM is alias.column, and not schema.table; or a lone name an element."""
    level = item.find_ancestor(exp.Select, exp.Update, exp.Delete)
    if level is None or isinstance(table.this, exp.Anonymous):
        return False
    earlier = {**_in_sight(level), **dict(_relations(level, before=table))}
    if table.db:
        return (table.catalog or table.db).lower() in earlier
    return earlier.get(table.name.lower(), False)


def _function_table(source: exp.Unnest) -> exp.Table:
    (path,) = source.expressions
    alias = source.args["alias"].columns[0].name.lower()
    place = source.args.get("offset")
    unpivot = source.meta["path"] == "unpivot"
    if place is None:
        function, names = ("rs_super_values" if unpivot else "rs_super_items"), [alias]
    else:
        function = "rs_super_attributes" if unpivot else "rs_super_elements"
        names = [alias, place.name.lower()]
    made = exp.Table(
        this=_ours(call(function, path.copy())),
        alias=exp.TableAlias(this=exp.to_identifier(alias), columns=[exp.to_identifier(name) for name in names]),
    )
    made.meta["elements"] = alias
    return _ours(made)


def _ours(node: _Node) -> _Node:
    node.meta[OURS] = True
    return node


def _relations(select: exp.Expr, before: exp.Expr | None = None) -> Iterator[tuple[str, bool]]:
    """The names of what a query level reads, and whether each one is an element of a SUPER array."""
    items = [select.this] if isinstance(select, (exp.Update, exp.Delete)) else []
    start = select.args.get("from_")
    items += [start.this] if start else []
    items += [join.this for join in select.args.get("joins") or []]
    items += select.args.get("using") or []
    nested = [join.this for item in items if item for join in item.args.get("joins") or []]
    for item in items + nested:
        if item is before:
            return
        if item is not None and item.alias_or_name:
            yield item.alias_or_name.lower(), bool(item.meta.get("elements"))
        elif isinstance(item, exp.Unnest) and _is_implicit(item):
            yield item.args["alias"].columns[0].name.lower(), True


def _in_sight(node: exp.Expr) -> dict[str, bool]:
    found: dict[str, bool] = {}
    level = node.find_ancestor(exp.Select, exp.Update, exp.Delete)
    while level is not None:
        for name, is_element in _relations(level):
            found.setdefault(name, is_element)
        level = level.find_ancestor(exp.Select, exp.Update, exp.Delete)
    return found


def _navigate(node: exp.Expr) -> None:
    steps: list[exp.Expr] = []
    root = node
    while isinstance(root, (exp.Dot, exp.Bracket)):
        steps.append(_step(root))
        root = root.this
    steps.reverse()
    if isinstance(root, exp.Column):
        root, names = _root(root, dotted=bool(steps))
        steps = [exp.Literal.string(name) for name in names] + steps
    if not steps:
        if root is not node:
            node.replace(root)
        return
    value = root.copy()
    for step in steps:
        value = call("rs_super_attribute" if step.args.get("is_string") else "rs_super_element", value, step)
        _ours(value).meta[_SUPER] = True
    if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
        value = exp.alias_(value, _label(node), quoted=True)
    node.replace(value)


def _label(path: exp.Expr) -> str:
    """A path in a select list is named after its last attribute."""
    while isinstance(path, exp.Bracket):
        path = path.this
    return path.output_name.lower() or "?column?"


def _step(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Dot):
        if not isinstance(node.expression, exp.Identifier):
            raise not_covered("this form of navigation into SUPER")
        return exp.Literal.string(node.expression.name.lower())
    (index, *more) = node.expressions
    if more or not isinstance(index, (exp.Literal, exp.Column)) or index.args.get("is_string"):
        raise not_covered("this subscript of SUPER; only one whole number or column")
    copied: exp.Expr = index.copy()
    return copied


def _root(column: exp.Column, *, dotted: bool) -> tuple[exp.Expr, list[str]]:
    """The column that a path starts from, and the attributes that its further names stand for."""
    parts = [part.name for part in column.parts]
    sight = _in_sight(column)
    first = parts[0].lower()
    if sight.get(first) and isinstance(column.this, exp.Star):
        raise not_supported("* of an element of a SUPER array")
    if sight.get(first):
        element = exp.column(first, table=first)
        element.meta[_SUPER] = True
        return element, [part.lower() for part in parts[1:]]
    if first in sight:
        named = min(len(parts), 2)
    elif len(parts) >= 3 and parts[1].lower() in sight:
        named = 3
    elif column.args.get("catalog") and parts[2].lower() in sight:
        named = 4
    else:
        named = 1 if (sight or dotted) and not isinstance(column.this, exp.Star) else len(parts)
    if named == len(parts):
        return column, []
    return _column(parts[:named]), [part.lower() for part in parts[named:]]


def _column(parts: list[str]) -> exp.Column:
    """A column from its name and what stands before it: [[[catalog], schema], table], column."""
    names = [exp.to_identifier(part) for part in reversed(parts)]
    return exp.Column(**dict(zip(("this", "table", "db", "catalog"), names, strict=False)))


def _type_neighbours(node: exp.Expr, parent: exp.Expr) -> None:
    """Tell the backend what a string beside a SUPER value is: a string, and no JSON text."""
    if isinstance(parent, (exp.Like, exp.ILike, exp.SimilarTo)) and node.arg_key == "this":
        node.replace(_ours(call("rs_super_string", node.copy())))
    elif isinstance(parent, exp.Is) and node.arg_key == "this":
        node.replace(_ours(call("rs_super_known", node.copy())))
    elif isinstance(parent, (exp.In, exp.Between)):
        for other in [*parent.expressions, parent.args.get("low"), parent.args.get("high")]:
            _as_varchar(other)
    elif type(parent) in _COMPARISONS or type(parent) in _ARITHMETIC:
        other = parent.expression if node.arg_key == "this" else parent.this
        if other.meta.get(_SUPER):
            code = _COMPARISONS.get(type(parent)) or _ARITHMETIC[type(parent)]
            parent.replace(_ours(call(f"rs_super_{code}", parent.this.copy(), parent.expression.copy())))
        else:
            _as_varchar(other)


def _as_varchar(node: exp.Expr | None) -> None:
    if isinstance(node, exp.Literal) and node.is_string:
        node.replace(cast(node.copy(), "varchar"))
