"""python -m orchestration.orphans: report runs as failed whose processes are gone, so that they are tried again.

The default run launcher cannot ask whether a run still lives. Where one machine runs everything, nothing lives before
the daemon starts: whatever counts as running then was killed. To be called then, and only then.
"""

import sys

import dagster as dg

REASON = "The run's process was gone when Dagster started again."


def report_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run that counts as running as failed; returns their ids."""
    alive = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    runs = instance.get_runs(dg.RunsFilter(statuses=alive))
    for run in runs:
        instance.report_run_failed(run, REASON)
    return [run.run_id for run in runs]


if __name__ == "__main__":
    with dg.DagsterInstance.get() as home:
        sys.stdout.write(f"{len(report_orphans(home))} runs had lost their process\n")
