"""The migrate function: users, schemas and grants as admin, then tables and views as the loader. Safe to repeat.

{}                                                    bring the warehouse to the contracts
{"action": "compare"}                                 only look whether that can be had in place
{"action": "retire", "name": "weather", "drop": true} take a source's tables or a mart's view out of the warehouse

Runs from the process image, with the admin's secret and a role of its own.
"""

import logging
from collections.abc import Mapping
from typing import Any

from lambdas.common import telemetry
from lambdas.common.contract import Contract, load_marts, load_sources
from lambdas.common.db import access, bi, changes, ddl, retire, views
from lambdas.common.db.columns import read_columns
from lambdas.common.db.redshift import autocommit, read_secret, rollback, session
from lambdas.common.errors import ContractError, RequestError
from lambdas.common.settings import Settings

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Bring the warehouse to the contracts, or take out of it what the event names.

    Returns:
        Of a migration {"applied": statements that changed something, "datasets": names, "retired": names of sources
        and marts that nobody declares any more, "retired_columns": statements that would drop retired columns}. Of a
        retirement {"statements", "dropped": whether they ran}.

    Raises:
        ContractError: a contract asks for a change that is not additive; no table was changed. Says what to do.
        RequestError: the event asks for something that cannot be.
        WarehouseBusy: the warehouse did not answer; run again.
    """
    telemetry.start("migrate", context, event)
    if event.get("action") == "ping":
        return {"function": "migrate"}
    settings = Settings.from_environment()
    import boto3

    secrets = boto3.client("secretsmanager")
    action = event.get("action", "migrate")
    if action == "migrate":
        return _migrate(secrets, settings)
    if action == "compare":
        return _compare(secrets, settings)
    if action == "retire":
        return _retire(secrets, settings, event, asked_by=telemetry.request_id(context) or "by hand")
    raise RequestError(f"action {action!r} is unknown; allowed are migrate, compare and retire")


def _migrate(secrets: Any, settings: Settings) -> dict[str, Any]:
    applied = _migrate_access(secrets, settings)
    sources, marts = load_sources(), load_marts()
    with _loader_session(secrets, settings) as connection:
        applied += ddl.migrate_ops(connection)
        with autocommit(connection):
            access.grant_reading(connection)
        applied += migrate_datasets(connection, sources, marts)
        applied += bi.migrate_views(connection, (sources | marts).values())
        found = {"datasets": sorted(sources | marts), **_find_retired(connection, sources, marts)}
    for text in applied:
        logger.info("applied: %s", text)
    return {"applied": [text[:200] for text in applied], **found}


def _compare(secrets: Any, settings: Settings) -> dict[str, Any]:
    sources = load_sources()
    with _loader_session(secrets, settings) as connection:
        require_additive(connection, sources)
    return {"datasets": sorted(sources)}


def _migrate_access(secrets: Any, settings: Settings) -> list[str]:
    admin = read_secret(secrets, settings.warehouse_secret)
    users = [read_secret(secrets, s) for s in (settings.loader_secret, settings.reader_secret, settings.bi_secret)]
    with session(admin, settings.warehouse_sslmode, name="analytics migrate") as connection, autocommit(connection):
        for secret in users:
            access.migrate_user(connection, secret["username"], secret["password"])
        return access.migrate_schemas(connection)


def _loader_session(secrets: Any, settings: Settings) -> Any:
    loader = read_secret(secrets, settings.loader_secret)
    return session(loader, settings.warehouse_sslmode, name="analytics migrate")


def migrate_datasets(connection: Any, sources: Mapping[str, Contract], marts: Mapping[str, Contract]) -> list[str]:
    """Bring tables and views to these contracts; returns the statements that ran.

    All is checked before anything is changed. Marts stay until the last moment: tables grow first, and only then a
    view in the way of a longer varchar goes, and comes back before the next source's turn.

    Raises:
        ContractError: what some contracts ask for cannot be had in place, or the warehouse refuses a mart's SELECT, or
            a view's columns are not what its mart's contract says; names all of them, or the mart that was refused.
    """
    require_additive(connection, sources)
    ran = [sql for contract in sources.values() for sql in ddl.extend_source(connection, contract)]
    ran += [sql for contract in sources.values() for sql in ddl.widen_source(connection, contract, marts)]
    ran += views.migrate_marts(connection, marts)
    views.require_types(connection, marts.values())
    return ran


def require_additive(connection: Any, sources: Mapping[str, Contract]) -> None:
    """Make sure that all tables can be brought to these contracts in place; changes nothing.

    Raises:
        ContractError: names all that cannot, with the steps that a person can take.
    """
    obstacles = [(contract, ddl.check_source(connection, contract)) for contract in sources.values()]
    if refused := [changes.refuse(contract, reasons) for contract, reasons in obstacles if reasons]:
        raise ContractError("\n".join(refused))


def _find_retired(
    connection: Any, sources: Mapping[str, Contract], marts: Mapping[str, Contract]
) -> dict[str, list[str]]:
    columns = [
        sql
        for contract in sources.values()
        for table in ddl.tables(contract)
        for sql in changes.drop_retired(contract, table, read_columns(connection, table))
    ]
    rollback(connection)
    names = retire.list_retired(connection, [*sources, *marts])
    for text in [f"{name} is not declared any more; analytics retire {name} --drop" for name in names] + columns:
        logger.warning("retired, left to a person: %s", text)
    return {"retired": names, "retired_columns": columns}


def _retire(secrets: Any, settings: Settings, event: Mapping[str, Any], *, asked_by: str) -> dict[str, Any]:
    name, drop = event.get("name"), event.get("drop", False)
    if not isinstance(name, str) or not isinstance(drop, bool):
        raise RequestError(f"name is {name!r} and drop is {drop!r}; expected a text, and true or false")
    with _loader_session(secrets, settings) as connection:
        statements = retire.retire(connection, name, asked_by=str(event.get("requested_by") or asked_by), drop=drop)
    for text in statements if drop else ():
        logger.info("retired: %s", text)
    return {"statements": statements, "dropped": drop}
