"""Many runs at once: the limits of the instance hold, and without any of them each object is still loaded once."""

import datetime as dt
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from lambdas.common.db.redshift import execute, query
from orchestration.loads import RANGE_END, RANGE_START
from tests.cloud import PROJECT, Cloud
from tests.infrastructure.agreement.day import invoke
from tests.orchestration.page import Page, page_of
from tests.process.source import read_warehouse
from tests.test_chain import select

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count"),
]

LAPTOP = yaml.safe_load((PROJECT / "orchestration" / "dagster.yaml").read_text())
AWS = yaml.safe_load((PROJECT / "orchestration" / "aws" / "dagster.yaml").read_text())
MOST = LAPTOP["concurrency"]["runs"]["max_concurrent_runs"]
LAUNCHER = {"module": "tests.orchestration.launcher", "class": "ForkRunLauncher"}
NO_LIMIT = {"runs": {"max_concurrent_runs": -1}}
FIRST = {"earthquakes": "2018-01-31", "weather": "2013-02-01", "flights": "2013-02-01"}
LANDED = {
    "earthquakes": {"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-08"},
    "weather": {"source": "weather"},
    "flights": {"source": "flights"},
}
MARTS = ("daily_seismicity", "flight_delays_by_weather")
PATIENCE_SECONDS = 500
# Shorter than any session of a load.
LOOK_SECONDS = 0.03
# Its own is one of them.
LOADING = "SELECT COUNT(*) - 1 AS sessions FROM stv_sessions WHERE user_name = 'loader'"
Span = tuple[float, float]


@pytest.fixture(scope="module")
def landed(cloud: Cloud, deployed: dict[str, str]) -> Iterator[Cloud]:
    """The cloud with days of every source under raw/, which its runs find by their environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
            environment.setenv(name, value)
        for event in LANDED.values():
            invoke(cloud, "ingest", **event)
        yield cloud


def core(source: str) -> dict[str, Any]:
    return {"assetSelection": [{"path": ["core", source]}], "assetCheckSelection": []}


def mart(name: str) -> dict[str, Any]:
    return {"assetSelection": [{"path": ["mart", name]}], "assetCheckSelection": []}


def days(source: str, number: int, count: int = 1) -> dict[str, str]:
    """The tags of a run that loads `count` days of a source, from its day of that number on."""
    first = dt.date.fromisoformat(FIRST[source]) + dt.timedelta(days=number)
    return {RANGE_START: str(first), RANGE_END: str(first + dt.timedelta(days=count - 1))}


@contextmanager
def queue(limits: dict[str, Any]) -> Iterator[Page]:
    """The page of an instance that queues runs as the laptop's does, with these limits."""
    settings = {"run_coordinator": LAPTOP["run_coordinator"], "run_launcher": LAUNCHER, "concurrency": limits}
    with page_of(settings) as page:
        yield page


def finish(page: Page, runs: Sequence[str]) -> None:
    """Have the daemon take the runs from the queue until all have ended well."""
    limit = time.monotonic() + PATIENCE_SECONDS
    with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
        while not all(page.status(run) in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE) for run in runs):
            assert time.monotonic() < limit
            assert [error for error in daemon.run_iteration(page.context) if error] == []
            time.sleep(0.2)
    assert {page.status(run) for run in runs} == {dg.DagsterRunStatus.SUCCESS}


class Sessions:
    """The most sessions that the loads had in the warehouse at once, as it tells them itself."""

    most = 0

    def __init__(self, cloud: Cloud):
        self._cloud = cloud
        self._ended = threading.Event()

    @contextmanager
    def watched(self) -> Iterator["Sessions"]:
        """Count while the block runs."""
        watch = threading.Thread(target=self._watch)
        watch.start()
        try:
            yield self
        finally:
            self._ended.set()
            watch.join()

    def _watch(self) -> None:
        with read_warehouse(self._cloud).session("tests") as connection:
            while not self._ended.wait(LOOK_SECONDS):
                (row,) = query(connection, LOADING)
                self.most = max(self.most, int(row["sessions"]))
                execute(connection, "ROLLBACK")


def at_once(spans: Sequence[Span]) -> int:
    """The most spans of time that overlap."""
    ends = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    return max(itertools.accumulate(step for _, step in ends))


def spans(page: Page, runs: Mapping[str, str]) -> list[Span]:
    """When the steps of these runs, in which alone they call, began and ended."""
    found = [stats for run in runs for stats in page.context.instance.get_run_step_stats(run)]
    assert len(found) == len(runs)
    return [(stats.start_time, stats.end_time) for stats in found]


def proved(cloud: Cloud, source: str, number: int, count: int) -> tuple[int, int]:
    """Findings and objects that wait, of `count` days of the source from its day of that number on."""
    first = dt.date.fromisoformat(FIRST[source]) + dt.timedelta(days=number)
    end = first + dt.timedelta(days=count)
    answer = invoke(cloud, "process", action="prove", source=source, start=str(first), end=str(end))
    assert answer["objects"] == count
    return answer["broken"], answer["pending"]


def test_of_many_runs_for_many_sources_no_more_work_at_once_than_the_limits_say(landed: Cloud) -> None:
    with queue(LAPTOP["concurrency"]) as page, Sessions(landed).watched() as sessions:
        # Dagster gives a pool its limit after the pass that has seen it first
        seen = {page.launch(core(source), days(source, 0)): source for source in FIRST}
        finish(page, list(seen))
        loads = {page.launch(core(source), days(source, n)): source for n in range(1, 6) for source in FIRST}
        refreshes = {page.launch(mart(name), {}): name for _ in range(2) for name in MARTS}
        finish(page, [*loads, *refreshes])
        assert 1 < at_once(spans(page, loads | refreshes)) <= MOST
        for source in FIRST:
            assert at_once(spans(page, {run: s for run, s in loads.items() if s == source})) == 1
    assert 1 < sessions.most <= MOST
    assert [proved(landed, source, 0, 6) for source in FIRST] == [(0, 0)] * 3


def test_without_any_limit_each_object_is_loaded_once(landed: Cloud) -> None:
    sources = ("weather", "flights")
    ranges = [(10, 1), (10, 1), (11, 1), (11, 1), (10, 2), (12, 1)]
    with queue(NO_LIMIT) as page:
        runs = {page.launch(core(source), days(source, *one)): source for one in ranges for source in sources}
        finish(page, list(runs))
        assert at_once(spans(page, runs)) > MOST, "the limits are gone"
        assert at_once(spans(page, {run: s for run, s in runs.items() if s == "flights"})) > 1
    for source in sources:
        assert proved(landed, source, 10, 3) == (0, 0)
        tags = days(source, 10, 3)
        entries = (
            f"SELECT COUNT(*), COUNT(DISTINCT raw_key) FROM ops.load_ledger WHERE source = '{source}' "
            f"AND raw_day BETWEEN '{tags[RANGE_START]}' AND '{tags[RANGE_END]}'"
        )
        assert select(landed.env, entries) == [[3, 3]], "nobody has loaded what another had loaded"


@pytest.mark.parametrize("settings", [LAPTOP, AWS], ids=["laptop", "AWS"])
def test_both_instances_limit_the_runs_in_all_and_by_source(settings: dict[str, Any]) -> None:
    limits = settings["concurrency"]
    assert limits["runs"]["max_concurrent_runs"] > 0
    assert limits["pools"] == {"granularity": "run", "default_limit": 1}
