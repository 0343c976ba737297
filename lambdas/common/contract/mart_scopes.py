"""Which columns the parts of a mart's SELECT can name: those of its tables, of its WITH and of its subqueries.

What cannot be known (a table without a readable contract, an unnested SUPER, EXCLUDE) is None and holds any name.
"""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, ScopeType

# the columns of each table ("core.things") that can be read, by contract; None where its contract cannot be read
Tables = Mapping[str, tuple[str, ...] | None]
# these can name the columns of what is around them
NESTED = (ScopeType.SUBQUERY, ScopeType.SET_OPERATION)


def sources_of(scope: Scope) -> dict[str, Any]:
    """What stands in the scope's FROM, by alias in lower case."""
    return {name.lower(): source for name, (_, source) in scope.selected_sources.items()}


def select_list(scope: Scope) -> list[exp.Expr]:
    """What the scope's SELECT gives; of a UNION what its first branch does."""
    query = scope.expression
    return query.selects if isinstance(query, exp.Query) else []


def columns_of(source: Any, tables: Tables) -> tuple[str, ...] | None:
    """The columns that a table or a subquery gives."""
    if isinstance(source, exp.Table):
        return tables.get(f"{source.db}.{source.name}".lower())
    named = source.expression.parent if isinstance(source, Scope) else None
    if isinstance(named, exp.CTE | exp.Subquery) and named.alias_column_names:
        return tuple(name.lower() for name in named.alias_column_names)
    if not isinstance(source, Scope) or not isinstance(source.expression, exp.Query):
        return None
    return _selected(source, tables)


def _selected(scope: Scope, tables: Tables) -> tuple[str, ...] | None:
    """The names of a select list; of a UNION those of its first branch, `*` spread out."""
    while scope.set_operation_scopes:
        scope = scope.set_operation_scopes[0]
    found: list[str] = []
    for item in select_list(scope):
        names = star_columns(scope, item, tables) if item.is_star else (item.alias_or_name.lower(),)
        if names is None:
            return None
        found += names
    return tuple(found)


def star_columns(scope: Scope, item: exp.Expr, tables: Tables) -> tuple[str, ...] | None:
    """What `*` or `t.*` stands for."""
    star, sources = item.find(exp.Star), sources_of(scope)
    if star is None or star.args.get("except_") or star.args.get("except") or isinstance(item, exp.Alias):
        return None
    table = item.table.lower() if isinstance(item, exp.Column) else ""
    lists = [columns_of(source, tables) for name, source in sources.items() if table in ("", name)]
    return None if None in lists or not lists else tuple(name for names in lists for name in names or ())


def outer_scopes(scope: Scope) -> list[Scope]:
    """The scope and those whose columns it can name as well: a subquery those around it, a FROM or a WITH none."""
    found = [scope]
    while scope.parent is not None and (scope.scope_type in NESTED):
        scope = scope.parent
        found.append(scope)
    return found


def aliases_of(scope: Scope) -> dict[str, exp.Expr]:
    """The names that the select list gives, which Redshift knows in the list itself and behind it."""
    return {item.alias.lower(): item.this for item in select_list(scope) if isinstance(item, exp.Alias)}
