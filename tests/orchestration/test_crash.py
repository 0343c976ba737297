"""The sensor's daemon is killed at every point of a tick: no message is lost, and every object is loaded once.

A point is killed on a queue of its own and drained by a second daemon; then all points strike one queue of real
objects, and what the runs load is counted in the ledger.
"""

import inspect
import json
import multiprocessing
import os
import re
import shutil
import signal
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.loads import RANGE_END, RANGE_START, SOURCE_TAG
from tests.cloud import PROJECT, Cloud
from tests.orchestration import daemon
from tests.orchestration.conftest import Scratch
from tests.orchestration.test_sensors import put
from tests.test_chain import cloud_is_quiet, drop, select
from tests.test_chain import empty_queue as empty_queue

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count"),
]

# no other test drops objects on them: a proof of the source sees what all have left
DAYS = ("2018-06-01", "2018-06-03", "2018-06-05")
A_DAY = 100
# What a killed daemon has received is waited for; the one that drains the queue keeps it for as long as it works.
VISIBILITY_SECONDS = {"strike": 2, "drain": 300}
# A daemon begins where all is loaded.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.orchestration.daemon", "tests.orchestration.preloaded"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's home with the laptop's settings: runs queue up, and nobody takes them."""
    shutil.copyfile(PROJECT / "orchestration" / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def settled(cloud: Cloud, empty_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployed environment, in which nothing of other tests waits."""
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)


def run_daemon(point: str, *, visibility: int) -> int:
    """The exit code of a daemon that works until that point."""
    process = FORKS.Process(target=daemon.work, args=(point, visibility, dict(os.environ)))
    process.start()
    process.join()
    return process.exitcode


def strike(point: str) -> None:
    """The daemon works until it is killed at that point."""
    assert run_daemon(point, visibility=VISIBILITY_SECONDS["strike"]) == -signal.SIGKILL, f"{point} was never reached"


def drain() -> None:
    """Another works until the queue is empty."""
    assert run_daemon("drain", visibility=VISIBILITY_SECONDS["drain"]) == 0


def queued(home: Path) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return list(instance.get_runs(dg.RunsFilter(tags={SOURCE_TAG: "earthquakes"})))


def test_every_point_at_which_dagster_itself_can_be_killed_is_struck() -> None:
    named = re.findall(r'check_for_debug_crash\([^"]*"(\w+)"\)', inspect.getsource(daemon.sensors))
    assert set(named) == set(daemon.POINTS) - set(daemon.OURS)


@pytest.mark.parametrize("point", daemon.POINTS)
def test_no_message_is_lost(point: str, scratch: Scratch, home: Path) -> None:
    bodies = [json.dumps(put("earthquakes", day, stamp=str(n))) for day in DAYS for n in range(A_DAY)]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        scratch.local.client("sqs").send_message_batch(QueueUrl=scratch.queue, Entries=entries)
    strike(point)
    drain()
    assert scratch.waiting() == (0, 0)
    # a queued run takes whatever lies on its day when it begins: messages that come again later need no other
    asked = {(run.tags[RANGE_START], run.tags[RANGE_END]) for run in queued(home)}
    assert asked == {(day, day) for day in DAYS}


def test_every_object_is_loaded_once(cloud: Cloud, deployed: dict[str, str], home: Path, settled: None) -> None:
    for day in DAYS:
        drop(cloud, day, *(f"crash{day[-2:]}{n}" for n in range(A_DAY)))
    for point in daemon.POINTS:
        strike(point)
    drain()
    assert cloud_is_quiet(cloud)
    load(home)
    entries = "SELECT COUNT(*), COUNT(DISTINCT raw_key) FROM ops.load_ledger WHERE raw_key LIKE '%/data_crash%'"
    assert select(deployed, entries) == [[300, 300]]
    assert select(deployed, "SELECT COUNT(*) FROM core.earthquakes WHERE event_id LIKE 'crash%'") == [[300]]


def load(home: Path) -> None:
    """Run what is queued, here."""
    repository = defs().get_repository_def()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for run in queued(home):
            job = repository.get_implicit_job_def_for_assets(list(run.asset_selection))
            subset = job.get_subset(asset_selection=run.asset_selection, asset_check_selection=set())
            assert subset.execute_in_process(instance=instance, tags=run.tags).success
