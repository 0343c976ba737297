"""Old proofs go, and nothing goes with them that anybody looks at."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable

from orchestration import tidying
from orchestration.evaluations import latest_evaluation
from orchestration.schedules import PROOF

KEY = dg.AssetKey(["core", "a"])
CHECK = dg.AssetCheckKey(KEY, "holds")
LONG_AGO = dt.datetime.now(dt.UTC) - tidying.KEPT - dt.timedelta(hours=1)


@dg.asset(key=KEY)
def table():
    return dg.MaterializeResult()


@dg.asset_check(asset=KEY, name=CHECK.name)
def holds(context):
    if "tells" in context.run.tags:
        context.op_execution_context.log_event(dg.AssetMaterialization(KEY, partition="2018-02-01"))
    return dg.AssetCheckResult(passed=False, description="it is wrong")


JOBS = [
    dg.define_asset_job(PROOF, dg.AssetSelection.all_asset_checks()),
    dg.define_asset_job("load", dg.AssetSelection.assets(KEY).without_checks()),
]
DEFINITIONS = dg.Definitions([table], asset_checks=[holds], jobs=JOBS)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance, job, moment=LONG_AGO, **tags):
    """The id of a run of that job, created at that moment."""
    done = DEFINITIONS.resolve_job_def(job).execute_in_process(instance=instance, tags=tags)
    created = RunsTable.update().where(RunsTable.c.run_id == done.run_id)
    with instance.run_storage.connect() as connection:
        connection.execute(created.values(create_timestamp=moment.astimezone(dt.UTC).replace(tzinfo=None)))
    return done.run_id


def tick(instance, cursor=None):
    """What is left, the newest first, and the cursor."""
    result = tidying.old_proofs(dg.build_sensor_context(instance=instance, cursor=cursor))
    return [found.run_id for found in instance.get_runs()], result.cursor


def test_a_proof_of_long_ago_goes_and_what_it_found_stays(instance):
    run(instance, PROOF)
    assert tick(instance)[0] == []
    found, _ = latest_evaluation(instance, CHECK)
    assert (found.passed, found.description) == (False, "it is wrong")
    assert set(instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])) == {CHECK}


def test_loads_new_proofs_and_those_that_tell_of_a_day_stay(instance):
    kept = [run(instance, "load"), run(instance, PROOF, tells="true"), run(instance, PROOF, dt.datetime.now(dt.UTC))]
    assert sorted(tick(instance)[0]) == sorted(kept)
    assert instance.get_materialized_partitions(KEY) == {"2018-02-01"}


def test_ticks_go_on_behind_what_they_leave(instance, monkeypatch):
    monkeypatch.setattr(tidying, "MOST_RUNS", 1)
    minute = dt.timedelta(minutes=1)
    told = run(instance, PROOF, LONG_AGO - minute, tells="true")
    run(instance, PROOF)
    left, cursor = tick(instance)
    assert len(left) == 2
    assert tick(instance, cursor)[0] == [told]
