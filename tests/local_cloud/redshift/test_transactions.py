from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redshift_connector

from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.processes import Endpoint

Run = Callable[..., Any]


@pytest.fixture
def table(endpoint: Endpoint) -> Iterator[str]:
    connection = endpoint.connect()
    connection.autocommit = True
    run = runner(connection)
    run("create table ledger (id bigint primary key, who varchar(10))")
    run("insert into ledger values (1, 'first')")
    yield "ledger"
    run("drop table ledger")
    connection.close()


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.append(work())
        except redshift_connector.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    return thread, outcome


def waits(thread: threading.Thread) -> bool:
    thread.join(0.3)
    return thread.is_alive()


@pytest.mark.usefixtures("table")
def test_keys_are_declared_and_not_enforced(run: Run) -> None:
    run("create temp table k (a int primary key, b int unique references ledger (id), unique (a, b))")
    run("insert into k values (1, 99), (1, 99)")
    run("insert into ledger values (1, 'again')")
    assert run("select count(*) from k") == [[2]]
    assert "NULL" in fails(run, "insert into k values (null, 1)")["M"]


@pytest.mark.usefixtures("table")
def test_a_transaction_reads_one_snapshot(connect: Callable[..., Any]) -> None:
    reader, writer = connect(), connect()
    read, write = runner(reader), runner(writer)
    assert read("select count(*) from ledger") == [[1]]
    write("insert into ledger values (2, 'second')")
    writer.commit()
    assert read("select count(*) from ledger") == [[1]]
    reader.commit()
    assert read("select count(*) from ledger") == [[2]]


@pytest.mark.usefixtures("table")
def test_lock_comes_before_the_snapshot(connect: Callable[..., Any]) -> None:
    first, second = connect(), connect()
    one, two = runner(first), runner(second)
    one("lock ledger")
    one("insert into ledger values (2, 'second')")
    thread, seen = in_background(lambda: [two("lock table ledger"), two("select count(*) from ledger")][1])
    assert waits(thread)
    first.commit()
    thread.join(5)
    assert seen == [[[2]]]


@pytest.mark.usefixtures("table")
def test_lock_keeps_readers_out_and_a_write_does_not(connect: Callable[..., Any]) -> None:
    holder, reader = connect(), connect()
    hold, read = runner(holder), runner(reader)
    hold("insert into ledger values (2, 'second')")
    assert read("select count(*) from ledger") == [[1]]
    reader.commit()
    holder.rollback()
    hold("lock ledger")
    thread, seen = in_background(lambda: read("select count(*) from ledger"))
    assert waits(thread)
    holder.rollback()
    thread.join(5)
    assert seen == [[[1]]]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("autocommit", [True, False])
def test_writers_of_one_table_queue(connect: Callable[..., Any], autocommit: bool) -> None:
    first, second = connect(), connect()
    second.autocommit = autocommit
    one, two = runner(first), runner(second)
    one("insert into ledger values (2, 'second')")
    statement = "insert into ledger select count(*), 'count' from ledger"
    thread, seen = in_background(lambda: two(statement))
    assert waits(thread)
    first.commit()
    thread.join(5)
    assert seen == [None]
    assert two("select max(id) from ledger where who = 'count'") == [[2]]


@pytest.mark.usefixtures("table")
def test_two_changes_of_one_row_conflict(connect: Callable[..., Any]) -> None:
    first, second = connect(), connect()
    one, two = runner(first), runner(second)
    two("select * from ledger")
    one("update ledger set who = 'one' where id = 1")
    first.commit()
    error = fails(two, "update ledger set who = 'two' where id = 1")
    assert (error["C"], error["M"]) == ("XX000", "1023")
    assert "Serializable isolation violation" in error["D"]


@pytest.mark.usefixtures("table")
def test_truncate_commits(connect: Callable[..., Any]) -> None:
    connection = connect()
    run = runner(connection)
    run("truncate ledger")
    connection.rollback()
    assert run("select count(*) from ledger") == [[0]]


def test_ddl_is_transactional(connection: Any, run: Run) -> None:
    run("create table gone (a int)")
    connection.rollback()
    assert fails(run, "select * from gone")["C"] == "42P01"


@pytest.mark.parametrize("sql", ["vacuum", "alter table ledger alter column who type varchar(20)"])
@pytest.mark.usefixtures("table")
def test_what_may_not_run_in_a_block(run: Run, sql: str) -> None:
    run("select 1")
    assert fails(run, sql)["C"] == "25001"


def test_statement_timeout_cancels(run: Run, connection: Any) -> None:
    run("create temp table n as select 1 as a union all select 2 union all select 3 union all select 4")
    run("insert into n select x.a from n x, n y, n z, n w, n v, n u")
    connection.commit()
    run("set statement_timeout to 100")
    assert fails(run, "select count(*) from n x, n y, n z")["C"] == "57014"


@pytest.mark.usefixtures("table")
def test_statement_timeout_ends_a_wait_for_a_lock(connect: Callable[..., Any]) -> None:
    holder, waiter = connect(), connect()
    runner(holder)("lock ledger")
    wait = runner(waiter)
    wait("set statement_timeout to 100")
    waiter.commit()
    assert fails(wait, "insert into ledger values (3, 'x')")["C"] == "57014"


@pytest.mark.usefixtures("table")
def test_a_vanished_client_leaves_no_lock(connect: Callable[..., Any]) -> None:
    holder, other = connect(), connect()
    runner(holder)("lock ledger")
    holder._usock.close()
    holder._sock.close()
    thread, seen = in_background(lambda: runner(other)("insert into ledger values (4, 'x')"))
    thread.join(5)
    assert seen == [None]


@pytest.mark.usefixtures("table")
def test_a_stuck_holder_is_seen_and_ended(connect: Callable[..., Any]) -> None:
    holder, other = connect(application_name="loader until=12:00"), connect()
    hold, run = runner(holder), runner(other)
    hold("lock ledger")
    (pid,) = hold("select pg_backend_pid()")[0]
    found = run("select distinct txn_owner from svv_transactions where pid = %s and granted", (pid,))
    assert found == [["admin"]]
    assert run("select application_name from pg_stat_activity where pid = %s", (pid,)) == [["loader until=12:00"]]
    assert run("select pg_terminate_backend(%s)", (pid,)) == [[True]]
    run("lock ledger")
    with pytest.raises(redshift_connector.Error):
        hold("select 1")


@pytest.mark.long
def test_session_timeout_ends_an_idle_session(connect: Callable[..., Any]) -> None:
    admin = connect()
    admin.autocommit = True
    run = runner(admin)
    run("create user sleepy password 'Sleepy-123'")
    run("alter user sleepy session timeout 1")
    idle = connect("sleepy", "Sleepy-123")
    runner(idle)("select 1")
    time.sleep(1.5)
    with pytest.raises(redshift_connector.Error):
        runner(idle)("select 1")
    run("drop user sleepy")
