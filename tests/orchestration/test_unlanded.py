"""What was never landed is landed: by a run a range of days, asked for once a day, and never beside another."""

import datetime as dt

import dagster as dg
import pytest

from orchestration.calls import metadata
from orchestration.components.landed import ELSEWHERE, FOLLOWED, LANDED, UNLANDED, with_former, wrong_days
from orchestration.components.proof import HOLDS, LOADED
from orchestration.healing import healing
from orchestration.loads import LANDING_TAG, PAUSED_TAG, RANGE_END, RANGE_START
from orchestration.passes import ALL, LOOKED_AT, WRONG_DAYS
from orchestration.unlanded import landing_requests
from tests.orchestration.conftest import RUNNING
from tests.orchestration.test_sensors import ORIGIN

DAYS = dg.DailyPartitionsDefinition("2018-01-01", timezone="UTC", end_offset=1)
RAW, CORE = dg.AssetKey(["raw", "quakes"]), dg.AssetKey(["core", "quakes"])
TODAY = dt.datetime.now(dt.UTC).date()


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec(name, asset=key) for key, name in ((RAW, LANDED), (CORE, LOADED), (CORE, HOLDS))],
    can_subset=True,
)
def checks():
    yield from ()


def build(*, fails: bool = False, paused: bool = False) -> dg.Definitions:
    """A source whose landings fail or succeed."""
    tags = {PAUSED_TAG: "true"} if paused else {}
    specs = [dg.AssetSpec(key, partitions_def=DAYS, tags=tags) for key in (RAW, CORE)]

    @dg.multi_asset(specs=specs, can_subset=True, backfill_policy=dg.BackfillPolicy.single_run())
    def source(context):
        if fails:
            raise dg.Failure("the source is down", allow_retries=False)
        for key in context.selected_asset_keys:
            yield dg.MaterializeResult(key)

    return dg.Definitions([source], asset_checks=[checks], sensors=[healing])


class Source:
    """Evaluates the sensor on one instance, and runs what it asks for."""

    def __init__(self, instance):
        self.instance = instance

    def context(self, definitions):
        return dg.build_sensor_context(
            instance=self.instance, repository_def=definitions.get_repository_def(), resources=RUNNING
        )

    def unlanded(self, *days, followed="2024-03-01"):
        """A proof that found these days."""
        self.evaluate(
            RAW, LANDED, **{UNLANDED: dg.MetadataValue.json(days)}, **({FOLLOWED: followed} if followed else {})
        )

    def evaluate(self, key, name, **metadata):
        evaluation = dg.AssetCheckEvaluation(asset_key=key, check_name=name, passed=False, metadata=metadata)
        self.instance.report_runless_asset_event(evaluation)

    def asked(self, definitions):
        """Asset, first and last day of what a tick asks for, as the daemon gets it."""
        sensor = definitions.get_repository_def().get_sensor_def("healing")
        requests = sensor.evaluate_tick(self.context(definitions)).run_requests
        return [(r.asset_selection, r.tags[RANGE_START], r.tags[RANGE_END]) for r in requests]

    def heal(self, definitions):
        """Run what a tick asks for, whether or not it succeeds; how many runs."""
        requests = healing(self.context(definitions)).run_requests
        assets = [definitions.get_assets_def(RAW)]
        for r in requests:
            dg.materialize(
                assets, selection=r.asset_selection, tags=r.tags, instance=self.instance, raise_on_error=False
            )
        return len(requests)

    def begin(self, status, tags, **more):
        """A run that waits or has begun."""
        job = build().resolve_implicit_global_asset_job_def().get_subset(asset_selection={RAW})
        return self.instance.create_run_for_job(job, status=status, tags=tags, remote_job_origin=ORIGIN, **more)


@pytest.fixture
def quakes(instance):
    return Source(instance)


def test_days_that_were_never_landed_are_asked_for_by_range(quakes):
    quakes.unlanded("2024-03-02/2024-03-04", "2024-03-07/2024-03-07")
    assert quakes.asked(build()) == [([RAW], "2024-03-02", "2024-03-04"), ([RAW], "2024-03-07", "2024-03-07")]


def test_history_is_left_to_a_person(quakes):
    quakes.unlanded("2018-01-01/2024-02-28", "2024-02-29/2024-03-02")
    assert quakes.asked(build()) == [([RAW], "2024-03-02", "2024-03-02")]
    quakes.unlanded("2018-01-01/2024-02-28", followed=None)
    assert quakes.asked(build()) == []


def test_a_day_that_fails_again_is_asked_for_once_a_day(quakes):
    quakes.unlanded("2024-03-02/2024-03-02")
    assert quakes.heal(build(fails=True)) == 1
    for days in (["2024-03-02/2024-03-02"], ["2024-03-02/2024-03-03"]):
        quakes.unlanded(*days)
    assert quakes.asked(build()) == [([RAW], "2024-03-03", "2024-03-03")]
    found = {UNLANDED: dg.MetadataValue.json(["2024-03-02/2024-03-02"]), FOLLOWED: dg.MetadataValue.text("2024-03-01")}
    tomorrow = TODAY + dt.timedelta(days=1)
    (request,) = landing_requests(quakes.context(build()), "quakes", found, tomorrow)
    assert request.run_key.endswith(f"2024-03-02/2024-03-02|{tomorrow}")


@pytest.mark.long
@pytest.mark.parametrize(
    ("status", "tags", "more"),
    [
        (dg.DagsterRunStatus.QUEUED, {LANDING_TAG: "quakes", "dagster/partition": "2024-03-02"}, {}),
        (dg.DagsterRunStatus.STARTED, {LANDING_TAG: "quakes", "dagster/partition": "2024-03-02"}, {}),
        (dg.DagsterRunStatus.STARTED, {RANGE_START: "2024-03-01", RANGE_END: "2024-03-02"}, {"asset_selection": {RAW}}),
    ],
)
def test_a_landing_that_waits_or_runs_is_not_asked_for_again_and_one_that_failed_is(quakes, status, tags, more):
    run = quakes.begin(status, tags, **more)
    quakes.begin(status, {RANGE_START: "2024-03-03", RANGE_END: "2024-03-03"}, asset_selection={CORE})
    quakes.unlanded("2024-03-02/2024-03-03")
    assert quakes.asked(build()) == [([RAW], "2024-03-03", "2024-03-03")]
    quakes.instance.report_run_failed(run)
    assert quakes.asked(build()) == [([RAW], "2024-03-02", "2024-03-03")]


def test_a_paused_source_is_left_alone_and_healed_once_it_is_not(quakes):
    quakes.unlanded("2024-03-02/2024-03-02")
    for name, kind in ((LOADED, "missing"), (HOLDS, "damaged")):
        quakes.evaluate(CORE, name, **{kind: dg.MetadataValue.json(["2024-03-01/2024-03-01"])})
    assert quakes.asked(build(paused=True)) == []
    assert [asset for asset, _, _ in quakes.asked(build())] == [[CORE], [CORE], [RAW]]


def test_what_will_be_landed_is_looked_at_again_and_history_is_remembered(quakes):
    key = dg.AssetCheckKey(RAW, LANDED)
    days = {UNLANDED: ["2018-01-01/2024-02-28", "2024-03-02/2024-03-04"], FOLLOWED: "2024-03-01", LOOKED_AT: ALL}
    first = with_former(quakes.instance, "quakes", days)
    assert wrong_days(first) == {WRONG_DAYS: ["2024-03-02/2024-03-04"]}
    quakes.evaluate(key.asset_key, LANDED, **metadata({**first, **wrong_days(first)}))
    part = {UNLANDED: [], FOLLOWED: "2024-03-05", LOOKED_AT: "2024-03-02/2024-03-04, 2024-05-01/2024-05-07"}
    second = with_former(quakes.instance, "quakes", part)
    assert (second[ELSEWHERE], second[FOLLOWED]) == (["2018-01-01/2024-02-28"], "2024-03-01")
    assert wrong_days(second) == {WRONG_DAYS: []}
