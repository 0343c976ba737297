"""Connections to Redshift, and what its errors mean.

    with session(secret, sslmode, name="load x") as connection:
        rows = query(connection, "SELECT ...", (value,))
        with transaction(connection):
            execute(connection, "LOCK ...")

Errors come out as `lambdas.common.db.classify` reads them.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lambdas.common.db.classify import classify
from lambdas.common.errors import AnalyticsError

logger = logging.getLogger(__name__)

# Redshift keeps 250 characters of an application name (DG/SYS_CONNECTION_LOG).
NAME_LENGTH = 250


def read_secret(secrets: Any, secret_id: str) -> dict[str, Any]:
    """The secret as AWS keeps it for Redshift: host, port, dbname, username, password."""
    found: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
    return found


def connect(secret: dict[str, Any], sslmode: str, *, name: str = "analytics", timeout: int | None = None) -> Any:
    """A new connection with autocommit off.

    Args:
        secret: what `read_secret` gives.
        sslmode: disable, or a mode of redshift_connector such as verify-ca.
        name: what the server shows as application_name.
        timeout: seconds after which a silent socket is given up; the server's own limit must be lower.

    Raises:
        WarehouseBusy: nobody answered.
        LoginRefused: the server refused user or password.
    """
    import redshift_connector  # imported here: 0.2 s that health checks and documentation need not pay

    # The driver knows two modes and passes others over in silence: whatever asks for TLS gets a verified one.
    verified = "verify-full" if sslmode == "verify-full" else "verify-ca"
    options: dict[str, Any] = {"ssl": False} if sslmode == "disable" else {"ssl": True, "sslmode": verified}
    try:
        connection = redshift_connector.connect(
            host=secret["host"],
            port=int(secret["port"]),
            database=secret["dbname"],
            user=secret["username"],
            password=secret["password"],
            application_name=name[:NAME_LENGTH],
            timeout=timeout,
            **options,
        )
    except (redshift_connector.Error, OSError) as error:
        raise classify(error) from error
    connection.autocommit = False
    return connection


@contextmanager
def session(secret: dict[str, Any], sslmode: str, *, name: str, timeout: int | None = None) -> Iterator[Any]:
    """A connection that is closed at the end, whatever happens; errors come out classified."""
    connection = connect(secret, sslmode, name=name, timeout=timeout)
    try:
        yield connection
    finally:
        close(connection)


def close(connection: Any) -> None:
    """Close without complaint: a broken connection has nothing left to lose."""
    try:
        connection.close()
    except Exception as error:  # noqa: BLE001 - the driver raises many kinds on a dead socket
        logger.debug("closing a broken connection: %s", error)


@contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """Begin with the first statement, commit at the end, roll back on any error."""
    try:
        yield
        _classified(connection.commit)
    except BaseException:
        rollback(connection)
        raise


@contextmanager
def autocommit(connection: Any) -> Iterator[None]:
    """Each statement commits by itself inside the block."""
    connection.autocommit = True
    try:
        yield
    finally:
        connection.autocommit = False


def rollback(connection: Any) -> None:
    """Roll back without complaint: on a dead connection the server does it."""
    try:
        connection.rollback()
    except Exception as error:  # noqa: BLE001 - see close
        logger.debug("rolling back a broken connection: %s", error)


def execute(connection: Any, sql: str, args: Sequence[Any] = ()) -> int:
    """Run one statement; the number of rows it touched, -1 where the server does not say.

    Raises:
        WarehouseBusy: run the whole transaction again, on a new connection.
        LoadError: it fails again until somebody mends it.
    """
    with connection.cursor() as cursor:
        _classified(cursor.execute, sql, tuple(args) or None)
        return int(cursor.rowcount)


def query(connection: Any, sql: str, args: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Run one SELECT; its rows as dicts by column name. Errors as `execute`."""
    with connection.cursor() as cursor:
        _classified(cursor.execute, sql, tuple(args) or None)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def set_timeout(connection: Any, seconds: float) -> None:
    """Let the server end any later statement of this session that takes longer; one second at least (0 is none)."""
    execute(connection, f"SET statement_timeout TO {max(int(seconds * 1000), 1000)}")


def _classified(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except AnalyticsError:
        raise
    except Exception as error:
        raise classify(error) from error
