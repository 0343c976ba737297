"""Many sessions at once: none waits for what another one sends, none leaves anything behind."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.errors import RedshiftError
from infrastructure.local.redshift.server import Server
from infrastructure.local.redshift.settings import MOST_CONNECTIONS, Settings
from tests.local_cloud.redshift import wirelike
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint


@pytest.fixture
def link(endpoint: Endpoint) -> Iterator[Any]:
    with contextlib.closing(linked(endpoint)) as connection:
        yield connection


def linked(endpoint: Endpoint) -> Any:
    dsn = f"host=127.0.0.1 port={endpoint.port} dbname=analytics user=admin sslmode=disable"
    connection = psycopg2.connect(dsn, password=ADMIN_PASSWORD)
    connection.autocommit = True
    return connection


def asked(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def lengthy(rows: int, mark: str) -> str:
    """A statement that takes about a second to be read, and another one at each mark."""
    return " union all ".join(f"select {number} as a, '{mark}' as b" for number in range(rows))


def test_a_long_statement_keeps_no_other_session_waiting(endpoint: Endpoint, link: Any) -> None:
    answer: list[int] = []
    with contextlib.closing(linked(endpoint)) as other:
        text = f"select count(*) from ({lengthy(1500, 'waits')}) q"
        reader = threading.Thread(target=lambda: answer.extend(asked(other, text)[0]))
        reader.start()
        meanwhile = 0
        while reader.is_alive():
            meanwhile += asked(link, "select 1")[0][0]
            time.sleep(0.01)
        reader.join()
    assert answer == [1500]
    assert meanwhile >= 5


def test_a_cancel_finds_a_statement_that_is_still_being_read(link: Any) -> None:
    threading.Timer(0.2, link.cancel).start()
    begun = time.monotonic()
    with pytest.raises(psycopg2.errors.QueryCanceled, match="canceled on user's request"):
        asked(link, f"select count(*) from ({lengthy(3000, 'cancelled')}) q")
    assert time.monotonic() - begun < 3
    assert asked(link, "select 1") == [(1,)]


def test_one_connection_too_many_is_refused_in_redshifts_words(tmp_path: Path) -> None:
    server = Server(Settings(tmp_path, 0, "disable", None, ADMIN_PASSWORD))
    server._by_key = dict.fromkeys(map(str.encode, map(str, range(MOST_CONNECTIONS))))  # type: ignore[arg-type]
    client = wire.Channel()
    client.buffer += wire.startup({"user": "admin", "database": "analytics"})
    with pytest.raises(RedshiftError, match='connection limit "500" exceeded for non-bootstrap users') as refused:
        asyncio.run(server._converse(client))
    assert refused.value.code == "53300"


def servers(endpoint: Endpoint) -> int:
    """The server processes below; a few are PostgreSQL's own."""
    return len(psutil.Process(endpoint.postmaster).children())


@pytest.mark.long
def test_a_hundred_connections_are_served_at_once(endpoint: Endpoint) -> None:
    before = servers(endpoint)
    clients = [wirelike.Client(endpoint.port, "admin", ADMIN_PASSWORD) for _ in range(120)]
    assert {tuple(client.query("select 7")) for client in clients} == {("row 7", "SELECT 1", "ready I")}
    for client in clients:
        client.close()
    assert settled(endpoint) <= before


@pytest.mark.long
def test_connections_that_break_off_leave_nothing(endpoint: Endpoint, link: Any) -> None:
    before, files = settled(endpoint), psutil.Process(endpoint.process.pid).num_fds()
    for number in range(200):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as raw:
            stage = number % 4
            if stage == 1:
                raw.sendall(b"\0\0")
            elif stage == 2:
                raw.sendall(wire.startup({"user": "admin", "database": "analytics"}))
            elif stage == 3:
                broken = wirelike.Client(endpoint.port, "admin", ADMIN_PASSWORD)
                assert broken.query("begin; create temp table left_open (a int)")[-1] == "ready T"
                broken.close()
    assert settled(endpoint) <= before
    assert psutil.Process(endpoint.process.pid).num_fds() <= files + 2
    assert asked(link, "select 1") == [(1,)]


def settled(endpoint: Endpoint) -> int:
    """The number of server processes once it has stopped to fall."""
    count = servers(endpoint)
    for _ in range(60):
        time.sleep(0.1)
        now = servers(endpoint)
        if now >= count and now < 20:
            return now
        count = now
    return count
