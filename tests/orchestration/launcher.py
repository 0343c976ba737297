"""A run launcher for many runs at once on a small machine: processes, forked where the code is loaded already."""

import multiprocessing
import os
from collections.abc import Mapping

import dagster as dg
from dagster._core.execution.api import execute_run
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.origin import JobPythonOrigin
from dagster._serdes import deserialize_value, serialize_value
from dagster._utils.hosted_user_process import recon_job_from_origin

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.orchestration.preloaded"])


class ForkRunLauncher(SyncInMemoryRunLauncher):
    """Executes each run in a process of its own, with the environment that the launching one has."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Begin the run."""
        told = (serialize_value(self._instance.get_ref()), serialize_value(context.job_code_origin))
        FORKS.Process(target=execute, args=(*told, context.dagster_run.run_id, dict(os.environ)), daemon=True).start()


def execute(instance_ref: str, origin: str, run_id: str, environment: Mapping[str, str]) -> None:
    """The run, in this process."""
    os.environ.update(environment)
    with dg.DagsterInstance.from_ref(deserialize_value(instance_ref, InstanceRef)) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        execute_run(recon_job_from_origin(deserialize_value(origin, JobPythonOrigin)), run, instance)
