"""Runs that are launched and cancelled as the page does it: in processes of their own, between calls or in one."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.schema import create_schema

from orchestration.components.proof import HOLDS
from orchestration.loads import RANGE_END, RANGE_START
from tests.orchestration.conftest import Scratch

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

MODULE = "orchestration.definitions"
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
LAUNCH = """mutation ($execution: ExecutionParams!) { launchRun(executionParams: $execution) {
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
CANCEL = """mutation ($run: String!) { terminateRun(runId: $run) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
AT_ONCE = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
PATIENCE_SECONDS = 100
# Several times what a call takes.
QUIET_SECONDS = 4


class Page:
    """What the page sends to its server, on an instance whose runs are processes of a code server."""

    def __init__(self, context: Any):
        self.context = context
        self.schema = create_schema()

    def ask(self, text: str, **variables: Any) -> Any:
        """The answer to one mutation."""
        request = self.context.create_request_context()
        result = asyncio.run(self.schema.execute_async(text, variable_values=variables, context_value=request))
        assert not result.errors
        (answer,) = result.data.values()
        return answer

    def launch(self, selection: dict[str, Any]) -> str:
        """The id of a run that has begun."""
        names = {"repositoryLocationName": MODULE, "repositoryName": "__repository__", "jobName": "__ASSET_JOB"}
        tags = [{"key": key, "value": value} for key, value in DAYS.items()]
        execution = {"mode": "default", "selector": {**names, **selection}, "executionMetadata": {"tags": tags}}
        return str(self.ask(LAUNCH, execution=execution)["run"]["runId"])

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        """How the run stands."""
        return self.context.instance.get_run_by_id(run_id).status  # type: ignore[no-any-return]


@pytest.fixture
def page(scratch: Scratch) -> Iterator[Page]:
    target = ModuleTarget(MODULE, None, None, MODULE)
    with (
        dg.instance_for_test(overrides={"run_coordinator": AT_ONCE}) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield Page(context)
        instance.run_launcher.join()


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


def wait_for(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.1)


def test_a_cancelled_run_stops_asking(page: Page, functions: Callable[[str], None], scratch: Scratch) -> None:
    functions("endless")
    calls = Calls(scratch)
    waiting = {what: page.launch(selection) for what, selection in RUNS.items()}
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
