"""What differs between databases: how one connects, how a statement that takes too long is ended, what errors mean."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from sqlite3 import SQLITE_ERROR
from threading import Timer
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.job import Job
from lambdas.ingest.postgresql import SAMPLES, keep_values
from lambdas.ingest.rest import CONNECT_SECONDS

# SQLSTATE of a statement that took too long
CANCELLED = "57014"
# the part of a statement in which PostgreSQL finds fault, with its values, and sometimes with a half of one
PART = re.compile(r"\nLINE \d+: [^\n]*\n *\^")
# what PostgreSQL says of a login or a database's name comes without a SQLSTATE, as an outage does
REFUSED = re.compile(
    r"FATAL: .*(authentication failed|does not exist|is not permitted to log in|no pg_hba\.conf entry)"
    r"|FATAL: .*permission denied|no password supplied"
)


@contextmanager
def connected(job: Job, url: Any) -> Iterator[Any]:
    """A connection whose statements end at the job's deadline; those of PostgreSQL also after the source's timeout.

    The parameters of a statement, which may be values of a restricted column, are in no error of it.
    """
    from sqlalchemy import create_engine, text

    postgresql = url.get_backend_name() == "postgresql"
    waits = {"connect_timeout": max(1, round(min(job.options.timeout, CONNECT_SECONDS)))} if postgresql else {}
    engine = create_engine(url, hide_parameters=True, connect_args=waits)
    try:
        with engine.connect() as connection, _ended_in_time(job, connection.connection.dbapi_connection):
            if postgresql:
                # a day is a UTC day, whatever the server's zone
                connection.execute(text("SET TIME ZONE 'UTC'"))
                # of rows that are fetched in batches: seconds for each batch
                connection.execute(text(f"SET statement_timeout = {max(1, round(job.options.timeout * 1000))}"))
            if engine.driver == "psycopg2":
                keep_values(connection.connection.dbapi_connection)
            yield connection
    finally:
        engine.dispose()


def any_value(connection: Any, statement: Any) -> Any:
    """The first value that the statement finds, or another of its type where it is a time that Python has not."""
    answer = connection.execute(statement)
    kind = answer.cursor.description[0][1]
    value = answer.scalar()
    return SAMPLES.get(kind, value) if isinstance(value, str) else value


@contextmanager
def _ended_in_time(job: Job, driver: Any) -> Iterator[None]:
    """End what the database is doing at the deadline, where its driver can: psycopg cancels, sqlite3 interrupts."""
    end = getattr(driver, "cancel", None) or getattr(driver, "interrupt", None)
    timer = Timer(max(0.0, job.deadline - time.monotonic()), end) if end else None
    if timer is None:
        yield
        return
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def translated(error: Any, hidden: Sequence[Any]) -> SourceError | SourceUnavailable:
    """What an error of SQLAlchemy means: one that stays, or one that passes. `hidden` are values it must not show."""
    from sqlalchemy.exc import OperationalError

    text = PART.sub("", str(error)) if hidden else str(error)
    for value in hidden:
        text = re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", "***", text) if str(value) else text
    if getattr(getattr(error, "orig", None), "pgcode", None) == CANCELLED:
        text = f"where a statement may take longer, set a higher extract.timeout in defs.yaml: {text}"
    passes = isinstance(error, OperationalError) and not _lasts(error.orig)
    return (SourceUnavailable if passes else SourceError)(f"sql_database: {text}")


def _lasts(error: Any) -> bool:
    # SQLite says so of a wrong statement as well, with the code of errors that have none of their own
    return getattr(error, "sqlite_errorcode", None) == SQLITE_ERROR or bool(REFUSED.search(str(error)))
