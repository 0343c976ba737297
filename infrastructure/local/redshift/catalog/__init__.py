"""The database that clients find: roles, and Redshift's functions and views in pg_catalog.

The SQL files are installed when their text has changed. What a user has built on them stays.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.postgres import BOOTSTRAP_USER
from infrastructure.local.redshift.settings import ADMIN, DATABASE

_FILES = (
    "leftovers.sql",
    "windows.sql",
    "blanks.sql",
    "booleans.sql",
    "super.sql",
    "merging.sql",
    "calendar.sql",
    "division.sql",
    "functions.sql",
    "guards.sql",
    "attributes.sql",
    "append.sql",
    "refresh.sql",
    "roles.sql",
    "loads.sql",
    "views.sql",
    "shadows.sql",
    "activity.sql",
    "queries.sql",
    "tableinfo.sql",
    "show.sql",
)


async def install(socket: str, admin_password: str) -> None:
    """Bring roles and catalog up to date.

    Args:
        socket: The server's Unix socket.
        admin_password: The password that `admin` has from now on.
    """
    await _create_database(socket, admin_password)
    text = "\n".join(Path(__file__).with_name(name).read_text() for name in _FILES)
    version = hashlib.sha256(text.encode()).hexdigest()
    backend = await Backend.trusted(socket, user=BOOTSTRAP_USER, database=DATABASE)
    try:
        found = await backend.query(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'pg_catalog'"
        )
        if found[0][0] != version:
            await backend.script(f"BEGIN; SET LOCAL allow_system_table_mods TO on; {text}; COMMIT")
            await backend.query(f"COMMENT ON SCHEMA pg_catalog IS {literal(version)}")
    finally:
        backend.close()


async def _create_database(socket: str, admin_password: str) -> None:
    backend = await Backend.trusted(socket, user=BOOTSTRAP_USER, database="postgres")
    try:
        if not await backend.query(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(ADMIN)}"):  # noqa: S608
            await backend.query(f"CREATE ROLE {ADMIN} LOGIN SUPERUSER CREATEDB CREATEROLE")
        await backend.query(f"ALTER ROLE {ADMIN} PASSWORD {literal(admin_password)}")
        if not await backend.query(f"SELECT 1 FROM pg_database WHERE datname = {literal(DATABASE)}"):  # noqa: S608
            await backend.query(f"CREATE DATABASE {DATABASE} OWNER {ADMIN}")
    finally:
        backend.close()
