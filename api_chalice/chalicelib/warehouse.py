"""The function's connection to the warehouse: opened when needed, kept between invocations, replaced when broken."""

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lambdas.common.db import redshift
from lambdas.common.errors import LoadError, WarehouseBusy
from lambdas.common.settings import environment_name, require

from .errors import timed_out, unavailable
from .query import Statement

logger = logging.getLogger(__name__)

# The gateway gives up after 29 s. The server stops a statement first, then the socket, and a second attempt is
# made only where the first failed soon.
STATEMENT_SECONDS, SOCKET_SECONDS, RETRY_WITHIN_SECONDS = 20, 24, 4.0
RETRY_AFTER_SECONDS, NOT_READY_SECONDS = 5, 60
CANCELLED, NO_TABLE = "57014", ("42P01", "3F000", "55000")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds after which the server stops a statement, and the client gives its silent socket up."""

    statement: int
    socket: int


LIMITS = Limits(STATEMENT_SECONDS, SOCKET_SECONDS)
# An export's function may run for 900 s.
EXPORT_LIMITS = Limits(800, 840)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the function is told by its environment: the id of the reader's secret, and how to use TLS."""

    env: str
    warehouse_secret: str
    warehouse_sslmode: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ApiSettings":
        """The settings in an environment.

        Raises:
            SettingsError: a variable is missing or not allowed; names it.
        """
        return cls(
            environment_name(environ),
            require(environ, "WAREHOUSE_SECRET"),
            environ.get("WAREHOUSE_SSLMODE") or "verify-ca",
        )


def connect_to_warehouse(settings: ApiSettings, limits: Limits = LIMITS) -> Any:
    """A session of the database user whose login lies in the secret.

    Raises:
        WarehouseBusy: nobody answered.
        LoadError: the secret cannot be read, or the server refused the user.
    """
    import boto3  # imported here: health and documentation need neither it nor the driver
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        secret = redshift.read_secret(boto3.client("secretsmanager", config=config), settings.warehouse_secret)
    except (BotoCoreError, ClientError) as error:
        raise LoadError(f"the secret {settings.warehouse_secret} cannot be read: {error}") from error
    return open_session(secret, settings.warehouse_sslmode, name=f"analytics-{settings.env}-api", limits=limits)


def open_session(secret: dict[str, Any], sslmode: str, *, name: str, limits: Limits = LIMITS) -> Any:
    """A session whose statements the server stops in time, and counts under the query group `api`.

    Raises:
        WarehouseBusy: nobody answered.
        LoadError: the server refused the user.
    """
    connection = redshift.connect(secret, sslmode, name=name, timeout=limits.socket)
    with redshift.transaction(connection):
        redshift.set_timeout(connection, limits.statement)
        redshift.execute(connection, "SET query_group TO 'api'")
    return connection


class Warehouse:
    """Runs read-only work in one snapshot. One connection, used by one caller at a time."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._connection: Any = None
        self._lock = threading.Lock()

    def read(self, work: Callable[["Snapshot"], Result]) -> Result:
        """What `work` makes of one snapshot; work may run twice, the second time on a new connection.

        Raises:
            ApiError: 503 where the warehouse cannot be reached or has no such table yet, 504 where it took too long.
            LoadError: a statement is wrong.
        """
        with self._lock:
            started = time.monotonic()
            try:
                return self._attempt(work)
            except WarehouseBusy as error:
                if str(error).startswith(CANCELLED):
                    raise timed_out(STATEMENT_SECONDS) from error
                if time.monotonic() - started > RETRY_WITHIN_SECONDS:
                    raise unavailable("The warehouse does not answer.", RETRY_AFTER_SECONDS) from error
                logger.warning("the warehouse failed, once more on a new connection: %s", error)
            return self._last_attempt(work)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            redshift.close(self._connection)
            self._connection = None

    def _last_attempt(self, work: Callable[["Snapshot"], Result]) -> Result:
        try:
            return self._attempt(work)
        except WarehouseBusy as error:
            logger.warning("the warehouse failed again: %s", error)
            if str(error).startswith(CANCELLED):
                raise timed_out(STATEMENT_SECONDS) from error
            raise unavailable("The warehouse does not answer.", RETRY_AFTER_SECONDS) from error

    def _opened(self) -> Any:
        try:
            return self._connect()
        except LoadError as error:
            logger.exception("the warehouse does not let the API in")
            raise unavailable("The warehouse does not let the API in.", NOT_READY_SECONDS) from error

    def _attempt(self, work: Callable[["Snapshot"], Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = self._opened()
            return work(Snapshot(self._connection))
        except WarehouseBusy as error:
            if not str(error).startswith(CANCELLED):
                self.close()
            raise
        except LoadError as error:
            if str(error).startswith(NO_TABLE):
                logger.warning("a table is not there: %s", error)
                raise unavailable("The dataset is not in the warehouse yet.", NOT_READY_SECONDS) from error
            raise
        finally:
            # whatever happened: a transaction left open would show the next caller this one's snapshot
            if self._connection is not None:
                redshift.rollback(self._connection)


class Snapshot:
    """One transaction: all its statements see the same state."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, statement: Statement) -> list[dict[str, Any]]:
        """The rows of one SELECT by column name."""
        return redshift.query(self._connection, statement.sql, statement.values)


def default_warehouse() -> Warehouse:
    """The warehouse that the process's environment names; nothing is read or opened before the first query."""
    return Warehouse(lambda: connect_to_warehouse(ApiSettings.from_environment(os.environ)))


def export_session() -> Any:
    """A session for an export. Errors as `connect_to_warehouse`."""
    return connect_to_warehouse(ApiSettings.from_environment(os.environ), EXPORT_LIMITS)


def utc_now() -> dt.datetime:
    """Now, UTC."""
    return dt.datetime.now(dt.UTC)


def utc_today() -> dt.date:
    """Today, UTC."""
    return dt.datetime.now(dt.UTC).date()
