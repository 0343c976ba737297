"""A run that is cancelled as the page does it: in a process of its own, by the run launcher, between two calls."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import ModuleTarget

from orchestration.definitions import defs
from orchestration.loads import RANGE_END, RANGE_START
from tests.orchestration.conftest import Scratch

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

MODULE = "orchestration.definitions"
RAW = dg.AssetKey(["raw", "earthquakes"])
# A call a day: the run would go on for most of a minute.
DAYS = ("2018-01-31", "2018-12-31")
PATIENCE_SECONDS = 60
# Several times what a call takes.
QUIET_SECONDS = 4


@pytest.fixture
def server(scratch: Scratch) -> Iterator[Any]:
    """An instance whose runs are processes of a code server."""
    target = ModuleTarget(MODULE, None, None, MODULE)
    with (
        dg.instance_for_test() as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield context
        instance.run_launcher.join()


def launch(server: Any) -> str:
    """The run of raw/earthquakes for DAYS, begun."""
    job = defs().get_repository_def().get_implicit_job_def_for_assets([RAW])
    location = server.create_request_context().get_code_location(MODULE)
    (repository,) = location.get_repositories().values()
    run = server.instance.create_run_for_job(
        job,
        asset_selection={RAW},
        tags={RANGE_START: DAYS[0], RANGE_END: DAYS[1]},
        remote_job_origin=repository.get_full_job(job.name).get_remote_origin(),
        job_code_origin=repository.get_full_job(job.name).get_python_origin(),
    )
    server.instance.launch_run(run.run_id, server.create_request_context())
    return run.run_id


def wait_for(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.1)


def test_a_cancelled_run_stops_asking(server: Any, functions: Callable[[str], None], scratch: Scratch) -> None:
    functions("counted days")
    run_id = launch(server)
    wait_for(lambda: sum(scratch.waiting()) >= 3)
    assert server.instance.run_launcher.terminate(run_id)
    wait_for(lambda: server.instance.get_run_by_id(run_id).is_finished)
    assert server.instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED
    made = sum(scratch.waiting())
    time.sleep(QUIET_SECONDS)
    assert sum(scratch.waiting()) == made < 100
