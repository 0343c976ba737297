"""Rows of a database table or query, by SQLAlchemy, in batches, as they come over the wire."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.errors import SourceError
from lambdas.common.source import KEYS
from lambdas.ingest.dialects import any_value, connected, translated
from lambdas.ingest.job import Job
from lambdas.ingest.keyset import Keyset
from lambdas.ingest.request import Window
from lambdas.ingest.spool import Rows
from lambdas.ingest.windows import Asked, ask, condition

BATCH = 5000


def extract_database(job: Job) -> Rows:
    """The rows of `table` or `query`; those around the window alone where `window_column` is set.

    What is read whole and has a key comes slice by slice, in the order of the key. `lambdas.ingest.windows` says which
    rows a window asks for, of which landing keeps those of its UTC days. A query may hold {start} and {end} itself.

    Raises:
        SourceError: the configuration, the statement or the login is wrong.
        SourceUnavailable: the database did not answer, or not in time.
    """
    from sqlalchemy.exc import SQLAlchemyError

    unknown = set(job.config) - set(KEYS["sql_database"])
    if unknown or "url" not in job.config or ("table" in job.config) == ("query" in job.config):
        given = sorted(job.config)
        raise SourceError(f"sql_database: takes url, either table or query, and window_column; defs.yaml has {given}")
    read = _Read(Keyset((), (job.slice.at or {}).get("after")))
    try:
        rows = job.keep(_records(job, read))
        # a row of a table has all its columns
        return replace(rows, sparse=False, following=read.key.following, asked=read.asked)
    except SQLAlchemyError as error:
        job.require_time("a statement that did not end")
        raise translated(error, read.key.positions()) from error
    except ImportError as error:
        raise SourceError(f"sql_database: {error}") from error


@dataclass(slots=True)
class _Read:
    """What is known of the reading only once it is under way."""

    key: Keyset
    asked: Asked | None = None


def _records(job: Job, read: _Read) -> Iterator[Mapping[str, Any]]:
    with connected(job, _url(job)) as connection:
        options = {"stream_results": True, "yield_per": BATCH}
        statement, read.asked = _statement(job, connection)
        if job.window is None and job.key:
            read.key.names = _key_columns(job, connection)
            statement = read.key.bounded(statement, connection) if read.key.names else statement
        answer = connection.execute(statement, execution_options=options)
        names = _distinct(list(answer.keys()), connection.dialect.name)
        yield from (dict(zip(names, row, strict=True)) for row in answer)


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


def _require_days(job: Job, window: Window, connection: Any) -> None:
    """Refuse a window over numbers in SQLite, where any number is less than any text: no row would be found."""
    from sqlalchemy import func, select

    if connection.dialect.name != "sqlite":
        return
    kind = func.typeof(_window_column(job))
    found = select(_window_column(job)).select_from(_asked(job)).where(kind.in_(("integer", "real"))).limit(1)
    number = connection.execute(found).scalar()
    if number is not None:
        _ask(job, window, connection, number)


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


def _ask(job: Job, window: Window, connection: Any, value: Any) -> Asked:
    # of other databases nobody knows the zone in which they compare a day with a time that has one
    exact_zones = connection.dialect.name == "postgresql"
    name = str(job.config["window_column"])
    return ask(name, window, job.event_time, value, exact_zones=exact_zones)


def _statement(job: Job, connection: Any) -> tuple[Any, Asked | None]:
    """The statement without the bounds of a slice, and how the window was asked for where it is."""
    from sqlalchemy import false, select, text

    statement, window = select(text("*")).select_from(_asked(job)), job.window
    if "window_column" not in job.config or window is None:
        return statement, None
    _require_days(job, window, connection)
    key = _window_column(job)
    value = any_value(connection, select(key).select_from(_asked(job)).where(key.is_not(None)).limit(1))
    if value is None:
        return statement.where(false()), None
    asked = _ask(job, window, connection, value)
    return statement.where(condition(key, asked, window, job.event_time, value)).order_by(key), asked
