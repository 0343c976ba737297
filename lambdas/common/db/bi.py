"""What BI tools see: schema bi, a view a dataset without restricted columns, and the user bi who reads nothing else.

The views are bound to their tables, because tools find only the columns of such views: whoever drops a table or
changes a column's type drops the view first, and the next migration puts it back.
"""

from collections.abc import Iterable
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.redshift import execute, query, transaction
from lambdas.common.db.sql import identifier, identifiers, statement

USER, SCHEMA = "bi", "bi"


def migrate_views(connection: Any, contracts: Iterable[Contract]) -> list[str]:
    """Bring the views to the contracts, each in a transaction of its own; returns the statements that ran.

    To be called as the owner of the tables, with autocommit off.
    """
    ran: list[str] = []
    with transaction(connection):
        execute(connection, f"GRANT USAGE ON SCHEMA {identifier(SCHEMA)} TO {identifier(USER)}")
    for contract in contracts:
        with transaction(connection):
            if _columns(connection, contract.name) != _shown(contract):
                ran += [*drop_view(connection, contract.name), *_create(contract)]
                for sql in _create(contract):
                    execute(connection, sql)
    return ran


def drop_view(connection: Any, name: str) -> list[str]:
    """Drop a dataset's view if it is there; the statement if it ran."""
    ran = drops(connection, name)
    for sql in ran:
        execute(connection, sql)
    return ran


def drops(connection: Any, name: str) -> list[str]:
    """The statement that drops a dataset's view, if it is there."""
    return [f"DROP VIEW {identifier(f'{SCHEMA}.{name}')}"] if _columns(connection, name) else []


def _create(contract: Contract) -> tuple[str, str]:
    view, table = identifier(f"{SCHEMA}.{contract.name}"), identifier(f"{contract.schema}.{contract.name}")
    return (
        f"CREATE VIEW {view} AS SELECT {identifiers(_shown(contract))} FROM {table}",
        f"GRANT SELECT ON {view} TO {identifier(USER)}",
    )


def _shown(contract: Contract) -> list[str]:
    return [column.name for column in contract.columns if not column.restricted]


def _columns(connection: Any, name: str) -> list[str]:
    return [row["column_name"] for row in query(connection, statement("columns"), (SCHEMA, name))]
