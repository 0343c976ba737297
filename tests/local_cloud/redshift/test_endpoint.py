from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import redshift_connector

from infrastructure.local.redshift import health
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.postgres import BOOTSTRAP_USER, Postgres
from infrastructure.local.redshift.settings import DATABASE
from tests.local_cloud.redshift import processes
from tests.local_cloud.redshift.conftest import runner
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

# what redshift_connector itself does when it opens TLS
pytestmark = pytest.mark.filterwarnings("ignore:ssl.:DeprecationWarning")


@pytest.fixture
def state(tmp_path: Path) -> Any:
    """A state directory with blanks, too long for a socket path; what runs on it is gone afterwards."""
    path = tmp_path / ("a state directory with blanks " * 4).strip() / "é"
    yield path
    for process in psutil.process_iter(["cmdline"]):
        if str(path) in " ".join(process.info["cmdline"] or []):
            process.kill()


def rows(endpoint: Endpoint) -> int:
    connection = endpoint.connect()
    count: int = runner(connection)("select count(*) from kept")[0][0]
    connection.close()
    return count


def write(endpoint: Endpoint) -> None:
    connection = endpoint.connect()
    runner(connection)("create table if not exists kept (a int)")
    runner(connection)("insert into kept values (1)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("victims", [("proxy",), ("postmaster",), ("proxy", "postmaster"), ("postmaster", "proxy")])
@pytest.mark.long
def test_killed_endpoint_comes_back_with_its_data(state: Path, victims: tuple[str, ...]) -> None:
    first = processes.start(state)
    write(first)
    pids = {"proxy": first.process.pid, "postmaster": first.postmaster}
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    assert first.process.wait(10) != 0
    second = processes.start(state, port=first.port)
    assert rows(second) == 1
    assert second.stop() == 0


@pytest.mark.long
def test_orphaned_server_is_ended_and_a_stranger_is_not(state: Path) -> None:
    first = processes.start(state)
    write(first)
    os.kill(first.process.pid, signal.SIGSTOP)  # a server that is still up while its proxy can not end it
    postmaster = psutil.Process(first.postmaster)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    second = processes.start(state)
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE
    assert rows(second) == 1
    second.stop()
    (state / "pgdata" / "postmaster.pid").write_text(f"{os.getpid()}\n{state / 'pgdata'}\n")
    third = processes.start(state)
    assert rows(third) == 1
    third.stop()


@pytest.mark.parametrize("signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_signals_stop_everything(state: Path, signum: int) -> None:
    endpoint = processes.start(state)
    postmaster = psutil.Process(endpoint.postmaster)
    client = endpoint.connect()
    assert endpoint.stop(signum) == 0
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE
    with pytest.raises(redshift_connector.Error):
        runner(client)("select 1")
    assert not health.check(endpoint.port)


@pytest.mark.long
def test_half_initialised_state_is_redone(state: Path) -> None:
    (state / "pgdata.new" / "base").mkdir(parents=True)
    (state / "pgdata" / "global").mkdir(parents=True)
    (state / "pgdata" / "PG_VERSION").write_text("18\n")
    endpoint = processes.start(state)
    write(endpoint)
    assert rows(endpoint) == 1
    assert endpoint.stop() == 0


OLDER_CATALOG = """BEGIN; SET LOCAL allow_system_table_mods TO on; DROP VIEW pg_catalog.svv_mv_info;
CREATE VIEW pg_catalog.svv_mv_info AS SELECT 1 AS name, true AS is_stale;
COMMENT ON SCHEMA pg_catalog IS 'older'; COMMIT"""


async def run_below(socket_path: str, sql: str) -> None:
    backend = await Backend.trusted(socket_path, user=BOOTSTRAP_USER, database=DATABASE)
    await backend.script(sql)
    backend.close()


@pytest.mark.long
def test_an_older_catalog_is_replaced_and_what_a_user_built_on_it_stays(tmp_path: Path) -> None:
    first = processes.start(tmp_path / "state")
    write(first)
    connection = first.connect()
    runner(connection)("create view mine as select table_name from svv_tables where table_name = 'kept'")
    connection.commit()
    connection.close()
    asyncio.run(run_below(Postgres(first.state).socket, OLDER_CATALOG))
    first.stop()
    second = processes.start(first.state)
    connection = second.connect()
    assert runner(connection)("select * from mine") == [["kept"]]
    assert runner(connection)("select name, is_stale from svv_mv_info") == []
    connection.close()
    assert second.stop() == 0


def refusal(endpoint: Endpoint) -> str:
    assert endpoint.process.wait(90) == 1
    return endpoint.log.read_text()


@pytest.mark.long
def test_taken_port_and_taken_state_are_named(endpoint: Endpoint, tmp_path: Path) -> None:
    taken = processes.launch(tmp_path / "other", port=endpoint.port)
    assert f"port {endpoint.port} on 127.0.0.1 can not be had" in refusal(taken)
    twice = processes.launch(endpoint.state)
    assert "already serves the state directory" in refusal(twice)


def test_it_listens_on_loopback_only(endpoint: Endpoint) -> None:
    family = psutil.Process(endpoint.process.pid)
    listening = [
        (connection.laddr.ip, connection.laddr.port)
        for process in [family, *family.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [("127.0.0.1", endpoint.port)]


def test_health_is_asked_of_the_server_below(endpoint: Endpoint) -> None:
    assert health.check(endpoint.port)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not health.check(silent.getsockname()[1], timeout=0.2)


def test_tls_is_refused_when_disabled(endpoint: Endpoint) -> None:
    with pytest.raises(redshift_connector.InterfaceError, match="Server refuses SSL"):
        endpoint.connect(ssl=True, sslmode="verify-ca")


@pytest.mark.long
def test_tls_is_demanded_when_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = processes.start(tmp_path / "state", sslmode="verify-ca")
    try:
        assert health.check(endpoint.port)
        with pytest.raises(redshift_connector.InterfaceError):
            endpoint.connect()
        monkeypatch.setenv("SSL_CERT_FILE", str(endpoint.state / "tls" / "ca.pem"))
        for mode in ("verify-ca", "verify-full"):
            connection = endpoint.connect(ssl=True, sslmode=mode)
            assert runner(connection)("select 1") == [[1]]
            connection.close()
        shutil.copy(endpoint.state / "tls" / "ca.pem", tmp_path / "ca.pem")
        dsn = f"host=localhost port={endpoint.port} dbname=analytics user=admin sslmode=verify-full"
        psycopg2.connect(dsn, password=ADMIN_PASSWORD, sslrootcert=str(tmp_path / "ca.pem")).close()
    finally:
        endpoint.stop()


def test_simple_protocol_runs_scripts(endpoint: Endpoint) -> None:
    dsn = f"host=127.0.0.1 port={endpoint.port} dbname=analytics user=admin sslmode=disable"
    connection = psycopg2.connect(dsn, password=ADMIN_PASSWORD)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("create table script (a int); insert into script values (1); insert into script values (2)")
    with pytest.raises(psycopg2.Error):
        cursor.execute("insert into script values (3); create index i on script (a)")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        cursor.execute("insert into script values (4); select * from nowhere")
    cursor.execute("select count(*) from script; drop table script")
    connection.close()


def test_cancel_reaches_the_statement(endpoint: Endpoint) -> None:
    dsn = f"host=127.0.0.1 port={endpoint.port} dbname=analytics user=admin sslmode=disable"
    connection = psycopg2.connect(dsn, password=ADMIN_PASSWORD)
    holder = endpoint.connect()
    runner(holder)("create table held (a int)")
    holder.commit()
    runner(holder)("lock held")
    threading.Timer(0.5, connection.cancel).start()
    begun = time.monotonic()
    with pytest.raises(psycopg2.errors.QueryCanceled):
        connection.cursor().execute("insert into held values (1)")
    assert time.monotonic() - begun < 5
    holder.rollback()
    runner(holder)("drop table held")
    holder.commit()
    holder.close()
    connection.close()
