"""Proofs of long ago are deleted: a run an hour is most of what fills Dagster's database, which keeps all by itself.

What a check found last stays, for Dagster keeps evaluations apart from runs; so does a run that tells of a day, which
would be missing without it.
"""

import datetime as dt

import dagster as dg

from orchestration.schedules import PROOF

KEPT = dt.timedelta(days=30)
INTERVAL_SECONDS = 3600
# Of a tick, which may take a minute: four days' proofs.
MOST_RUNS = 100
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dg.sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Deletes proofs that ended and are older than {KEPT.days} days, unless they tell of a day.",
)
def old_proofs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Deletes runs, the oldest first; the cursor is the moment (ISO, UTC) before which none is left to delete."""
    since = dt.datetime.fromisoformat(context.cursor) if context.cursor else None
    before = dt.datetime.now(dt.UTC) - KEPT
    filters = dg.RunsFilter(job_name=PROOF, statuses=ENDED, created_before=before, created_after=since)
    records = context.instance.get_run_records(filters, limit=MOST_RUNS, ascending=True)
    runs = [record.dagster_run.run_id for record in records]
    old = [run for run in runs if not _tells_of_a_day(context.instance, run)]
    for run in old:
        context.instance.delete_run(run)
    cursor = records[-1].create_timestamp.isoformat() if records else context.cursor
    return dg.SensorResult(skip_reason=f"{len(old)} old proofs are deleted", cursor=cursor)


def _tells_of_a_day(instance: dg.DagsterInstance, run: str) -> bool:
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    return bool(instance.get_records_for_run(run, of_type=kind, limit=1).records)
