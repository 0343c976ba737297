"""Connections to Redshift, and what its errors mean.

    with session(secret, sslmode, name="load x") as connection:
        rows = query(connection, "SELECT ...", (value,))
        with transaction(connection):
            execute(connection, "LOCK ...")

Source of the classification: what the driver (redshift_connector 2.2) gives as `args[0]`, a dict with
C (SQLSTATE), M (message) and D (detail); it raises ProgrammingError for nearly everything.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lambdas.common.errors import AnalyticsError, LoadError, WarehouseBusy

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 10
TRANSIENT_STATES = frozenset({"40001", "40P01", "57014", "57P01", "57P02", "57P03", "53300", "08006", "08003"})
TRANSIENT_TEXT = re.compile(
    r"\b1023\b|serializable isolation violation|conflict with concurrent transaction|deadlock detected"
    r"|could not open relation with oid|retries exceeded|slowdown|server socket closed|communication error"
    r"|cannot read from timed out|connection limit",
    re.IGNORECASE,
)


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
        LoadError: the server refused the user.
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
            application_name=name[:64],
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
    """Let the server end any later statement of this session that takes longer."""
    execute(connection, f"SET statement_timeout TO {int(seconds * 1000)}")


def _classified(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except AnalyticsError:
        raise
    except Exception as error:
        raise classify(error) from error


def classify(error: BaseException) -> AnalyticsError:
    """What a driver's error means: WarehouseBusy where a new connection may help, else LoadError."""
    report = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    text = " ".join(str(report.get(k, "")) for k in ("M", "D")).strip() or str(error)
    state = str(report.get("C", ""))
    lost = not report and isinstance(error, OSError | TimeoutError)
    if lost or state in TRANSIENT_STATES or TRANSIENT_TEXT.search(text):
        return WarehouseBusy(f"{state} {text}".strip())
    return LoadError(f"{state} {text}".strip())
