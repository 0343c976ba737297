"""What a name in a query may mean: the levels in sight, what they read, and the columns of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from sqlglot import exp

from infrastructure.local.redshift.dialect.lexer import quote

# by the quoted name of a table: its columns with the backend's names of their types
KnownColumns = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
_COLUMNS: ContextVar[Mapping[str, Mapping[str, str]] | None] = ContextVar("columns", default=None)


class ColumnsNeeded(Exception):  # noqa: N818 - a question to the session, no error
    """A statement can be translated only with the columns of its tables.

    Attributes:
        tables: Their quoted names.
        locks: Tables to lock before anything is read.
    """

    def __init__(self, tables: tuple[str, ...], locks: tuple[str, ...] = ()) -> None:
        super().__init__(*tables)
        self.tables = tables
        self.locks = locks


@contextmanager
def knowing(known: KnownColumns | None) -> Iterator[None]:
    """Within this block the columns of tables are known: by the quoted name of the table, by name, their types."""
    token = _COLUMNS.set(None if known is None else {table: dict(columns) for table, columns in known})
    try:
        yield
    finally:
        _COLUMNS.reset(token)


def levels(node: exp.Expr) -> Iterator[exp.Expr]:
    """The query levels whose tables a name may mean, inner ones first; one in WITH or FROM sees none beside it."""
    level = node.parent
    while level is not None:
        if isinstance(level, exp.With):
            level = level.parent
        elif isinstance(level, exp.Subquery) and isinstance(level.parent, (exp.From, exp.Join)):
            level = level.parent.parent
        elif isinstance(level, (exp.Select, exp.Update, exp.Delete)):
            yield level
        level = level.parent if level else None


def sources(level: exp.Expr) -> list[exp.Expr]:
    """What a query level reads: the items of its FROM with their joins, and what it changes."""
    start = level.args.get("from_")
    items = [level.this] if isinstance(level, (exp.Update, exp.Delete)) else []
    items += [start.this] if start else []
    items += [join.this for join in level.args.get("joins") or []] + (level.args.get("using") or [])
    items = [item for item in items if item is not None]
    return items + [join.this for item in items for join in item.args.get("joins") or []]


def column_names(source: exp.Expr) -> list[str]:
    """The names of all columns of an item of FROM, in their order.

    Raises:
        ColumnsNeeded: The columns of its tables are not known yet.
    """
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        return [column.name.lower() for column in alias.columns]
    if isinstance(source, exp.Subquery):
        return _result_names(source.this)
    cte = cte_of(source) if isinstance(source, exp.Table) else None
    if cte is not None:
        return [column.name.lower() for column in cte.args["alias"].columns] or _result_names(cte.this)
    return list(known_columns(source))


def _result_names(query: exp.Expr) -> list[str]:
    while not isinstance(query, exp.Select):
        query = query.this
    found: list[str] = []
    for item in query.expressions:
        if item.is_star:
            read = sources(query)
            only = item.table.lower() if isinstance(item, exp.Column) else ""
            found += [name for part in read if only in {"", part.alias_or_name.lower()} for name in column_names(part)]
        else:
            found.append(item.output_name.lower() or "?column?")
    return found


def known_columns(source: exp.Expr) -> Mapping[str, str]:
    """The columns of a table, with their types."""
    known = _COLUMNS.get()
    key = ".".join(quote(part.lower()) for part in (source.text("db"), source.name) if part)
    if known is None or key not in known:
        raise ColumnsNeeded(_tables(source))
    return known[key]


def _tables(node: exp.Expr) -> tuple[str, ...]:
    """Every table of the whole statement, so that one question is enough."""
    found = (table for table in node.root().find_all(exp.Table) if isinstance(table.this, exp.Identifier))
    names = (".".join(quote(part.lower()) for part in (table.db, table.name) if part) for table in found)
    return tuple(sorted(set(names)))


def cte_of(table: exp.Table) -> exp.CTE | None:
    """The common table expression that a name in FROM means."""
    if table.db:
        return None
    level: exp.Expr | None = table
    while level is not None:
        with_ = level.args.get("with_")
        for cte in with_.expressions if with_ else []:
            if isinstance(cte, exp.CTE) and cte.alias.lower() == table.name.lower() and not _within(table, cte):
                return cte
        level = level.parent
    return None


def _within(table: exp.Table, cte: exp.CTE) -> bool:
    """Whether the table is named inside the CTE itself, which is then recursive or hides a table."""
    level = table.parent
    while level is not None and level is not cte:
        level = level.parent
    return level is cte
