import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from orchestration.automation import refresh_after_inputs

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


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(n, asset=CORE, blocking=n == "blocking") for n in ("blocking", "other")])
def checks():
    yield from ()


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

    def refresh(self):
        assert dg.materialize([tables, view], selection=[MART], instance=self.instance).success


@pytest.fixture
def marts():
    with dg.instance_for_test() as instance:
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
