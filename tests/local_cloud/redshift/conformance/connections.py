"""Two connections of one client: to the endpoint, and to a plain PostgreSQL database in the same server below it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from infrastructure.local.redshift.postgres import BOOTSTRAP_USER, Postgres
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

DATABASE = "plain"


def through(endpoint: Endpoint) -> Any:
    """A connection to the endpoint."""
    options = {"user": "admin", "password": ADMIN_PASSWORD, "dbname": "analytics", "sslmode": "disable"}
    return psycopg2.connect(host="127.0.0.1", port=endpoint.port, **options)


def _connect(state: Path, database: str) -> Any:
    folder = str(Path(Postgres(state).socket).parent)
    return psycopg2.connect(host=folder, user=BOOTSTRAP_USER, dbname=database)


@contextmanager
def beside(state: Path) -> Iterator[Any]:
    """A connection to an empty database of PostgreSQL's own making, straight on the server's socket."""
    server = _connect(state, "postgres")
    server.autocommit = True
    server.cursor().execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    plain = _connect(state, DATABASE)
    yield plain
    plain.close()
    server.cursor().execute(f"DROP DATABASE {DATABASE}")
    server.close()
