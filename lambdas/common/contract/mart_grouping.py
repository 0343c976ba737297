"""Columns of a mart's SELECT that stand beside an aggregate and are not grouped by."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lambdas.common.contract.mart_scopes import Tables, aliases_of, columns_of, select_list, sources_of

# what a scope of its own, or a function that Redshift may not have, does with its columns is not looked into
CLOSED = (exp.AggFunc, exp.WithinGroup, exp.Filter, exp.Query, exp.Anonymous, exp.List)


def find_ungrouped(scope: Scope, tables: Tables) -> Iterator[tuple[exp.Expr, str]]:
    """The columns of the select list that are neither aggregated nor grouped by, with what is wrong with each."""
    selects, group = select_list(scope), scope.expression.args.get("group")
    if group is not None and group.args.get("all"):
        return
    if group is None and not any(_aggregates(item) for item in selects):
        return
    reading = _Reading(scope, tables)
    grouped = {reading.text(key) for key in _keys(scope, group)} if group else set()
    for item in selects:
        for column in _loose(item.unalias(), grouped, reading):
            yield column, f"{column.sql()} stands neither in GROUP BY nor in an aggregate"


def _aggregates(item: exp.Expr) -> bool:
    """Whether one value comes of many rows: a window gives one for each row."""
    if isinstance(item, exp.Window | exp.Query):
        return False
    return isinstance(item, exp.AggFunc) or any(_aggregates(part) for part in item.iter_expressions())


def _keys(scope: Scope, group: exp.Group) -> Iterator[exp.Expr]:
    """What is grouped by: numbers and aliases stand for what the select list says there."""
    selects, aliases = select_list(scope), aliases_of(scope)
    for key in group.find_all(exp.Expr):
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(selects):
            yield selects[int(key.name) - 1].unalias()
        elif isinstance(key, exp.Column) and not key.table and key.name.lower() in aliases:
            yield aliases[key.name.lower()]
        yield key


def _loose(node: exp.Expr, grouped: set[str], reading: "_Reading") -> Iterator[exp.Column]:
    if reading.text(node) in grouped or isinstance(node, exp.Star):
        return
    if isinstance(node, exp.Window):
        # its own aggregate works on the groups: what stands inside and behind OVER has to be of them
        parts = [*node.this.iter_expressions(), *(p for p in node.iter_expressions() if p is not node.this)]
    elif isinstance(node, exp.Column):
        if reading.is_own(node):
            yield node
        return
    else:
        parts = [] if isinstance(node, CLOSED) else list(node.iter_expressions())
    for part in parts:
        yield from _loose(part, grouped, reading)


class _Reading:
    """Expressions of one scope as texts that are equal where the expressions are: each column with its table."""

    def __init__(self, scope: Scope, tables: Tables) -> None:
        self._columns = {name: columns_of(source, tables) for name, source in sources_of(scope).items()}

    def text(self, node: exp.Expr) -> str:
        return str(node.transform(self._whole).sql(dialect="redshift", normalize=True)).lower()

    def is_own(self, column: exp.Column) -> bool:
        """Whether it is surely a column of this scope's FROM; an alias, or one of a scope around it, is not."""
        return self._table(column) is not None and not column.is_star

    def _table(self, column: exp.Column) -> str | None:
        if column.table:
            return column.table.lower() if column.table.lower() in self._columns else None
        having = [name for name, columns in self._columns.items() if columns and column.name.lower() in columns]
        return having[0] if having else None

    def _whole(self, node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column) or (table := self._table(node)) is None:
            return node
        return exp.column(node.name.lower(), table=table)
