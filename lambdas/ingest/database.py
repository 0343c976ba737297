"""Rows of a database table or query, by SQLAlchemy, in batches, as they come over the wire."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.common.source import KEYS
from lambdas.ingest.job import Job
from lambdas.ingest.keyset import Keyset
from lambdas.ingest.spool import Rows

BATCH = 5000


def extract_database(job: Job) -> Rows:
    """The rows of `table` or `query`; those of the window alone where `window_column` is set.

    What is read whole and has a key comes slice by slice, in the order of the key. Bounds on `window_column` are UTC
    days, end excluded; a query may hold {start} and {end} itself instead.

    Raises:
        SourceError: the configuration, the statement or the login is wrong.
        SourceUnavailable: the database did not answer.
    """
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    unknown = set(job.config) - set(KEYS["sql_database"])
    if unknown or "url" not in job.config or ("table" in job.config) == ("query" in job.config):
        given = sorted(job.config)
        raise SourceError(f"sql_database: takes url, either table or query, and window_column; defs.yaml has {given}")
    try:
        key = Keyset((), (job.slice.at or {}).get("after"))
        rows = job.keep(_records(job, key))
        return replace(rows, sparse=False, following=key.following)  # a row of a table has all its columns
    except OperationalError as error:
        # SQLite says so of a wrong statement as well
        kind = SourceError if "no such" in str(error) or "syntax error" in str(error) else SourceUnavailable
        raise kind(f"sql_database: {error}") from error
    except (SQLAlchemyError, ImportError) as error:
        raise SourceError(f"sql_database: {error}") from error


def _records(job: Job, key: Keyset) -> Iterator[Mapping[str, Any]]:
    from sqlalchemy import create_engine, text

    engine = create_engine(_url(job))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET TIME ZONE 'UTC'"))  # a day is a UTC day, whatever the server's zone
            options = {"stream_results": True, "yield_per": BATCH}
            _require_days(job, connection)
            statement = _statement(job)
            if job.window is None and job.key:
                key.names = _key_columns(job, connection)
                statement = key.bounded(statement, connection) if key.names else statement
            answer = connection.execute(statement, execution_options=options)
            names = _distinct(list(answer.keys()), engine.dialect.name)
            yield from (dict(zip(names, row, strict=True)) for row in answer)
    finally:
        engine.dispose()


def _key_columns(job: Job, connection: Any) -> tuple[str, ...]:
    """The columns of the contract's key as the database spells them; empty where it lacks one."""
    from sqlalchemy import false, select, text

    nothing = select(text("*")).select_from(_asked(job)).where(false())
    known = {name.lower(): name for name in connection.execute(nothing).keys()}  # noqa: SIM118 - no mapping
    found = tuple(known.get(name.lower(), "") for name in job.key)
    return found if all(found) else ()


def _distinct(names: list[str], dialect: str) -> list[str]:
    """The names, if none comes twice. SQLite calls a second `a` of a query `a:1`."""
    known = [re.sub(r":\d+$", "", name) if dialect == "sqlite" else name for name in names]
    twins = sorted({name for name in known if name in names and known.count(name) > 1})
    if twins:
        raise SourceError(f"sql_database: more than one column is named {', '.join(twins)}; give each a name by AS")
    return names


def _url(job: Job) -> Any:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(str(job.config["url"]))
    except (ArgumentError, ValueError):
        # the error may quote a part of the password
        raise SourceError(
            "sql_database: url cannot be read; write dialect+driver://user:password@host:port/name, with signs such "
            "as @ and / of the password percent-encoded"
        ) from None


def _require_days(job: Job, connection: Any) -> None:
    """Refuse a window over numbers in SQLite, where any number is less than any text: no row would be found."""
    from sqlalchemy import func, select

    if "window_column" not in job.config or job.window is None or connection.dialect.name != "sqlite":
        return
    key = _window_column(job)
    kind = connection.execute(
        select(func.typeof(key)).select_from(_asked(job)).where(func.typeof(key).in_(("integer", "real"))).limit(1)
    ).scalar()
    if kind:
        raise SourceError(
            f"sql_database: window_column {job.config['window_column']} holds numbers ({kind}), which do not compare "
            "with days; leave it out and write a query with {start:epoch} and {end:epoch}"
        )


def _window_column(job: Job) -> Any:
    from sqlalchemy import column

    return column(str(job.config["window_column"]))


def _asked(job: Job) -> Any:
    from sqlalchemy import table, text

    if "query" in job.config:
        # a colon before a word is the query's own, and no parameter of SQLAlchemy's
        query = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", str(job.config["query"]))
        return text(f"({query}) AS asked")
    schema, _, name = str(job.config["table"]).rpartition(".")
    return table(name, schema=schema or None)


def _statement(job: Job) -> Any:
    from sqlalchemy import Date, bindparam, select, text

    statement = select(text("*")).select_from(_asked(job))
    if "window_column" not in job.config or job.window is None:
        return statement
    key = _window_column(job)
    start = bindparam("window_start", job.window.start, type_=Date)
    end = bindparam("window_end", job.window.end, type_=Date)
    return statement.where(key >= start, key < end).order_by(key)
