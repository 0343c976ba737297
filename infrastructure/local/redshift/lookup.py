"""What the translation of a statement has to know from the catalog: the columns of its tables."""

from __future__ import annotations

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.scope import KnownColumns

_QUERY = """
SELECT t.name, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.unnest(ARRAY[{}]::pg_catalog.text[]) AS t (name)
JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(t.name)
WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY t.name, a.attnum
"""


async def known_columns(backend: Backend, tables: tuple[str, ...]) -> KnownColumns:
    """The columns of tables, with their types as the backend names them.

    Args:
        backend: The session's connection, whose search path and temporary tables count.
        tables: Quoted names; one that does not exist has no columns.
    """
    found: dict[str, list[tuple[str, str]]] = {table: [] for table in tables}
    for table, column, name in await backend.query(_QUERY.format(", ".join(map(literal, tables)))):
        found[str(table)].append((str(column), str(name)))
    return tuple((table, tuple(columns)) for table, columns in found.items())
