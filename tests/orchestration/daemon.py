"""Dagster's sensor daemon in a process that may be killed.

With a point it makes ticks and is killed by SIGKILL there; with `drain` it makes ticks until the queue is empty. The
points are Dagster's own, and those before and behind them that are ours. Runs stay queued.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import WorkspaceLoadTarget
from dagster._daemon import sensor as sensors

from orchestration import queue
from orchestration.resources import Cloud

SENSOR = "raw_objects"
OURS = ("RECEIVED", "EVENT_REPORTED", "DELETED")
# In the order in which a tick, and the next one, come by.
POINTS = (
    "TICK_CREATED",
    "TICK_HELD",
    "RECEIVED",
    "EVENT_REPORTED",
    "AUTOMATION_EVALUATIONS_ADDED",
    "RUN_IDS_RESERVED",
    "RUN_CREATED",
    "RUN_LAUNCHED",
    "RUN_IDS_ADDED_TO_EVALUATIONS",
    "DELETED",
)
TICKS, PAUSE_SECONDS = 200, 0.3


class Project(WorkspaceLoadTarget):
    """The code location of a module, in this process."""

    def __init__(self, module: str) -> None:
        self.module = module

    def create_origins(self) -> Sequence[InProcessCodeLocationOrigin]:
        target = LoadableTargetOrigin(module_name=self.module, executable_path=sys.executable)
        return [InProcessCodeLocationOrigin(target, location_name=self.module)]


def kill(*_args: Any, **_given: Any) -> Any:
    """The end of this process, as by a lost host."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(work: Callable[..., Any], *, number: int) -> Callable[..., Any]:
    """The same, with a kill behind its call of that number that had something to do."""
    calls = 0

    def wrapped(*args: Any, **given: Any) -> Any:
        nonlocal calls
        result = work(*args, **given)
        calls += 1 if (result is None and args[-1]) or result else 0
        return kill() if calls == number else result

    return wrapped


def plant(point: str) -> dict[str, dict[str, int]]:
    """Dagster's crash flags for the point, or none where the point is one of ours, which is planted."""
    if point not in OURS:
        return {SENSOR: {point: int(signal.SIGKILL)}}
    if point == "RECEIVED":
        queue.receive = after(queue.receive, number=1)
    if point == "DELETED":
        queue.delete = after(queue.delete, number=1)
    if point == "EVENT_REPORTED":
        dg.DagsterInstance.report_runless_asset_event = after(dg.DagsterInstance.report_runless_asset_event, number=1)
    return {}


@contextmanager
def workspace(module: str = "orchestration.definitions") -> Iterator[Any]:
    """What the daemon works with."""
    with (
        dg.DagsterInstance.get() as instance,
        create_test_daemon_workspace_context(Project(module), instance) as context,
    ):
        yield context


def waiting() -> int:
    """How many messages the queue has, seen or hidden."""
    cloud = Cloud(environment=os.environ["ANALYTICS_ENV"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=cloud.parameter("queue/url"), AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


def tick(context: Any, flags: dict[str, dict[str, int]]) -> None:
    """One look of the daemon."""
    logger = logging.getLogger("daemon")
    for error in sensors.execute_sensor_iteration(context, logger, None, None, debug_crash_flags=flags):
        if error is not None:
            sys.stderr.write(f"{error}\n")


def work(point: str, visibility: int, environment: Mapping[str, str]) -> None:
    """Exits with 0 when the queue is empty, with 1 when that did not come about."""
    os.environ.update(environment)
    queue.VISIBILITY_SECONDS = visibility
    # this sensor alone, at every tick
    sensors.is_under_min_interval = lambda _state, sensor: sensor.name != SENSOR
    flags = plant(point)
    with workspace() as context:
        for _ in range(TICKS):
            tick(context, flags)
            if not waiting():
                sys.exit(0)
            time.sleep(PAUSE_SECONDS)
    sys.exit(1)
