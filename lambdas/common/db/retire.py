"""Taking a source's tables or a mart's view out of the warehouse. Nothing in the lake is touched.

The ledger says of a source's objects that they are forgotten, so that they load again where the source is declared
(again): that is also how tables are built anew that a change of the contract does not let stay.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from lambdas.common.db import bi, ledger, views
from lambdas.common.db.columns import read_columns
from lambdas.common.db.redshift import execute, query, rollback, transaction
from lambdas.common.db.sql import identifier, statement
from lambdas.common.errors import RequestError

ALWAYS = (dt.date(1, 1, 1), dt.date(9999, 12, 31))


def list_retired(connection: Any, declared: Collection[str]) -> list[str]:
    """The sources and marts that the warehouse still has and nobody declares, sorted."""
    rows = query(connection, "SELECT source FROM ops.dataset_definition")
    there = {row["source"] for row in rows} | {n for n, view in views.read_views(connection).items() if view.present}
    rollback(connection)
    return sorted(there - set(declared))


def retire(connection: Any, name: str, *, asked_by: str, drop: bool) -> list[str]:
    """The statements that take the source or mart out of the warehouse; with `drop` they have run. Autocommit is off.

    Raises:
        RequestError: the warehouse has no such source or mart, or marts stand on that mart.
    """
    with transaction(connection):
        tables = [f"{schema}.{name}" for schema in ("core", "history") if read_columns(connection, f"{schema}.{name}")]
        known = views.read_views(connection)
    if tables:
        return _retire_source(connection, name, tables, asked_by=asked_by, drop=drop)
    if name in known and known[name].present:
        return _retire_mart(connection, name, drop=drop)
    raise RequestError(f"the warehouse has neither tables of a source {name!r} nor a mart of that name")


def _retire_source(connection: Any, name: str, tables: list[str], *, asked_by: str, drop: bool) -> list[str]:
    with transaction(connection):
        execute(connection, f"LOCK {identifier('ops.lock_' + name)}")
        execute(connection, views.LOCK)
        known = views.read_views(connection)
        on_it = views.find_standing_on(tables, known)
        drops = bi.drops(connection, name) + [f"DROP TABLE {identifier(table)}" for table in tables]
        if not drop:
            return [views.drop_view(mart) for mart in views.drop_order(known, on_it)] + drops
        ran = views.drop_views(connection, known, on_it) + drops
        for sql in drops:
            execute(connection, sql)
        execute(connection, "DELETE FROM ops.dataset_definition WHERE source = %s", (name,))
        _forget_entries(connection, name, asked_by)
    return ran


def _forget_entries(connection: Any, source: str, asked_by: str) -> None:
    entries = [
        ledger.Entry(
            raw_key,
            row["raw_day"],
            row["etag"],
            row["contract_hash"],
            ledger.FORGOTTEN,
            reason="its tables were dropped",
        )
        for raw_key, row in ledger.read_in_force(connection, source, *ALWAYS).items()
        if row["status"] != ledger.FORGOTTEN
    ]
    stamp = ledger.Stamp(source, "retire", ledger.read_generation(connection, source) + 1, asked_by)
    ledger.append(connection, stamp, entries)


def _retire_mart(connection: Any, name: str, *, drop: bool) -> list[str]:
    with transaction(connection):
        execute(connection, views.LOCK)
        known = views.read_views(connection)
        if on_it := sorted(views.find_standing_on([f"mart.{name}"], known)):
            raise RequestError(f"the marts {', '.join(on_it)} stand on {name}: retire them first")
        if not drop:
            return [views.drop_view(name)]
        ran = views.drop_views(connection, known, [name])
        for table in ("mart_definition", "mart_state"):
            execute(connection, statement("mart_forget").format(table=table), (name,))
    return ran
