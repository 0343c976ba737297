"""A mart whose refresh failed is refreshed after all: once an hour, not before its inputs, never beside another run."""

import datetime as dt

import dagster as dg
import pytest

from orchestration.components.current import CURRENT
from orchestration.healing import healing
from orchestration.stale import refresh_requests
from tests.orchestration.conftest import RUNNING
from tests.orchestration.test_sensors import ORIGIN

CORE, MART, ABOVE = (dg.AssetKey(path) for path in (["core", "quakes"], ["mart", "daily"], ["mart", "yearly"]))


@dg.multi_asset(specs=[dg.AssetSpec(CORE)])
def table():
    yield dg.MaterializeResult(CORE)


@dg.multi_asset(specs=[dg.AssetSpec(MART, deps=[CORE])])
def daily(context):
    if "fails" in context.run.tags:
        raise dg.Failure("the warehouse refuses", allow_retries=False)
    yield dg.MaterializeResult(MART)


@dg.multi_asset(specs=[dg.AssetSpec(ABOVE, deps=[MART])])
def yearly():
    yield dg.MaterializeResult(ABOVE)


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(CURRENT, asset=MART),
        dg.AssetCheckSpec("other", asset=MART),
        dg.AssetCheckSpec(CURRENT, asset=ABOVE),
        dg.AssetCheckSpec("blocking", asset=CORE, blocking=True),
        dg.AssetCheckSpec("other", asset=CORE),
    ],
    can_subset=True,
)
def checks():
    yield from ()


DEFINITIONS = dg.Definitions([table, daily, yearly], asset_checks=[checks], sensors=[healing])
REPOSITORY = DEFINITIONS.get_repository_def()


class Marts:
    """Evaluates the sensor on one instance."""

    def __init__(self, instance):
        self.instance = instance

    def evaluate(self, key, name, *, passed=False, **more):
        evaluation = dg.AssetCheckEvaluation(asset_key=key, check_name=name, passed=passed, metadata={}, **more)
        self.instance.report_runless_asset_event(evaluation)

    def context(self):
        return dg.build_sensor_context(instance=self.instance, repository_def=REPOSITORY, resources=RUNNING)

    def requests(self):
        """What a tick asks for, as the daemon gets it."""
        return REPOSITORY.get_sensor_def("healing").evaluate_tick(self.context()).run_requests

    def asked(self):
        return [request.asset_selection for request in self.requests()]

    def refresh(self, **tags):
        assets = [table, daily, yearly]
        result = dg.materialize(assets, selection=[MART], tags=tags, instance=self.instance, raise_on_error=False)
        assert result.success is not bool(tags)


@pytest.fixture
def marts(instance):
    return Marts(instance)


def test_a_stale_mart_is_refreshed_until_a_refresh_succeeds_and_once_an_hour_at_most(marts):
    marts.evaluate(MART, CURRENT)
    marts.refresh(fails="true")
    (request,) = marts.requests()
    assert request.asset_selection == [MART]
    checked = {key.name for key in request.asset_check_keys}
    assert checked == {CURRENT, "other"}, "all of the mart: marts on it may wait for one"
    moments = [dt.datetime(2024, 3, 1, hour, minute, tzinfo=dt.UTC) for hour, minute in ((4, 17), (4, 59), (5, 17))]
    keys = [r.run_key for at in moments for r in refresh_requests(marts.context(), {MART: at.timestamp()}, at)]
    assert keys == ["stale|daily|2024-03-01T04", "stale|daily|2024-03-01T04", "stale|daily|2024-03-01T05"]
    marts.refresh()
    assert marts.asked() == [], "the refresh came after the proof"
    marts.evaluate(MART, CURRENT)
    assert marts.asked() == [[MART]]
    marts.evaluate(MART, CURRENT, passed=True)
    assert marts.asked() == []


def test_a_mart_on_a_stale_one_waits_for_it(marts):
    for key in (MART, ABOVE):
        marts.evaluate(key, CURRENT)
    assert marts.asked() == [[MART]]
    marts.evaluate(MART, CURRENT, passed=True)
    assert marts.asked() == [[ABOVE]]


@pytest.mark.parametrize("key", [CORE, MART])
def test_a_mart_is_left_alone_while_it_or_an_input_is_brought_about(marts, key):
    marts.evaluate(MART, CURRENT)
    job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={key})
    run = marts.instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.QUEUED, asset_selection={key}, remote_job_origin=ORIGIN
    )
    assert marts.asked() == []
    marts.instance.report_run_failed(run)
    marts.evaluate(CORE, "blocking", passed=True)
    assert marts.asked() == [[MART]]


@pytest.mark.parametrize(
    ("name", "severity", "asked"),
    [("blocking", "ERROR", []), ("blocking", "WARN", [[MART]]), ("other", "ERROR", [[MART]])],
)
def test_a_mart_keeps_what_it_has_while_a_blocking_check_of_an_input_fails(marts, name, severity, asked):
    marts.evaluate(MART, CURRENT)
    marts.evaluate(CORE, name, severity=dg.AssetCheckSeverity[severity])
    assert marts.asked() == asked
    marts.evaluate(CORE, name, passed=True)
    assert marts.asked() == [[MART]]
