"""The table that a COPY fills, and the columns of it that the files bring."""

from __future__ import annotations

from dataclasses import dataclass

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.transfers import CopyStatement
from infrastructure.local.redshift.errors import INTERNAL_ERROR, BackendError, RedshiftError

_TABLE = """SELECT c.oid, c.relname, c.relkind, pg_catalog.has_table_privilege(c.oid, 'INSERT'),
    pg_catalog.pg_has_role(c.relowner, 'USAGE')
FROM pg_catalog.pg_class c WHERE c.oid = {}::pg_catalog.regclass"""
_COLUMNS = """SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity
FROM pg_catalog.pg_attribute a WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_SHORT_TYPES = {
    "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
    "boolean": "bool", "character varying": "varchar", "character": "char", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz", "time without time zone": "time", "time with time zone": "timetz",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of the target.

    Attributes:
        name: Its name.
        type: The backend's type with its modifier.
        not_null: Whether NULL is refused.
        identity: Whether the table makes its values unless EXPLICIT_IDS is given.
    """

    name: str
    type: str
    not_null: bool = False
    identity: bool = False

    @property
    def base(self) -> str:
        """The type without its modifier."""
        return self.type.partition("(")[0]

    @property
    def short(self) -> str:
        """The type's short name, as Redshift logs it."""
        return _SHORT_TYPES.get(self.base, self.base)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of the modifier: a length, or precision and scale."""
        inside = self.type.partition("(")[2].partition(")")[0]
        return tuple(int(part) for part in inside.split(",") if part.strip().isdigit())

    @property
    def size(self) -> int | None:
        """The length of a character type in bytes."""
        return self.sizes[0] if self.is_text and self.sizes else None

    @property
    def is_text(self) -> bool:
        """Whether this is a character type."""
        return self.base in {"character varying", "character"}


@dataclass(frozen=True)
class Target:
    """A table and the columns to fill, in the order of the files' columns."""

    table_id: int
    table: str
    columns: tuple[Column, ...]


async def find(backend: Backend, statement: CopyStatement) -> Target:
    """Lock the table for writing and look at it; the lock comes first, because looking takes the snapshot.

    Raises:
        RedshiftError: There is no such table or column, or the user may not fill it.
    """
    try:
        await backend.query(f"LOCK TABLE {statement.table} IN EXCLUSIVE MODE")
    except BackendError as problem:
        if problem.code == "42P01":
            shown = statement.table.replace('"', "")
            raise RedshiftError(INTERNAL_ERROR, f"Cannot COPY into nonexistent table {shown}") from problem
        raise
    ((oid, name, kind, may_insert, is_owner),) = await backend.query(_TABLE.format(literal(statement.table)))
    if kind not in {"r", "p"}:
        raise RedshiftError("42809", f"cannot COPY into {name}: it is not a table")
    if may_insert != "t":
        raise RedshiftError("42501", f"permission denied for relation {name}")
    if statement.statistics and is_owner != "t":
        raise RedshiftError("42501", f"must be owner of relation {name}: STATUPDATE ON analyzes it")
    rows = await backend.query(_COLUMNS.format(oid))
    every = [Column(str(name), str(kind), flag == "t", how == "a") for name, kind, flag, how in rows]
    return Target(int(oid or 0), str(name), tuple(_chosen(every, statement)))


def _chosen(every: list[Column], statement: CopyStatement) -> list[Column]:
    """The columns to fill (DG/copy-parameters-column-mapping)."""
    by_name = {column.name: column for column in every}
    for name in statement.columns:
        if name not in by_name:
            raise RedshiftError("42703", f'column "{name}" of relation {statement.table} does not exist')
    chosen = [by_name[name] for name in statement.columns] if statement.columns else every
    if not statement.columns and not statement.explicit_ids:
        return [column for column in chosen if not column.identity]
    listed = [column.name for column in chosen if column.identity]
    if listed and not statement.explicit_ids:
        raise RedshiftError(INTERNAL_ERROR, f"cannot set the IDENTITY column {listed[0]}: it needs EXPLICIT_IDS")
    if statement.explicit_ids and not listed:
        raise RedshiftError(INTERNAL_ERROR, "EXPLICIT_IDS needs an IDENTITY column in the list of columns")
    return chosen
