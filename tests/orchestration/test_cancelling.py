"""Runs that are launched and cancelled as the page does it: in processes of their own, between calls or in one."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from orchestration.components.proof import HOLDS
from orchestration.loads import RANGE_END, RANGE_START
from tests.orchestration.conftest import Scratch
from tests.orchestration.page import CANCEL, Page, page_of, wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

QUAKES, MART = ["core", "earthquakes"], ["mart", "daily_seismicity"]
# What each run asks the function for, and how it is selected.
RUNS: dict[str, dict[str, Any]] = {
    "extract": {"assetSelection": [{"path": ["raw", "earthquakes"]}], "assetCheckSelection": []},
    "load": {"assetSelection": [{"path": QUAKES}], "assetCheckSelection": []},
    "refresh": {"assetSelection": [{"path": MART}], "assetCheckSelection": []},
    "prove": {"assetSelection": [], "assetCheckSelection": [{"assetKey": {"path": QUAKES}, "name": HOLDS}]},
    "examine": {"assetSelection": [], "assetCheckSelection": [{"assetKey": {"path": QUAKES}, "name": "data_is_fresh"}]},
}
DAYS = {RANGE_START: "2018-02-01", RANGE_END: "2018-02-02"}
STEP_FAILURE = dg.DagsterEventType.STEP_FAILURE
AT_ONCE = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
# Several times what a call takes.
QUIET_SECONDS = 4


@pytest.fixture
def page(scratch: Scratch) -> Iterator[Page]:
    with page_of({"run_coordinator": AT_ONCE, "run_monitoring": {"enabled": True}}) as found:
        yield found


class Calls:
    """How often the function was asked for what."""

    def __init__(self, scratch: Scratch):
        self.scratch = scratch
        self.counts: Counter[str] = Counter()

    def so_far(self) -> Counter[str]:
        """All that have been told."""
        sqs: Any = self.scratch.local.client("sqs")
        while told := sqs.receive_message(QueueUrl=self.scratch.queue, MaxNumberOfMessages=10).get("Messages"):
            self.counts.update(message["Body"] for message in told)
            for message in told:
                sqs.delete_message(QueueUrl=self.scratch.queue, ReceiptHandle=message["ReceiptHandle"])
        return +self.counts


def test_a_cancelled_run_stops_asking(page: Page, functions: Callable[[str], None], scratch: Scratch) -> None:
    functions("endless")
    calls = Calls(scratch)
    waiting = {what: page.launch(selection, DAYS) for what, selection in RUNS.items()}
    runs = list(waiting.values())

    def cancelled() -> bool:
        for what in calls.so_far().keys() & waiting.keys():
            assert page.ask(CANCEL, run=waiting.pop(what)) == {"__typename": "TerminateRunSuccess"}
        return not waiting

    wait_for(cancelled)
    wait_for(lambda: {page.status(run) for run in runs} == {dg.DagsterRunStatus.CANCELED})
    made = calls.so_far().copy()
    time.sleep(QUIET_SECONDS)
    assert calls.so_far() == made
    assert made["examine"] == 1
    assert {said(page, run) for run in runs} == {"the run is cancelled: nothing more is asked for"}


def said(page: Page, run_id: str) -> str | None:
    """What the run's step says of its failure."""
    (record,) = page.context.instance.get_records_for_run(run_id, of_type=STEP_FAILURE).records
    return str(record.event_log_entry.dagster_event.step_failure_data.user_failure_data.description)


def test_a_run_over_its_time_limit_stops_asking_and_says_that_nobody_cancelled_it(
    page: Page, functions: Callable[[str], None], scratch: Scratch
) -> None:
    functions("endless")
    calls = Calls(scratch)
    run = page.launch(RUNS["load"], {**DAYS, "dagster/max_runtime": "1"})
    wait_for(lambda: calls.so_far()["load"] > 1)
    time.sleep(1)
    assert not any(execute_run_monitoring_iteration(page.context, logging.getLogger(__name__)))
    wait_for(lambda: page.status(run) == dg.DagsterRunStatus.FAILURE)
    wait_for(lambda: bool(page.context.instance.get_records_for_run(run, of_type=STEP_FAILURE).records))
    assert said(page, run) == "the run is over its time limit: nothing more is asked for"
