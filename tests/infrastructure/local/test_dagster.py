import sqlite3
import sys
import urllib.request
from contextlib import closing

import psutil
import pytest

from infrastructure.local import processes
from tests.cloud import Cloud, run

PARTS = ("dagster-daemon", "dagster-webserver")
LOST_RUN = """
import dagster as dg

with dg.DagsterInstance.get() as home:
    job = dg.job(name="lost")(lambda: None)
    print(home.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED).run_id)
"""

pytestmark = pytest.mark.long


def dagster(cloud: Cloud, action: str, *options: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "infrastructure.local.dagster", action, "--state", str(cloud.root), *options]
    return run(command, code=code)


def living(cloud: Cloud) -> list[psutil.Process]:
    return [process for part in PARTS for process in processes.marked(cloud.state, part)]


def versions(cloud: Cloud) -> dict[str, int]:
    """How many versions each of Dagster's databases says that it has: with more than one it cannot be migrated."""
    found = {}
    for path in (cloud.root / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            if path.name in ("index.db", "runs.db", "schedules.db"):
                found[path.name] = database.execute("SELECT COUNT(*) FROM alembic_version").fetchone()[0]
    return found


@pytest.fixture
def stopped(cloud):
    yield cloud
    dagster(cloud, "down")
    assert living(cloud) == []


def kill(cloud):
    for process in living(cloud):
        process.kill()


def test_dagster_answers_on_loopback_only_and_comes_up_once(stopped):
    assert "up in" in dagster(stopped, "up")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(stopped.env["DAGSTER_URL"] + "/server_info", timeout=10) as answer:
        assert answer.status == 200
    sockets = [c for p in living(stopped) for c in p.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in sockets} == {"127.0.0.1"}
    assert {c.laddr.port for c in sockets} == {stopped.ports["dagster"]}
    assert "running already" in dagster(stopped, "up")
    assert versions(stopped) == {"index.db": 1, "runs.db": 1, "schedules.db": 1}


def test_a_killed_daemon_comes_back_and_its_run_counts_as_failed(stopped):
    dagster(stopped, "up", "--daemon-only")
    home = {"DAGSTER_HOME": str(stopped.root / "dagster"), "PATH": ""}
    kill(stopped)
    run([sys.executable, "-c", LOST_RUN], env=home)
    assert "1 runs had lost their process" in dagster(stopped, "up", "--daemon-only")
    kill(stopped)
    assert "lost" not in dagster(stopped, "up", "--daemon-only")


def test_without_a_cloud_it_says_what_to_start_first(tmp_path):
    said = dagster(Cloud(tmp_path / "none"), "up", code=1)
    assert "names no cloud: start it first" in said
