from __future__ import annotations

import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redshift_connector

from tests.local_cloud.redshift import processes
from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.faults import Faults
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

Client = Callable[..., "subprocess.Popen[bytes]"]
LOST = (redshift_connector.Error, OSError)

CLIENT = """
import sys, redshift_connector
connection = redshift_connector.connect(host="127.0.0.1", port=int(sys.argv[1]), database="analytics", user="admin",
    password=sys.argv[2], ssl=False, application_name="victim")
cursor = connection.cursor()
for statement in sys.argv[3:]:
    cursor.execute(statement)
    print("done", flush=True)
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    running = processes.start(tmp_path_factory.mktemp("faulty") / "state", faults=True)
    connection = running.connect()
    runner(connection)("create table t (a int)")
    connection.commit()
    connection.close()
    yield running
    assert running.stop() == 0


@pytest.fixture
def faults(faulty: Endpoint) -> Iterator[Faults]:
    orders = Faults(faulty.state)
    yield orders
    orders.clear()
    connection = faulty.connect()
    runner(connection)("delete from t")
    connection.commit()
    connection.close()


@pytest.fixture
def connect(faulty: Endpoint) -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def connect(name: str = "other", *, autocommit: bool = False) -> Any:
        opened.append(faulty.connect(application_name=name))
        opened[-1].autocommit = autocommit
        return opened[-1]

    yield connect
    for connection in opened:
        try:
            connection.close()
        except LOST:
            continue


def free_within(connect: Callable[..., Any], seconds: float) -> int:
    """The rows of t, read under its lock; fails unless the lock can be had in time."""
    run = runner(connect("checker"))
    run(f"set statement_timeout to {int(seconds * 1000)}")
    run("lock t")
    return int(run("select count(*) from t")[0][0])


@pytest.fixture
def client(faulty: Endpoint) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that runs statements in a session named victim, and says so after each."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*statements: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CLIENT, str(faulty.port), ADMIN_PASSWORD, *statements]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def gone(pid: int, seconds: float = 1.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.01)
    return False


def test_orders_are_for_the_owner_and_only_where_asked_for(faulty: Endpoint, endpoint: Endpoint) -> None:
    assert stat.S_IMODE((faulty.state / "faults.sock").stat().st_mode) == 0o600
    assert not (endpoint.state / "faults.sock").exists()


@pytest.mark.parametrize(("fault", "rows"), [("lose_before", 0), ("lose_after", 1)])
def test_a_connection_lost_at_its_commit(faults: Faults, connect: Callable[..., Any], fault: str, rows: int) -> None:
    number = faults.arm(fault, session="victim", statement="^commit")
    connection = connect("victim")
    runner(connection)("insert into t values (1)")
    with pytest.raises(LOST):
        connection.commit()
    state = faults.wait_reached(number)
    assert (state["statement"], state["application_name"]) == ("commit", "victim")
    assert gone(state["pid"])
    assert free_within(connect, 1.0) == rows


@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
def test_a_connection_lost_in_the_middle_rolls_back(faults: Faults, connect: Callable[..., Any], fault: str) -> None:
    number = faults.arm(fault, session="victim", statement="insert")
    run = runner(connect("victim"))
    run("lock t")
    with pytest.raises(LOST):
        run("insert into t values (1)")
    assert faults.state(number)["reached"]
    assert free_within(connect, 1.0) == 0


def test_the_nth_statement_of_all_matching_sessions_counts(faults: Faults, connect: Callable[..., Any]) -> None:
    number = faults.arm("error", session="^victim", statement="INSERT INTO t", nth=3, error="1023")
    first, second, other = connect("victim 1"), connect("victim 2"), connect("bystander")
    for connection in (first, other, second):
        runner(connection)("insert into t values (1)")
        connection.commit()
    assert not faults.state(number)["reached"]
    error = fails(runner(first), "insert into t values (3)")
    assert (error["C"], error["M"]) == ("XX000", "1023")
    assert fails(runner(first), "select 1")["C"] == "25P02"
    runner(second)("insert into t values (4)")
    second.rollback()


def test_errors_are_as_ordered_and_leave_nothing_done(faults: Faults, connect: Callable[..., Any]) -> None:
    connection = connect("victim")
    connection.autocommit = True
    run = runner(connection)
    faults.arm("error", statement="insert", error={"C": "XX000", "M": "strange", "D": "very"})
    error = fails(run, "insert into t values (1)")
    assert (error["C"], error["M"], error["D"]) == ("XX000", "strange", "very")
    faults.arm("error", statement="insert", error="spectrum")
    assert "Retries exceeded" in fails(run, "insert into t values (1)")["D"]
    faults.arm("timeout", statement="insert")
    assert fails(run, "insert into t values (1)")["C"] == "57014"
    assert run("select count(*) from t") == [[0]]


def test_an_error_at_the_commit_ends_the_transaction(faults: Faults, connect: Callable[..., Any]) -> None:
    connection = connect("victim")
    run = runner(connection)
    run("insert into t values (1)")
    faults.arm("error", statement="^commit$", error="1023")
    with pytest.raises(redshift_connector.Error, match="1023"):
        connection.commit()
    assert run("select count(*) from t") == [[0]]


def test_a_slow_answer_is_an_answer(faults: Faults, connect: Callable[..., Any]) -> None:
    faults.arm("slow", statement="select 7", seconds=0.4)
    run = runner(connect("victim"))
    begun = time.monotonic()
    assert run("select 7") == [[7]]
    assert time.monotonic() - begun >= 0.4


def test_a_client_killed_in_a_pause(faults: Faults, connect: Callable[..., Any], client: Client) -> None:
    number = faults.arm("pause", session="victim", statement="^insert into t")
    process = client("lock t", "insert into t values (1)")
    state = faults.wait_reached(number)
    assert state["paused"]
    kill(process)
    assert gone(state["pid"])
    assert free_within(connect, 1.0) == 0


def test_a_pause_ends_when_it_is_released(faults: Faults, client: Client) -> None:
    number = faults.arm("pause", session="victim", statement="^insert into t")
    process = client("lock t", "insert into t values (1)")
    faults.wait_reached(number)
    faults.release(number)
    assert not faults.state(number)["paused"]
    assert process.communicate(timeout=10)[0] == b"done\ndone\n"


def test_a_client_killed_while_it_waits_for_a_lock(faults: Faults, connect: Callable[..., Any], client: Client) -> None:
    holder = connect("holder")
    runner(holder)("lock t")
    process = client("create table made (a int)", "insert into t values (1)")
    assert process.stdout
    assert process.stdout.readline() == b"done\n"
    run = runner(connect("watcher", autocommit=True))
    waiting = "select pid from svv_transactions where not granted"
    pid = until(run, waiting)
    kill(process)
    assert gone(pid)
    holder.rollback()
    assert free_within(connect, 1.0) == 0


def until(run: Callable[..., Any], sql: str) -> int:
    """The first value that a query finds, asked again and again."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := run(sql):
            return int(found[0][0])
        time.sleep(0.05)
    raise AssertionError(sql)


def test_a_client_killed_in_a_long_statement(connect: Callable[..., Any], client: Client) -> None:
    connection = connect("maker")
    runner(connection)("create table n as select 1 as a union all select 2 union all select 3")
    runner(connection)("insert into n select x.a from n x, n y, n z, n w, n v, n u")
    connection.commit()
    process = client("lock t", "select count(*) from n x, n y, n z, n v")
    assert process.stdout
    assert process.stdout.readline() == b"done\n"
    run = runner(connect("watcher", autocommit=True))
    running = "select pid from stv_recents where status = 'Running' and query ilike 'select count(%'"
    pid = until(run, running)
    kill(process)
    assert gone(pid)
    assert free_within(connect, 1.0) == 0


def test_what_was_sent_is_told(faults: Faults, connect: Callable[..., Any]) -> None:
    faults.clear()
    connection = connect("teller")
    runner(connection)("select 1 /* one */ ")
    connection.commit()
    assert faults.statements("teller") == ["begin transaction", "select 1", "commit"]
    faults.clear()
    assert faults.statements("teller") == []


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"fault": "fire"}, "fault is one of"),
        ({"fault": "error", "error": "1024"}, "error is 1023 or spectrum"),
        ({"fault": "pause", "statement": "("}, "statement is no regular expression"),
        ({"fault": "pause", "nth": 0}, "nth counts from 1"),
    ],
)
def test_a_wrong_order_is_named(faults: Faults, order: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        faults.arm(**order)
    with pytest.raises(ValueError, match="no fault has the id 999"):
        faults.state(999)
