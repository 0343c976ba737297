"""Rows of a database table or query, by SQLAlchemy, in batches, as they come over the wire."""

from collections.abc import Iterator
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.job import Job
from lambdas.ingest.spool import Rows

BATCH = 5000
KNOWN = {"url", "table", "query", "window_column"}


def extract_database(job: Job) -> Rows:
    """The rows of `table` or `query`; those of the window alone where `window_column` is set.

    Bounds on `window_column` are UTC days, end excluded; a query may hold {start} and {end} itself instead.

    Raises:
        SourceError: the configuration, the statement or the login is wrong.
        SourceUnavailable: the database did not answer.
    """
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    unknown = set(job.config) - KNOWN
    if unknown or "url" not in job.config or ("table" in job.config) == ("query" in job.config):
        given = sorted(job.config)
        raise SourceError(f"sql_database: takes url, either table or query, and window_column; defs.yaml has {given}")
    try:
        return job.keep(_records(job))
    except OperationalError as error:
        # SQLite says so of a wrong statement as well
        kind = SourceError if "no such" in str(error) or "syntax error" in str(error) else SourceUnavailable
        raise kind(f"sql_database: {error}") from error
    except (SQLAlchemyError, ImportError) as error:
        raise SourceError(f"sql_database: {error}") from error


def _records(job: Job) -> Iterator[dict[str, Any]]:
    from sqlalchemy import create_engine, text

    engine = create_engine(job.config["url"])
    try:
        with engine.connect().execution_options(stream_results=True, yield_per=BATCH) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET TIME ZONE 'UTC'"))  # a day is a UTC day, whatever the server's zone
            for row in connection.execute(_statement(job)).mappings():
                yield dict(row)
    finally:
        engine.dispose()


def _statement(job: Job) -> Any:
    from sqlalchemy import Date, bindparam, column, select, table, text

    columns = text("*")
    if "query" in job.config:
        statement = select(columns).select_from(text(f"({job.config['query']}) AS asked"))
    else:
        schema, _, name = str(job.config["table"]).rpartition(".")
        statement = select(columns).select_from(table(name, schema=schema or None))
    if "window_column" not in job.config or job.window is None:
        return statement
    key: Any = column(str(job.config["window_column"]))
    start = bindparam("window_start", job.window.start, type_=Date)
    end = bindparam("window_end", job.window.end, type_=Date)
    return statement.where(key >= start, key < end).order_by(key)
