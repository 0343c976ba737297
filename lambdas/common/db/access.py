"""Users, schemas and grants: what CloudFormation cannot create. Runs as the warehouse's admin, again and again."""

import hashlib
from typing import Any

from lambdas.common.db import bi
from lambdas.common.db.redshift import execute, query
from lambdas.common.db.sql import identifier, literal, statement

SCHEMAS = ("core", "history", "mart", "ops")
OWNER, READER = "loader", "reader"
LOADER_IDLE_SECONDS = 120


def migrate_user(connection: Any, name: str, password: str) -> str:
    """Create the user, or set its password again; the statement without its password.

    Only a digest goes into the SQL text. Source: CREATE USER, "'md5' followed by md5(password + user name)".
    """
    verb = "ALTER" if query(connection, statement("user_exists"), (name,)) else "CREATE"
    digest = hashlib.md5((password + name).encode()).hexdigest()  # noqa: S324 - the form that Redshift takes
    execute(connection, f"{verb} USER {identifier(name)} PASSWORD {literal('md5' + digest)}")
    if name == OWNER:
        # A loader that freezes in its transaction holds its source's lock; the server then ends the idle session.
        execute(connection, f"ALTER USER {identifier(name)} SESSION TIMEOUT {LOADER_IDLE_SECONDS}")
        # Who waits for a lock reads in the holder's name until when it works. Superusers' views are granted one by one
        # (DG/cm_chap_system-tables, visibility of data).
        execute(connection, f"GRANT SELECT ON pg_catalog.sys_connection_log TO {identifier(name)}")
    return f"{verb} USER {name}"


def migrate_schemas(connection: Any) -> list[str]:
    """Create the schemas as the loader's own; returns the statements that ran."""
    ran = []
    for schema in (*SCHEMAS, bi.SCHEMA):
        if not query(connection, statement("schema_exists"), (schema,)):
            ran.append(f"CREATE SCHEMA {identifier(schema)} AUTHORIZATION {identifier(OWNER)}")
            execute(connection, ran[-1])
    return ran


def grant_reading(connection: Any) -> None:
    """Let the reader select from all tables of the schemas, today's and tomorrow's. Runs as their owner."""
    for schema in SCHEMAS:
        name, reader = identifier(schema), identifier(READER)
        execute(connection, f"GRANT USAGE ON SCHEMA {name} TO {reader}")
        execute(connection, f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {reader}")
        execute(connection, f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO {reader}")
