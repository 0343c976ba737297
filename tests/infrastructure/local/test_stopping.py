"""`down` with patience: it waits for runs that are under way in Dagster's database, and no longer than it is told."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from infrastructure.local import dagster
from infrastructure.local.state import State


@pytest.fixture
def home(tmp_path):
    """The database of runs of a home in which no process runs."""
    path = tmp_path / "dagster" / "history" / "runs.db"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (status TEXT)")
        database.execute("INSERT INTO runs VALUES ('SUCCESS'), ('FAILURE'), ('CANCELED')")
        database.commit()
    return path


def write(home, sql):
    with closing(sqlite3.connect(home)) as database:
        database.execute(sql)
        database.commit()


def seconds_of_down(tmp_path, patience):
    begun = time.monotonic()
    dagster.down(State(tmp_path), patience=patience)
    return time.monotonic() - begun


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED", "CANCELING"])
def test_a_run_under_way_has_its_time_to_end(tmp_path, home, status):
    write(home, f"INSERT INTO runs VALUES ('{status}')")
    end = threading.Timer(0.8, write, (home, "UPDATE runs SET status = 'SUCCESS'"))
    end.start()
    taken = seconds_of_down(tmp_path, patience=30)
    assert not end.is_alive()
    assert 0.8 < taken < 20


def test_nothing_is_waited_for_where_nobody_asks_and_no_longer_than_asked(tmp_path, home):
    write(home, "INSERT INTO runs VALUES ('STARTED')")
    without, with_one = seconds_of_down(tmp_path, patience=0), seconds_of_down(tmp_path, patience=1)
    assert without < with_one
    assert with_one >= 1
