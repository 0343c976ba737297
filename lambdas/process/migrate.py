"""The migrate function: users, schemas and grants as admin, then tables and views as the loader. Safe to repeat.

Runs from the process image, with the admin's secret and a role of its own.
"""

import logging
from typing import Any

from lambdas.common import telemetry
from lambdas.common.contract import load_marts, load_sources
from lambdas.common.db import access, ddl, marts
from lambdas.common.db.redshift import autocommit, execute, read_secret, session
from lambdas.common.db.sql import statement
from lambdas.common.settings import Settings

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Bring the warehouse to the contracts.

    Returns:
        {"applied": statements that changed something, "datasets": names}.

    Raises:
        ContractError: a contract asks for a change that is not additive.
        WarehouseBusy: the warehouse did not answer; run again.
    """
    telemetry.start("migrate", context)
    settings = Settings.from_environment()
    import boto3

    secrets = boto3.client("secretsmanager")
    applied = _migrate_access(secrets, settings) + _migrate_datasets(secrets, settings)
    for text in applied:
        logger.info("applied: %s", text)
    return {"applied": [text[:200] for text in applied], "datasets": sorted(load_sources() | load_marts())}


def _migrate_access(secrets: Any, settings: Settings) -> list[str]:
    admin = read_secret(secrets, settings.warehouse_secret)
    loader = read_secret(secrets, settings.loader_secret)
    reader = read_secret(secrets, settings.reader_secret)
    with session(admin, settings.warehouse_sslmode, name="analytics migrate") as connection, autocommit(connection):
        for secret in (loader, reader):
            access.migrate_user(connection, secret["username"], secret["password"])
        return access.migrate_schemas(connection)


def _migrate_datasets(secrets: Any, settings: Settings) -> list[str]:
    loader = read_secret(secrets, settings.loader_secret)
    with session(loader, settings.warehouse_sslmode, name="analytics migrate") as connection:
        with autocommit(connection):
            for text in statement("ops_tables").split(";\n"):
                execute(connection, text)
            access.grant_reading(connection)
        applied = [sql for c in load_sources().values() for sql in ddl.migrate_source(connection, c)]
        for mart in marts.in_order(load_marts()):
            applied += marts.migrate_mart(connection, mart)
    return applied
