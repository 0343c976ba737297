"""How long the strings are that a stored query makes: a VARCHAR(n) of a view or of CREATE TABLE AS, where it is known.

PostgreSQL keeps the length of a column as it is, and gives what literals and functions make none at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import cast
from infrastructure.local.redshift.dialect.scope import cte_of, known_columns, levels, sources

_LONGEST = 65_535
_SIZED = re.compile(r"(?:character varying|varchar|nvarchar|character|char|nchar|bpchar)\s*\((\d+)\)", re.IGNORECASE)
_UNSIZED = {"text", "varchar", "character varying", "nvarchar", "bpchar"}
# what is never longer than its first argument, and what is as long as its longest
_FIRST = {
    "any_value", "btrim", "first_value", "initcap", "lag", "last_value", "lead", "left", "lower", "ltrim", "max", "min",
    "nth_value", "nullif", "reverse", "right", "rtrim", "split_part", "substr", "substring", "trim", "upper",
}  # fmt: skip
_BRANCHES: dict[str, Callable[[list[exp.Expr]], list[exp.Expr]]] = {
    **dict.fromkeys(("coalesce", "greatest", "least", "nvl"), list),
    "decode": lambda given: given[2::2] + ([] if len(given) % 2 else given[-1:]),
    "nvl2": lambda given: given[1:],
}
_FIXED = {"func_sha1": 40, "md5": 32, "sha": 40, "sha1": 40}
_THROUGH = (exp.Alias, exp.IgnoreNulls, exp.Paren, exp.RespectNulls, exp.Substring, exp.Trim, exp.Window)


def settle(tree: exp.Expr) -> None:
    """Cast the strings in the select list of a query to the VARCHAR(n) that they are.

    Raises:
        ColumnsNeeded: That depends on tables whose columns are not known yet.
    """
    selects = _selects(tree)
    if any(select.is_star or len(select.expressions) != len(selects[0].expressions) for select in selects):
        selects = [select for select in selects[:1] if len(selects) == 1]
    for items in zip(*(select.expressions for select in selects), strict=True):
        longest = _longest(items)
        for item in items:
            if longest and (len(items) > 1 or not _keeps_its_type(_value(item))):
                _give(item, longest)


def _selects(query: exp.Expr) -> list[exp.Select]:
    """The queries whose rows are the result, but none whose select list its ORDER BY has to find again."""
    if isinstance(query, exp.SetOperation):
        return _selects(query.this) + _selects(query.expression)
    if isinstance(query, exp.Subquery):
        return _selects(query.this)
    sorted_apart = query.args.get("distinct") and query.args.get("order")
    return [query] if isinstance(query, exp.Select) and not sorted_apart else []


def _value(item: exp.Expr) -> exp.Expr:
    value: exp.Expr = item.this if isinstance(item, exp.Alias) else item
    return value


def _give(item: exp.Expr, size: int) -> None:
    value = _value(item)
    name = "" if isinstance(item, exp.Alias) else value.output_name
    sized: exp.Expr = cast(value.copy(), f"varchar({size})")
    value.replace(exp.alias_(sized, name, quoted=True) if name else sized)


def _longest(nodes: Iterable[exp.Expr]) -> int | None:
    found = [length(node) for node in nodes if not isinstance(_value(node), exp.Null)]
    return None if not found or None in found else max(size for size in found if size is not None)


def length(node: exp.Expr) -> int | None:
    """The most bytes that a string can have; None if that is not known, or it is no string."""
    if isinstance(node, _THROUGH):
        return length(node.this)
    if isinstance(node, exp.Literal):
        return max(1, len(node.name.encode())) if node.is_string else None
    if isinstance(node, exp.Cast):
        return _named(node.to.meta.get("text", ""))
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        return _longest([branch.args["true"] for branch in node.args["ifs"]] + ([default] if default else []))
    if isinstance(node, exp.DPipe):
        return _sum([node.this, node.expression])
    if isinstance(node, exp.Anonymous):
        return _of_function(node)
    return _of_column(node) if isinstance(node, exp.Column) else None


def _of_function(node: exp.Anonymous) -> int | None:
    name = node.name.lower()
    if name in _FIXED or not node.expressions:
        return _FIXED.get(name)
    if name in _BRANCHES:
        return _longest(_BRANCHES[name](node.expressions))
    if name == "concat":
        return _sum(node.expressions)
    return length(node.expressions[0]) if name in _FIRST else None


def _sum(parts: list[exp.Expr]) -> int | None:
    found = [length(part) for part in parts]
    return None if None in found else min(_LONGEST, sum(size for size in found if size is not None))


def _named(kind: str) -> int | None:
    return _stated(kind.strip()) or (256 if kind.strip().lower() in _UNSIZED else None)


def _of_column(node: exp.Column) -> int | None:
    found = _definition(node)
    return length(found) if isinstance(found, exp.Expr) else _stated(found)


def _keeps_its_type(node: exp.Expr) -> bool:
    """Whether it is a column of a table, whose type PostgreSQL knows as well."""
    found = _definition(node) if isinstance(node, exp.Column) else ""
    return _keeps_its_type(_value(found)) if isinstance(found, exp.Expr) else bool(found)


def _definition(node: exp.Column) -> exp.Expr | str:
    """What a column is: the expression of a query below, or a type of a table; nothing where that is not known."""
    for level in levels(node):
        for source in sources(level):
            if not node.table or source.alias_or_name.lower() == node.table.lower():
                found = _in_source(source, node.name.lower())
                if found is not None:
                    return found
    return ""


def _in_source(source: exp.Expr, name: str) -> exp.Expr | str | None:
    """The definition of a column of a source; None if it has no such column."""
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        return "" if name in {column.name.lower() for column in alias.columns} else None
    if isinstance(source, exp.Subquery):
        return _in_query(source.this, name)
    if not isinstance(source, exp.Table) or isinstance(source.this, exp.Anonymous):
        return None
    cte = cte_of(source)
    if cte is not None:
        return "" if cte.args["alias"].columns else _in_query(cte.this, name)
    return known_columns(source).get(name)


def _in_query(query: exp.Expr, name: str) -> exp.Expr | str | None:
    if not isinstance(query, exp.Select):
        return ""
    found: exp.Expr | str | None = None
    for item in query.expressions:
        if item.is_star:
            return ""
        if found is None and item.alias_or_name.lower() == name:
            found = item
    return found


def _stated(kind: str) -> int | None:
    found = _SIZED.fullmatch(kind)
    return int(found[1]) if found else None
