"""What Dagster's page does to runs, without a browser: the mutations that it sends, on an instance of a test's own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.schema import create_schema

MODULE = "orchestration.definitions"
LAUNCH = """mutation ($execution: ExecutionParams!) { launchRun(executionParams: $execution) {
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
CANCEL = """mutation ($run: String!) { terminateRun(runId: $run) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
PATIENCE_SECONDS = 100


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

    def launch(self, selection: Mapping[str, Any], days: Mapping[str, str]) -> str:
        """The id of a run of that selection, launched or queued as the instance says; `days` are its tags."""
        names = {"repositoryLocationName": MODULE, "repositoryName": "__repository__", "jobName": "__ASSET_JOB"}
        tags = [{"key": key, "value": value} for key, value in days.items()]
        execution = {"mode": "default", "selector": {**names, **selection}, "executionMetadata": {"tags": tags}}
        return str(self.ask(LAUNCH, execution=execution)["run"]["runId"])

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        """How the run stands."""
        return self.context.instance.get_run_by_id(run_id).status  # type: ignore[no-any-return]


@contextmanager
def page_of(settings: dict[str, Any]) -> Iterator[Page]:
    """The page of an instance with these settings, whose runs are processes of a code server."""
    target = ModuleTarget(MODULE, None, None, MODULE)
    with (
        dg.instance_for_test(overrides=settings) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield Page(context)
        instance.run_launcher.join()


def wait_for(what: Callable[[], bool]) -> None:
    """Until that is so."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.1)
