"""A database that does not answer, refuses or does not end, and what its errors may show."""

import socket
import time
from contextlib import contextmanager
from threading import Timer

import pytest
from sqlalchemy import create_engine, text

from infrastructure.local.redshift.postgres import BOOTSTRAP_USER
from lambdas.common.errors import SourceError, SourceUnavailable
from tests.ingest.test_postgresql import url

__all__ = ["url"]
# a server of its own takes its time to start
pytestmark = pytest.mark.long

ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS id FROM c"
SLOW = "SELECT 1 AS id, pg_sleep(20)::text AS at"


def read(bench, where, *, seconds=60, **block):
    """Read of that database; `timeout` stands beside the extractor."""
    timeout = {"timeout": block.pop("timeout")} if "timeout" in block else {}
    return bench.ingest({**timeout, "sql_database": {"url": where, **block}}, seconds=seconds)


@contextmanager
def within(seconds):
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


@pytest.fixture
def guest(url):
    """The URL of a user who may connect and read nothing."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS guest"))
        connection.execute(text("CREATE ROLE guest LOGIN PASSWORD 'hunter2'"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS secrets (id int, at text)"))
    engine.dispose()
    return url.replace(f"{BOOTSTRAP_USER}@", "guest:hunter2@")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (":hunter2@", ":swordfish@", "password authentication failed"),
        ("guest:", "nobody:", "authentication failed"),
        ("guest:hunter2@", "guest@", "no password supplied"),
        ("guest:hunter2@/postgres", f"{BOOTSTRAP_USER}@/elsewhere", 'database "elsewhere" does not exist'),
        ("", "", "permission denied for table secrets"),
    ],
)
def test_what_a_person_must_mend_is_not_tried_again(bench, guest, wrong, right, said):
    with pytest.raises(SourceError, match=said) as caught:
        read(bench, guest.replace(wrong, right), table="secrets")
    assert "swordfish" not in str(caught.value)


def test_a_server_that_is_down_may_come_back(bench, url):
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        read(bench, "postgresql+psycopg2://me@127.0.0.1:9/x", table="x")


def test_a_database_that_says_nothing_is_given_up_on(bench):
    with socket.create_server(("127.0.0.1", 0)) as silent, within(8):
        hang_up = Timer(12, silent.close)
        hang_up.start()
        where = f"postgresql+psycopg2://me@127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(SourceUnavailable, match="timeout expired"):
            read(bench, where, table="x", timeout=1)
        hang_up.cancel()


def test_a_statement_of_postgresql_ends_after_the_sources_timeout(bench, url):
    with within(8), pytest.raises(SourceUnavailable, match="set a higher extract.timeout.*statement timeout"):
        read(bench, url, query=SLOW, timeout=0.3)


def test_a_statement_ends_with_the_time_of_the_call(bench, url):
    for where, query in ((url, SLOW), ("sqlite://", ENDLESS)):
        with within(8), pytest.raises(SourceUnavailable, match=r"^\w+: the time was up after a statement"):
            read(bench, where, query=query, seconds=0.5)


def test_no_error_shows_a_half_of_the_key_at_which_a_slice_begins(bench, small, url):
    engine, mail = create_engine(url), f"ann.{'x' * 80}@example.org"
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS people"))
        connection.execute(text("CREATE TABLE people (email VARCHAR(99), at VARCHAR(40))"))
        connection.execute(text(f"INSERT INTO people SELECT '{mail}' || n, '2024-01-01' FROM generate_series(1, 9) n"))
    bench.columns, bench.key = {"email": "varchar(99)", "at": "timestamp"}, ("email",)
    source = bench.source({"sql_database": {"url": url, "table": "people"}})
    pending = bench.call(source)["remaining"]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE people"))
        connection.execute(text("CREATE TABLE people (email INTEGER, at VARCHAR(40))"))
    engine.dispose()
    with pytest.raises(SourceError) as caught:
        bench.call(source, remaining=pending)
    assert "xxx" not in str(caught.value)
    assert 'invalid input syntax for type integer: "***"' in str(caught.value)


@pytest.mark.parametrize("of", ["sqlite", "postgresql"])
def test_no_error_shows_the_key_at_which_a_slice_begins(bench, small, request, of):
    where = f"sqlite:///{bench.folder}/x.sqlite" if of == "sqlite" else request.getfixturevalue("url")
    engine = create_engine(where)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS people"))
        connection.execute(text("CREATE TABLE people (email VARCHAR(40), at VARCHAR(40))"))
        for number in range(10):
            connection.execute(text(f"INSERT INTO people VALUES ('u{number}@example.org', '2024-01-01')"))
    bench.columns, bench.key = {"email": "varchar(40)", "at": "timestamp"}, ("email",)
    source = bench.source({"sql_database": {"url": where, "table": "people"}})
    pending = bench.call(source)["remaining"]
    assert pending["slice"]["at"] == {"after": ["u3@example.org"]}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE people"))
        # the server shows the place in the statement at which it finds fault with the type
        connection.execute(text("CREATE TABLE people (email INTEGER, at VARCHAR(40))"))
        if of == "sqlite":
            connection.execute(text("DROP TABLE people"))
            overflow = "abs(-9223372036854775807 - 1)"
            connection.execute(text(f"CREATE VIEW people AS SELECT {overflow} AS email, '2024-01-01' AS at"))
    engine.dispose()
    with pytest.raises(SourceError) as caught:
        bench.call(source, remaining=pending)
    assert "SELECT" in str(caught.value)
    # a date among them would be spelled as Python does
    assert "[parameters: " not in str(caught.value)
    assert "example.org" not in str(caught.value)
