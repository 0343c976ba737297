"""What nobody was told of, or what somebody broke, is reported by the next proof and healed by the runs it asks for."""

import datetime as dt

import dagster as dg
import pytest

from lambdas.common.db.redshift import execute
from orchestration.components.current import CURRENT
from orchestration.components.landed import LANDED
from orchestration.components.proof import DECLARED, DESCRIPTIONS, HOLDS, KEPT, LOADED, checked_asset
from orchestration.definitions import defs
from orchestration.healing import healing
from orchestration.landings import raw_key
from orchestration.loads import LAST_DAYS_TAG, RANGE_END, RANGE_START, REBUILD_TAG, core_key
from orchestration.resources import Cloud
from tests.orchestration.conftest import RUNNING
from tests.process.source import read_warehouse
from tests.test_chain import drop, select

QUAKES = core_key("earthquakes")
pytestmark = pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")


class Platform:
    """The code location on an instance of its own: proves, looks at the sensor, runs what it asks for."""

    def __init__(self, instance: dg.DagsterInstance):
        self.instance = instance
        self.definitions = defs()
        self.repository = self.definitions.get_repository_def()

    def prove(self, **tags: str) -> dict[str, dg.AssetCheckEvaluation]:
        """The evaluations of the earthquakes' checks, as the scheduled job makes them."""
        keys = {dg.AssetCheckKey(checked_asset("earthquakes", name), name) for name in DESCRIPTIONS}
        found = self.evaluate(keys, tags)
        assert found.keys() == DESCRIPTIONS.keys()
        return found

    def evaluate(self, keys: set[dg.AssetCheckKey], tags: dict[str, str]) -> dict[str, dg.AssetCheckEvaluation]:
        """The evaluations of these checks in a run with these tags."""
        job = self.repository.get_job("proof").get_subset(asset_selection=set(), asset_check_selection=keys)
        result = job.execute_in_process(instance=self.instance, tags=tags)
        return {e.check_name: e for e in result.get_asset_check_evaluations()}

    def asked(self) -> list[dg.RunRequest]:
        """What the sensor asks for now."""
        context = dg.build_sensor_context(instance=self.instance, definitions=self.definitions, resources=RUNNING)
        found = healing(context)
        return list(getattr(found, "run_requests", None) or [])

    def landings(self) -> list[tuple[str, str]]:
        """First and last day of the landings that the sensor asks for now."""
        return [
            (r.tags[RANGE_START], r.tags[RANGE_END])
            for r in self.asked()
            if r.asset_selection == [raw_key("earthquakes")]
        ]

    def heal(self) -> list[tuple[str, str, bool]]:
        """Run what the sensor asks for: first day, last day, whether it was a rebuild."""
        requests = self.asked()
        for request in requests:
            job = self.repository.get_implicit_job_def_for_assets(request.asset_selection)
            subset = job.get_subset(asset_selection=set(request.asset_selection), asset_check_selection=set())
            assert subset.execute_in_process(instance=self.instance, tags=request.tags).success
        return [(r.tags[RANGE_START], r.tags[RANGE_END], REBUILD_TAG in r.tags) for r in requests]

    def land(self, day: str) -> bool:
        """Whether a run lands that day, as the schedule asks for it."""
        return self.run(raw_key("earthquakes"), partition_key=day)

    def run(self, key: dg.AssetKey, **more: str) -> bool:
        """Whether a run of the asset succeeds."""
        job = self.repository.get_implicit_job_def_for_assets([key])
        subset = job.get_subset(asset_selection={key}, asset_check_selection=set())
        return subset.execute_in_process(instance=self.instance, raise_on_error=False, **more).success

    def statuses(self, key: dg.AssetKey, days: list[str]) -> list[str | None]:
        """What Dagster's page says of these days."""
        partitions = self.repository.asset_graph.get(key).partitions_def
        found = self.instance.get_status_by_partition(key, days, partitions)
        return [status.value if status else None for status in found.values()]

    def rows(self, day: str) -> int:
        """How many rows the latest materialization of that day says that it has."""
        wanted = dg.AssetRecordsFilter(asset_key=QUAKES, asset_partitions=[day])
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        return record.asset_materialization.metadata["dagster/partition_row_count"].value


@pytest.fixture
def platform(instance):
    return Platform(instance)


def passed(evaluations: dict[str, dg.AssetCheckEvaluation]) -> dict[str, bool]:
    return {name: evaluation.passed for name, evaluation in evaluations.items()}


ASIDE = "no_object_is_set_aside"
# Of the years since the source's start nothing was landed: that is a person's to decide, and not healed.
WELL = dict.fromkeys(DESCRIPTIONS, True) | {LANDED: False}


@pytest.mark.long
def test_the_hourly_pass_leaves_red_what_the_nightly_one_found_in_old_days(platform, cloud, deployed, monkeypatch):
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)
    s3, bucket, hourly = cloud.client("s3"), cloud.env["LAKE_BUCKET"], {LAST_DAYS_TAG: "7"}
    gone, broken = drop(cloud, "2018-04-02", "old02"), drop(cloud, "2018-04-04", "old04")
    s3.put_object(Bucket=bucket, Key=broken, Body=b"no Parquet file")
    assert passed(platform.prove()) == WELL | {LOADED: False}
    assert passed(platform.prove(**hourly)) == WELL | {LOADED: False}, "nothing was loaded meanwhile"
    platform.heal()
    assert passed(platform.prove(**hourly)) == WELL, "it is loaded, and the hourly pass has looked there"

    s3.delete_object(Bucket=bucket, Key=gone)
    aside = dg.AssetCheckKey(QUAKES, ASIDE)
    for tags in ({}, hourly, hourly):
        assert passed(platform.prove(**tags)) == WELL | {KEPT: False}
        assert passed(platform.evaluate({aside}, tags)) == {ASIDE: False}
    s3.put_object(Bucket=bucket, Key=gone, Body=b"another one")
    platform.prove(**hourly)
    platform.heal()
    assert passed(platform.prove(**hourly)) == WELL
    s3.delete_object(Bucket=bucket, Key=broken)
    s3.delete_object(Bucket=bucket, Key=gone)
    platform.prove()
    platform.heal()
    assert passed(platform.evaluate({aside}, hourly)) == {ASIDE: True}


@pytest.mark.long
def test_lost_notification_deleted_rows_and_a_lost_object_are_reported_and_healed(
    platform, cloud, deployed, monkeypatch
):
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)
    for day in ("2018-03-01", "2018-03-02", "2018-03-05"):
        key = drop(cloud, day, f"heal{day[-2:]}")
    cloud.client("sqs").purge_queue(QueueUrl=cloud.parameter("queue/url"))
    count = "SELECT COUNT(*) FROM core.earthquakes WHERE event_id LIKE 'heal%'"

    found = platform.prove()
    assert passed(found) == WELL | {LOADED: False}
    assert "3 objects are not loaded, of 2018-03-01/2018-03-02, 2018-03-05/2018-03-05" in found[LOADED].description
    assert platform.heal() == [("2018-03-01", "2018-03-02", False), ("2018-03-05", "2018-03-05", False)]
    assert select(cloud.env, count) == [[3]]
    assert passed(platform.prove()) == WELL
    assert platform.asked() == []
    assert platform.rows("2018-03-05") == 1

    with read_warehouse(cloud).session("tests") as connection:
        execute(connection, "DELETE FROM core.earthquakes WHERE event_id = 'heal02'")
        execute(connection, "COMMIT")
    assert passed(platform.prove()) == WELL | {HOLDS: False}
    assert platform.heal() == [("2018-03-02", "2018-03-02", True)]
    assert select(cloud.env, count) == [[3]]
    assert passed(platform.prove()) == WELL

    outside = drop(cloud, "2018-01-29", "heal29")
    found = platform.prove()
    assert passed(found) == WELL | {DECLARED: False}
    assert "1 objects of 2018-01-29/2018-01-29 are not loaded" in found[DECLARED].description
    assert platform.asked() == []
    for gone in (outside, key):
        cloud.client("s3").delete_object(Bucket=cloud.env["LAKE_BUCKET"], Key=gone)
    assert passed(platform.prove()) == WELL | {KEPT: False}
    assert platform.asked() == []
    assert select(cloud.env, count) == [[3]]


@pytest.mark.long
def test_a_day_whose_landing_failed_is_reported_and_landed_by_the_next_pass(platform, cloud, deployed, monkeypatch):
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)
    today = dt.datetime.now(dt.UTC).date()
    first, lost, last = (str(today - dt.timedelta(days=n)) for n in (3, 2, 1))
    assert platform.land(first)
    assert platform.land(last)
    ssm, name = cloud.client("ssm"), "/analytics/local/functions/ingest"
    function = cloud.parameter("functions/ingest")
    ssm.delete_parameter(Name=name)
    assert not platform.land(lost)
    ssm.put_parameter(Name=name, Value=function, Type="String")

    found = platform.prove()[LANDED]
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert f", {lost}/{lost}; those behind {first} are asked for by themselves" in found.description
    assert platform.landings() == [(lost, lost)]
    assert (lost, lost, False) in platform.heal()
    assert platform.landings() == [], "once a day"
    landed = platform.prove()
    assert landed[LANDED].metadata["unlanded_days"].value[-1] < first
    assert f"{lost}/{lost}" in landed[LOADED].metadata["missing"].value, "the queue, or the next pass, has it loaded"
    assert platform.landings() == []


@pytest.mark.long
def test_a_mart_whose_refresh_failed_is_reported_and_refreshed_by_the_next_pass(platform, cloud, deployed, monkeypatch):
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)
    mart = dg.AssetKey(["mart", "daily_seismicity"])
    key = {dg.AssetCheckKey(mart, CURRENT)}
    assert platform.run(mart)
    assert passed(platform.evaluate(key, {})) == {CURRENT: True}
    with read_warehouse(cloud).session("tests") as connection:
        execute(connection, "UPDATE ops.generation SET generation = generation + 1 WHERE source = 'earthquakes'")
        execute(connection, "COMMIT")
    ssm, name = cloud.client("ssm"), "/analytics/local/functions/process"
    function = cloud.parameter("functions/process")
    ssm.delete_parameter(Name=name)
    assert not platform.run(mart)
    ssm.put_parameter(Name=name, Value=function, Type="String")

    found = platform.evaluate(key, {})[CURRENT]
    assert (found.passed, found.description) == (False, "earthquakes changed after the last refresh")
    (request,) = platform.asked()
    assert request.asset_selection == [mart]
    assert platform.run(mart)
    said = platform.instance.get_latest_materialization_event(mart).asset_materialization.metadata
    assert [[said["dagster/row_count"].value]] == select(deployed, "SELECT COUNT(*) FROM mart.daily_seismicity")
    assert platform.asked() == []
    assert passed(platform.evaluate(key, {})) == {CURRENT: True}


@pytest.mark.long
def test_days_that_were_loaded_without_dagster_are_told_by_the_next_pass_and_a_failed_one_stays_failed(
    platform, cloud, deployed, monkeypatch
):
    for name, value in (cloud.env | {"ANALYTICS_ENV": "local"}).items():
        monkeypatch.setenv(name, value)
    loaded, lost = [f"2018-05-{day:02}" for day in range(1, 4)], "2018-05-04"
    for day in loaded:
        drop(cloud, day, f"told{day[-2:]}")
    span = {"source": "earthquakes", "start": loaded[0], "end": lost}
    assert "FunctionError" not in Cloud(environment="local").invoke(
        cloud.parameter("functions/process"), {"action": "load", **span}
    )
    drop(cloud, lost, "told04")
    ssm, name = cloud.client("ssm"), "/analytics/local/functions/process"
    function = cloud.parameter("functions/process")
    ssm.delete_parameter(Name=name)
    assert not platform.run(QUAKES, partition_key=lost)
    ssm.put_parameter(Name=name, Value=function, Type="String")

    assert not platform.prove()[LOADED].passed
    raw, core = (platform.statuses(key, [*loaded, lost]) for key in (raw_key("earthquakes"), QUAKES))
    assert raw == ["MATERIALIZED"] * 3 + [None], "it is told once it is loaded"
    assert core == ["MATERIALIZED"] * 3 + ["FAILED"]
    assert platform.rows(loaded[0]) == 1
    assert (lost, lost, False) in platform.heal()
    assert platform.prove()[LOADED].passed
    for key in (raw_key("earthquakes"), QUAKES):
        assert platform.statuses(key, [*loaded, lost]) == ["MATERIALIZED"] * 4


def evaluated(instance, name: str, *, passed: bool = False, **days: list[str]) -> None:
    """A check evaluated outside of any job, as its proof would report it."""
    metadata = {kind: dg.MetadataValue.json(days.get(kind, [])) for kind in ("missing", "damaged")}
    evaluation = dg.AssetCheckEvaluation(asset_key=QUAKES, check_name=name, passed=passed, metadata=metadata)
    instance.report_runless_asset_event(evaluation)


def test_days_beyond_the_source_are_left_out(platform):
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    yesterday = tomorrow - dt.timedelta(days=2)
    evaluated(platform.instance, LOADED, missing=["1900-01-01/1900-01-03", f"{yesterday}/{tomorrow}"])
    (request,) = platform.asked()
    assert request.tags[RANGE_START] == str(yesterday)
    assert request.tags[RANGE_END] == str(yesterday + dt.timedelta(days=1))


def test_the_same_proof_asks_for_the_same_runs(platform):
    evaluated(platform.instance, LOADED, missing=["2018-03-01/2018-03-02"])
    evaluated(platform.instance, HOLDS, damaged=["2018-03-04/2018-03-04"])
    first, second = ([r.run_key for r in platform.asked()] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_an_old_proof_asks_for_nothing(platform, monkeypatch):
    evaluated(platform.instance, LOADED, missing=["2018-03-01/2018-03-02"])
    monkeypatch.setattr("orchestration.healing.OLDEST", dt.timedelta(0))
    assert platform.asked() == []
