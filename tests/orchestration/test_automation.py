import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.events import StepMaterializationData

from orchestration.automation import build_automation, refresh_after_inputs
from tests.orchestration.test_sensors import ORIGIN

DAYS = dg.DailyPartitionsDefinition("2026-01-01", timezone="UTC", end_offset=1)
CORE, OTHER, MART = (dg.AssetKey(path) for path in (["core", "a"], ["core", "b"], ["mart", "m"]))


@dg.multi_asset(
    specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in (CORE, OTHER)],
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables(context):
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(key)


@dg.multi_asset(specs=[dg.AssetSpec(MART, deps=[CORE, OTHER], automation_condition=refresh_after_inputs())])
def view():
    yield dg.MaterializeResult(MART)


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec(n, asset=CORE, blocking=n == "blocking") for n in ("blocking", "other")],
    can_subset=True,
)
def checks(context):
    finds = context.run.tags["finds"]
    if finds == "an outage":
        raise dg.Failure("the warehouse refuses", allow_retries=False)
    severity = dg.AssetCheckSeverity.WARN if finds == "a warning" else dg.AssetCheckSeverity.ERROR
    for name in ("blocking", "other"):
        passed = finds in ("nothing", "an outage behind it")
        yield dg.AssetCheckResult(passed=passed, asset_key=CORE, check_name=name, severity=severity)
    if finds == "an outage behind it":
        raise dg.Failure("the warehouse refuses", allow_retries=False)


@dg.asset_check(asset=MART)
def grain():
    return dg.AssetCheckResult(passed=True)


DEFINITIONS = dg.Definitions([tables, view], asset_checks=[checks])


class Evaluations:
    """Evaluates the mart's condition again and again on one instance, as the daemon does."""

    def __init__(self, instance):
        self.instance = instance
        self.cursor = None

    def requested(self):
        result = dg.evaluate_automation_conditions(
            DEFINITIONS, self.instance, asset_selection=dg.AssetSelection.assets(MART), cursor=self.cursor
        )
        self.cursor = result.cursor
        return result.total_requested

    def load(self, key, day):
        assert dg.materialize([tables], selection=[key], partition_key=day, instance=self.instance).success

    def evaluate(self, name, *, passed):
        """A blocking check, or another, of the latest load of CORE."""
        record = self.instance.get_latest_materialization_event(CORE)
        storage = self.instance.fetch_materializations(CORE, limit=1).records[0].storage_id
        target = AssetCheckEvaluationTargetMaterializationData(
            storage_id=storage, run_id=record.run_id, timestamp=record.timestamp
        )
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=CORE, check_name=name, passed=passed, metadata={}, target_materialization_data=target
            )
        )

    def load_checked(self, finds):
        """A day of CORE, as sensors load it: with its checks, which find what is said."""
        selection = dg.AssetSelection.assets(CORE)
        tags, given = {"finds": finds}, {"partition_key": "2026-03-02", "instance": self.instance}
        done = dg.materialize([tables, checks], selection=selection, tags=tags, raise_on_error=False, **given)
        assert done.success is (finds in ("nothing", "a warning"))

    def told(self):
        """A day of CORE that somebody else loaded is told."""
        self.instance.report_runless_asset_event(dg.AssetMaterialization(CORE, partition="2026-03-03"))

    def planned(self, status):
        """A run of CORE's checks in that state, which has not evaluated them."""
        job = DEFINITIONS.resolve_implicit_global_asset_job_def()
        check = dg.AssetCheckKey(CORE, "blocking")
        subset = job.get_subset(asset_selection=set(), asset_check_selection={check})
        return self.instance.create_run_for_job(subset, status=status, remote_job_origin=ORIGIN)

    def loaded_unchecked(self):
        """A load at work that has loaded a day of CORE, and whose checks are yet to come."""
        job = DEFINITIONS.resolve_implicit_global_asset_job_def()
        subset = job.get_subset(asset_selection={CORE}, asset_check_selection={dg.AssetCheckKey(CORE, "blocking")})
        given = {"tags": {"dagster/partition": "2026-03-04"}, "asset_selection": {CORE}, "remote_job_origin": ORIGIN}
        run = self.instance.create_run_for_job(subset, status=dg.DagsterRunStatus.STARTED, **given)
        data = StepMaterializationData(dg.AssetMaterialization(CORE, partition="2026-03-04"))
        event = dg.DagsterEvent("ASSET_MATERIALIZATION", run.job_name, step_key="tables", event_specific_data=data)
        self.instance.report_dagster_event(event, run.run_id)
        return run

    def refresh(self):
        assert dg.materialize([tables, view], selection=[MART], instance=self.instance).success


@pytest.fixture
def marts():
    with dg.DagsterInstance.ephemeral() as instance:
        evaluations = Evaluations(instance)
        assert evaluations.requested() == 0
        yield evaluations


def test_one_refresh_follows_a_batch_of_days_with_gaps_in_history(marts):
    for key, day in ((CORE, "2026-01-05"), (CORE, "2026-03-01"), (OTHER, "2026-01-02")):
        marts.load(key, day)
    assert marts.requested() == 1
    marts.refresh()
    assert [marts.requested() for _ in range(3)] == [0, 0, 0]


def test_a_late_day_refreshes_again(marts):
    marts.load(CORE, "2026-03-01")
    assert marts.requested() == 1
    marts.refresh()
    assert marts.requested() == 0
    marts.load(CORE, "2026-01-01")
    assert marts.requested() == 1


def test_a_change_between_a_request_and_the_next_look_is_not_lost(marts):
    marts.load(CORE, "2026-03-01")
    assert marts.requested() == 1
    marts.refresh()
    marts.load(CORE, "2026-03-02")
    assert [marts.requested() for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize(("name", "asked"), [("blocking", 0), ("other", 1)])
def test_a_mart_waits_while_a_blocking_check_of_the_latest_load_fails(marts, name, asked):
    marts.load(CORE, "2026-03-01")
    marts.evaluate(name, passed=False)
    assert marts.requested() == asked
    marts.evaluate(name, passed=True)
    assert marts.requested() == 1 - asked


@pytest.mark.parametrize(
    ("finds", "asked"),
    [
        (["nothing"], 1),
        (["an error"], 0),
        (["a warning"], 1),
        (["an error", "an outage"], 0),
        (["an outage"], 0),
        (["an outage", "nothing"], 1),
        (["an outage behind it"], 1),
    ],
)
def test_a_load_frees_marts_only_where_its_blocking_check_was_evaluated_and_is_well(marts, finds, asked):
    for found in finds:
        marts.load_checked(found)
        if found != finds[-1]:
            assert marts.requested() == 0
    assert [marts.requested() for _ in range(2)] == [asked, 0]


@pytest.mark.parametrize(("finds", "asked"), [("an error", 0), ("an outage", 0), ("nothing", 1)])
def test_a_day_that_somebody_else_loaded_neither_holds_a_mart_nor_frees_it(marts, finds, asked):
    marts.load_checked(finds)
    marts.told()
    assert marts.requested() == asked
    marts.evaluate("blocking", passed=True)
    assert marts.requested() == 1 - asked


def test_a_check_of_which_nothing_is_known_holds_nothing(marts):
    marts.told()
    marts.planned(dg.DagsterRunStatus.QUEUED)
    assert marts.requested() == 1


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_a_pass_that_waits_or_works_does_not_free_a_mart(marts, status):
    marts.load_checked("an error")
    run = marts.planned(status)
    assert marts.requested() == 0
    marts.instance.report_run_failed(run)
    assert marts.requested() == 0


@pytest.mark.parametrize("passed", [True, False])
def test_a_mart_waits_for_the_blocking_check_of_a_load_that_has_loaded(marts, passed):
    marts.load_checked("nothing")
    assert marts.requested() == 1
    run = marts.loaded_unchecked()
    assert marts.requested() == 0
    found = dg.AssetCheckEvaluation(asset_key=CORE, check_name="blocking", passed=passed, metadata={})
    event = dg.DagsterEvent("ASSET_CHECK_EVALUATION", run.job_name, event_specific_data=found)
    marts.instance.report_dagster_event(event, run.run_id)
    assert marts.requested() == int(passed)


def test_a_load_that_waited_is_newer_than_a_pass_that_was_asked_for_behind_it(marts):
    marts.load(CORE, "2026-03-01")
    run = marts.planned(dg.DagsterRunStatus.STARTED)
    marts.evaluate("blocking", passed=True)
    found = dg.AssetCheckEvaluation(asset_key=CORE, check_name="blocking", passed=False, metadata={})
    event = dg.DagsterEvent("ASSET_CHECK_EVALUATION", run.job_name, event_specific_data=found)
    marts.instance.report_dagster_event(event, run.run_id)
    assert marts.requested() == 0


def test_the_code_server_evaluates_the_marts_and_asks_for_their_checks_too(marts):
    grouped = view.map_asset_specs(lambda spec: spec.replace_attributes(group_name="marts"))
    own = dg.Definitions([tables, grouped], asset_checks=[checks, grain], sensors=[build_automation()])
    own = own.get_repository_def()
    cursor, asked = None, []
    for _ in range(2):
        context = dg.build_sensor_context(instance=marts.instance, repository_def=own, cursor=cursor)
        tick = own.get_sensor_def("marts_after_inputs").evaluate_tick(context)
        cursor = tick.cursor
        asked.append([(r.asset_selection, {key.name for key in r.asset_check_keys}) for r in tick.run_requests])
        marts.load(CORE, "2026-03-01")
    assert asked == [[], [([MART], {"grain"})]]


def test_nothing_is_asked_for_while_a_run_of_an_input_is_under_way(marts):
    marts.load(CORE, "2026-03-01")
    job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={OTHER})
    run = marts.instance.create_run_for_job(
        job,
        tags={"dagster/partition": "2026-03-01"},
        status=dg.DagsterRunStatus.STARTED,
        asset_selection={OTHER},
    )
    assert marts.requested() == 0
    marts.instance.report_run_failed(run)
    assert [marts.requested() for _ in range(2)] == [1, 0]
