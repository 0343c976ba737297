"""The lock of a source: it is waited for within limits, and a holder whose time is over is ended."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.common.db import lock
from lambdas.common.db.lock import end_overdue, lock_source, session_name
from lambdas.common.db.redshift import execute, query, rollback
from lambdas.common.errors import WarehouseBusy
from tests.cloud import PROJECT, Cloud
from tests.process.forgetting import forgetter
from tests.process.source import Source
from tests.process.test_load import DAY, A, assert_equations_hold, row

Frozen = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def frozen(cloud: Cloud) -> Iterator[Frozen]:
    """Starts a loader of the day that holds the lock and stands still, with so many seconds to its function's end.

    `after` is the step after which it stands.
    """
    started: list[subprocess.Popen[str]] = []

    def start(source: Source, seconds: float, after: str = "read_generation") -> subprocess.Popen[str]:
        order = {"contract": str(source.contract.path), "secret": source.warehouse.secret, "seconds": seconds}
        order |= {"after": after, "sslmode": source.warehouse.sslmode, "bucket": source.bucket, "day": str(DAY)}
        order |= {"s3": cloud.env["AWS_ENDPOINT_URL"]}
        command = [sys.executable, "-m", "tests.process.frozen_loader"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        env = {**cloud.env, "PYTHONPATH": str(PROJECT)}
        process = subprocess.Popen(command, text=True, cwd=PROJECT, env=env, **pipes)  # type: ignore[call-overload]
        started.append(process)
        tell(process, json.dumps(order))
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n", process.communicate()[1]
        process.send_signal(signal.SIGSTOP)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()


@pytest.mark.long
def test_frozen_loader_is_ended_when_its_time_is_over_and_does_no_harm_when_it_wakes(keyed, frozen):
    keyed.put(DAY, A, [row("a")])
    process = frozen(keyed, 8)
    began = time.monotonic()
    assert keyed.load(DAY).objects == 1
    assert time.monotonic() - began < 30, "the server's own limit ended it, not the one who waited"
    process.send_signal(signal.SIGCONT)
    tell(process, "go on")
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "WarehouseBusy" in errors
    assert keyed.rows() == [("a", 1, 1)]
    assert len(keyed.ledger()) == 1
    assert_equations_hold(keyed)


@pytest.mark.long
def test_loader_whose_time_is_not_over_is_left_alone(keyed, frozen, loader_connection, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    process = frozen(keyed, 60)
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 1)
    assert end_overdue(loader_connection, keyed.contract.name) == []
    with pytest.raises(WarehouseBusy, match="another load of"):
        lock_source(loader_connection, keyed.contract.name, time.monotonic() + lock.SPARE_SECONDS + 2)
    process.send_signal(signal.SIGCONT)
    tell(process, "go on")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert keyed.rows() == [("a", 1, 1)]


@pytest.mark.long
def test_loader_frozen_after_its_entry_in_the_ledger_holds_no_other_source_up_until_its_time_is_over(
    keyed, make_source, frozen, monkeypatch
):
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(lock, "HOLD_SECONDS", 2)
    other = make_source()
    keyed.put(DAY, A, [row("a")])
    other.put(DAY, A, [row("b")])
    process = frozen(keyed, 60, after="append")
    began = time.monotonic()
    assert other.load(DAY).objects == 1
    assert time.monotonic() - began < 30, "the holder's time had to pass"
    process.send_signal(signal.SIGCONT)
    tell(process, "go on")
    tell(process, "and again: its next attempt stands there too")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert keyed.rows() == [("a", 1, 1)]
    assert other.rows() == [("b", 1, 1)]
    assert_equations_hold(keyed)
    assert_equations_hold(other)


@pytest.mark.long
def test_who_forgets_does_not_wait_for_a_loader_frozen_after_its_entry_either(keyed, make_source, frozen, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(lock, "HOLD_SECONDS", 2)
    other = make_source()
    keyed.put(DAY, A, [row("a")])
    key = other.put(DAY, A, [row("b")])
    other.load(DAY)
    frozen(keyed, 60, after="append")
    began = time.monotonic()
    assert forgetter(other).forget_object(key).rows == 1
    assert time.monotonic() - began < 30, "the holder's time had to pass"
    assert other.rows() == []


def test_statement_that_was_slow_while_nobody_held_the_ledger_gets_its_time_at_once(keyed, loader_connection):
    turn = lock.LedgerTurn(time.monotonic() + 100)
    given = []
    for _ in range(2):
        with turn.appending(loader_connection):
            given += query(loader_connection, "SHOW statement_timeout")
        rollback(loader_connection)
        turn.pass_over(loader_connection)
    assert [int(row["statement_timeout"]) for row in given] == [1000 * lock.PATIENCE_SECONDS, 1000 * lock.SLOW_SECONDS]


def test_holder_that_says_no_time_is_left_alone(keyed, warehouse, loader_connection):
    with warehouse.session("somebody by hand") as other:
        execute(other, f"LOCK ops.lock_{keyed.contract.name}")
        assert end_overdue(loader_connection, keyed.contract.name) == []
        rollback(other)


def test_look_that_fails_changes_nothing(keyed, loader_connection, monkeypatch):
    monkeypatch.setattr(lock, "statement", lambda name: "SELECT no_such_column FROM svv_transactions")
    assert end_overdue(loader_connection, keyed.contract.name) == []


@pytest.mark.parametrize("source", ["s", "s" * 41])
def test_name_of_a_session_says_its_time_within_what_every_server_keeps(source: str):
    name = session_name(source, time.monotonic() + 60, "0" * 36)
    found: Any = lock.UNTIL.search(name[:63])
    assert found
    assert name.startswith(f"load {source[:30]} until ")
