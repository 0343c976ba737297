"""Which relations are the catalog's, and which of those Redshift has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sqlglot import exp

from infrastructure.local.redshift.errors import RedshiftError

_LISTED = tomllib.loads(Path(__file__).with_name("relations.toml").read_text())
_SCHEMAS = {schema: frozenset(names.split()) for schema, names in _LISTED.items()}
# the views that the catalog installs: a table of the user's may be called sys_events
_INSTALLED = frozenset(
    name
    for text in Path(__file__).parents[1].joinpath("catalog").glob("*.sql")
    for name in re.findall(r"VIEW pg_catalog\.(\w+)", text.read_text())
)
_SYSTEM_VIEWS = frozenset(name for name in _INSTALLED if not name.startswith("rs_"))
# functions of the leader node that clients read from
_FUNCTIONS = {"current_database", "generate_series"}


def is_catalog(table: exp.Table) -> bool:
    """Whether a table is one of the catalog's."""
    if isinstance(table.this, exp.Anonymous):
        return table.this.name.lower().startswith("pg_") or table.this.name.lower() in _FUNCTIONS
    schema, name = table.db.lower(), table.name.lower()
    if schema:
        return schema in _SCHEMAS
    return name in _SYSTEM_VIEWS or name.startswith("pg_")


def require_known(tree: exp.Expr) -> None:
    """Refuse relations of PostgreSQL's catalog, and of this endpoint's own, that Redshift has not.

    Raises:
        RedshiftError: 42P01, naming the first of them.
    """
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or (not table.db and table.name.lower() in named):
            continue
        if is_catalog(table) and not _is_known(table.db.lower(), table.name.lower()):
            raise _unknown(table)
        if not table.db and table.name.lower() in _INSTALLED - _SYSTEM_VIEWS:
            raise _unknown(table)


def _is_known(schema: str, name: str) -> bool:
    if schema == "information_schema":
        return name in _SCHEMAS[schema]
    # a system view that is not here is missed by the backend, which says so with a hint
    return name in _SCHEMAS["pg_catalog"] | _SYSTEM_VIEWS or re.match(r"(svv|svl|stl|stv|sys|svcs)_", name) is not None


def _unknown(table: exp.Table) -> RedshiftError:
    name = f"{table.db}.{table.name}" if table.db else table.name
    return RedshiftError("42P01", f'relation "{name.lower()}" does not exist')
