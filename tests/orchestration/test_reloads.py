import datetime as dt

import dagster as dg
import pytest

from lambdas.common.errors import SettingsError
from orchestration import reloads
from orchestration.loads import RANGE_END, RANGE_START, REBUILD_TAG, SOURCE_TAG
from orchestration.reloads import ATTEMPT_TAG, PERMANENT_TAG, failed_loads
from tests.orchestration.conftest import RUNNING, set_back

DAYS = dg.DailyPartitionsDefinition("2018-01-01", timezone="UTC", end_offset=1)
CORE = dg.AssetKey(["core", "quakes"])
RANGE = ("2018-02-01", "2018-02-03")
ERRORS = {
    "busy": lambda: dg.Failure("busy", metadata={"error_type": "WarehouseBusy"}, allow_retries=False),
    "refused": lambda: dg.Failure("refused", metadata={"error_type": "LoadError"}, allow_retries=False),
    "unset": lambda: SettingsError("no such parameter"),
    "unknown": lambda: RuntimeError("nobody knows"),
}


@dg.multi_asset(specs=[dg.AssetSpec(CORE, partitions_def=DAYS)], backfill_policy=dg.BackfillPolicy.single_run())
def load(context):
    if error := ERRORS.get(context.run.tags.get("error")):
        raise error()
    yield dg.MaterializeResult(CORE)


DEFINITIONS = dg.Definitions([load], sensors=[failed_loads])


class Loads:
    """Runs loads on one instance and evaluates the sensor tick after tick, as the daemon does."""

    def __init__(self, instance):
        self.instance = instance
        self.cursor = None

    def run(self, days=RANGE, *, error=None, **tags):
        tags = {RANGE_START: days[0], RANGE_END: days[1], **tags, **({"error": error} if error else {})}
        result = dg.materialize([load], instance=self.instance, tags=tags, raise_on_error=False)
        assert result.success is (error is None)
        return result.run_id

    def asked(self, days=RANGE, *, error=None, **tags):
        """A run as a sensor asks for it."""
        return self.run(days, error=error, **{SOURCE_TAG: "quakes", **tags})

    def tick(self):
        context = dg.build_sensor_context(
            instance=self.instance, definitions=DEFINITIONS, cursor=self.cursor, resources=RUNNING
        )
        result = failed_loads(context)
        self.cursor = result.cursor
        return result.run_requests or []


@pytest.fixture
def loads(instance, monkeypatch):
    monkeypatch.setattr(reloads, "FIRST_DELAY", dt.timedelta(milliseconds=1))
    return Loads(instance)


def test_a_failed_load_is_asked_for_again_with_its_range_and_another_key(loads):
    first = loads.asked(error="busy")
    (request,) = loads.tick()
    assert request.asset_selection == [CORE]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == RANGE
    assert (request.tags[SOURCE_TAG], request.tags[ATTEMPT_TAG]) == ("quakes", "2")
    assert REBUILD_TAG not in request.tags
    assert request.run_key == f"after {first}"
    second = loads.asked(error="busy", **{ATTEMPT_TAG: "2"})
    (request,) = loads.tick()
    assert (request.run_key, request.tags[ATTEMPT_TAG]) == (f"after {second}", "3")


def test_a_failed_rebuild_is_asked_for_again_as_a_rebuild(loads):
    loads.asked(error="busy", **{REBUILD_TAG: "true"})
    (request,) = loads.tick()
    assert request.tags[REBUILD_TAG] == "true"


def test_a_failure_that_carries_a_moment_before_the_last_tick_is_asked_for(loads):
    before = dt.datetime.now(dt.UTC)
    assert loads.tick() == []
    late = loads.asked(error="busy")
    set_back(loads.instance, late, before)
    assert [request.run_key for request in loads.tick()] == [f"after {late}"]


def test_an_error_that_nobody_knows_is_tried_again(loads):
    loads.asked(error="unknown")
    assert len(loads.tick()) == 1


def test_a_run_that_died_without_a_step_is_tried_again(loads):
    job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={CORE})
    tags = {RANGE_START: RANGE[0], RANGE_END: RANGE[1], SOURCE_TAG: "quakes"}
    run = loads.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED, asset_selection={CORE})
    assert loads.tick() == []
    loads.instance.report_run_failed(run)
    assert [request.run_key for request in loads.tick()] == [f"after {run.run_id}"]


@pytest.mark.parametrize(("error", "kind"), [("refused", "LoadError"), ("unset", "SettingsError")])
def test_a_permanent_error_is_said_once_and_left_to_a_person(loads, caplog, error, kind):
    run_id = loads.asked(error=error)
    assert [loads.tick() for _ in range(3)] == [[], [], []]
    assert loads.instance.get_run_by_id(run_id).tags[PERMANENT_TAG] == kind
    said = [r.getMessage() for r in caplog.records if r.name == "orchestration.reloads"]
    assert len(said) == 1
    assert "materialize core/quakes from 2018-02-01 to 2018-02-03" in said[0]


def test_a_later_success_of_the_range_settles_it(loads):
    loads.asked(error="busy")
    loads.asked()
    assert loads.tick() == []


@pytest.mark.long
def test_a_success_by_hand_of_a_wider_range_settles_it_and_of_a_narrower_one_does_not(loads):
    loads.asked(error="busy")
    loads.run(("2018-02-01", "2018-02-02"))
    assert len(loads.tick()) == 1
    loads.run(("2018-01-30", "2018-02-05"))
    assert loads.tick() == []


def test_a_success_of_before_does_not_settle_it(loads):
    loads.asked()
    loads.asked(error="busy")
    assert len(loads.tick()) == 1


def test_each_try_waits_longer_and_there_is_no_last_one(loads, monkeypatch):
    monkeypatch.setattr(reloads, "FIRST_DELAY", dt.timedelta(minutes=1))
    loads.asked(error="busy")
    assert loads.tick() == []
    (record,) = loads.instance.get_run_records()
    delays = []
    for attempt in (1, 2, 3, 7, 1000):
        loads.instance.add_run_tags(record.dagster_run.run_id, {ATTEMPT_TAG: str(attempt)})
        (record,) = loads.instance.get_run_records()
        delays.append((reloads._due(record) - reloads._failed_at(record)).total_seconds() / 60)
    assert delays == [1, 2, 4, 60, 60]


def test_a_waiting_load_is_not_forgotten_by_the_cursor(loads, monkeypatch):
    monkeypatch.setattr(reloads, "OVERLAP", dt.timedelta(milliseconds=1))
    monkeypatch.setattr(reloads, "FIRST_DELAY", dt.timedelta(minutes=1))
    loads.asked(error="busy")
    assert [loads.tick() for _ in range(3)] == [[], [], []]
    monkeypatch.setattr(reloads, "FIRST_DELAY", dt.timedelta(milliseconds=1))
    assert len(loads.tick()) == 1


@pytest.mark.long
def test_a_cancelled_run_stops_asking(loads):
    job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={CORE})
    tags = {RANGE_START: RANGE[0], RANGE_END: RANGE[1], SOURCE_TAG: "quakes"}
    loads.asked(error="busy")
    assert len(loads.tick()) == 1
    run = loads.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED, asset_selection={CORE})
    loads.instance.report_run_canceled(run)
    assert [loads.tick() for _ in range(2)] == [[], []]


def test_what_is_paused_is_not_asked_for_again(loads, monkeypatch):
    loads.asked(error="busy")
    monkeypatch.setattr(reloads, "is_paused", lambda context, source: source == "quakes")
    assert loads.tick() == []


def test_what_somebody_started_by_hand_is_theirs(loads):
    loads.run(error="busy")
    assert loads.tick() == []


def test_a_range_that_the_source_no_longer_has_is_left_alone(loads):
    run_id = loads.asked(error="busy")
    loads.instance.add_run_tags(run_id, {RANGE_START: "2017-12-31"})
    assert loads.tick() == []
