"""The nightly proof in Dagster: a red check that names raw key and equation, and no proof beside every load."""

import datetime as dt

import dagster as dg
import pytest

from lambdas.common.contract import load_contracts
from orchestration.calls import metadata
from orchestration.components import told
from orchestration.components.landed import LANDED
from orchestration.components.proof import DECLARED, DESCRIPTIONS, HOLDS, KEPT, LOADED, checked_asset
from orchestration.definitions import defs
from orchestration.healing import healing
from orchestration.loads import LAST_DAYS_TAG, core_key, load_request
from tests.orchestration.conftest import RUNNING

pytestmark = pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")
KEYS = {dg.AssetCheckKey(checked_asset("weather", name), name) for name in DESCRIPTIONS}


@pytest.fixture(scope="module")
def repository():
    return defs().get_repository_def()


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    """Loaded days are told to nobody: a year of events that no test here looks at."""
    monkeypatch.setattr(told, "MOST_TOLD", 0)


def prove(repository, instance=None, **tags):
    """The evaluations of weather's checks by name, as the scheduled job makes them."""
    job = repository.get_job("proof").get_subset(asset_selection=set(), asset_check_selection=KEYS)
    result = job.execute_in_process(instance=instance, tags=tags)
    assert result.success
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def failed(instance, key, **answer):
    """The check evaluated outside of any job, as a proof with this answer would."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=key.asset_key, check_name=key.name, passed=False, metadata=metadata(answer)
    )
    instance.report_runless_asset_event(evaluation)


def test_equations_that_hold_make_the_checks_green(repository, functions):
    functions("proved")
    found = prove(repository)
    assert {name: (e.passed, e.description) for name, e in found.items()} == dict.fromkeys(
        DESCRIPTIONS, (True, "3 objects, 7 accepted rows")
    )


def test_broken_equation_makes_the_check_red_and_is_named(repository, functions):
    functions("broken")
    found = prove(repository)
    assert {name: e.passed for name, e in found.items()} == dict.fromkeys(DESCRIPTIONS, False)
    assert found[HOLDS].severity == dg.AssetCheckSeverity.ERROR
    assert "raw/weather/2013/01/01/data_x.parquet: accepted = rows by _raw_key" in found[HOLDS].description
    assert found[HOLDS].description.endswith("4 more in the function's log")
    assert found[LOADED].description == "2 objects are not loaded, of 2013-01-03/2013-01-04"
    assert found[KEPT].description.startswith("1 objects are gone from raw/")
    assert found[DECLARED].asset_key.path == ["raw", "weather"]
    assert found[DECLARED].description.startswith("4 objects of 2012-12-30/2012-12-31 are not loaded: the source has")
    assert "; 3 objects lie in no day, raw/weather/x.csv among them; expected raw/" in found[DECLARED].description
    assert found[LANDED].asset_key.path == ["raw", "weather"]
    assert found[LANDED].severity == dg.AssetCheckSeverity.WARN
    assert found[LANDED].description == (
        "3 days were never landed, the newest of them 2013-01-05/2013-01-06, 2013-01-08/2013-01-08; "
        "`scripts/data_ingest.py weather --from FIRST --to LAST` lands them"
    )


def test_a_pass_over_the_last_days_keeps_what_the_one_over_all_found_before_them(repository, functions):
    key = dg.AssetCheckKey(dg.AssetKey(["raw", "weather"]), LANDED)
    proof = repository.get_job("proof").get_subset(asset_selection=set(), asset_check_selection={key})
    today = dt.datetime.now(dt.UTC).date()
    told = []
    functions("proved")
    with dg.DagsterInstance.ephemeral() as instance:
        failed(instance, key, unlanded_days=["2013-01-02/2013-01-03", f"2013-01-05/{today}"], wrong_days=[])
        for tags in ({LAST_DAYS_TAG: "7"}, {LAST_DAYS_TAG: "7"}, {}):
            (evaluation,) = proof.execute_in_process(instance=instance, tags=tags).get_asset_check_evaluations()
            told.append((evaluation.passed, evaluation.metadata["unlanded_elsewhere"].value))
    former = ["2013-01-02/2013-01-03", f"2013-01-05/{today - dt.timedelta(days=7)}"]
    assert told == [(False, former), (False, former), (True, [])]


def test_a_run_that_brings_about_assets_passes_the_proof_over_and_what_it_found_still_holds(repository, functions):
    functions("broken")
    checks = {key for key in KEYS if key.asset_key == core_key("weather")}
    with dg.DagsterInstance.ephemeral() as instance:
        proof = repository.get_job("proof").get_subset(asset_selection=set(), asset_check_selection=checks)
        assert len(proof.execute_in_process(instance=instance).get_asset_check_evaluations()) == 3
        given = {"instance": instance, "repository_def": repository, "resources": RUNNING}
        asked = [request.run_key for request in healing(dg.build_sensor_context(**given)).run_requests]
        assert len(asked) == 2
        job = repository.get_implicit_job_def_for_assets([core_key("weather")])
        load = job.get_subset(asset_selection={core_key("weather")}, asset_check_selection=checks)
        loaded = load.execute_in_process(instance=instance, partition_key="2013-01-01")
        assert loaded.success
        assert loaded.get_asset_check_evaluations() == []
        assert [r.run_key for r in healing(dg.build_sensor_context(**given)).run_requests] == asked


def test_the_hourly_proof_asks_for_the_last_days_alone(repository, functions):
    functions("proved")
    today = dt.datetime.now(dt.UTC).date()
    asked = prove(repository, **{LAST_DAYS_TAG: "7"})[HOLDS].metadata["event"].value
    assert asked["start"] == str(today - dt.timedelta(days=6))
    assert asked["end"] == str(today + dt.timedelta(days=1))
    assert "start" not in prove(repository)[HOLDS].metadata["event"].value
    for name, tags in (("hourly_proof", {LAST_DAYS_TAG: "7"}), ("nightly_proof", {})):
        context = dg.build_schedule_context(resources=RUNNING, repository_def=repository)
        assert repository.get_schedule_def(name)(context).tags == tags


def test_a_pass_over_the_last_days_looks_at_those_that_failed_too_and_forgets_none_that_lies_in_no_day(
    repository, functions
):
    with dg.DagsterInstance.ephemeral() as instance:
        for key in KEYS:
            failed(instance, key, wrong_days=["2018-02-01/2018-02-03"], undated=3, undated_key="raw/weather/x.csv")
        functions("proved")
        found = prove(repository, instance, **{LAST_DAYS_TAG: "7"})
    today = dt.datetime.now(dt.UTC).date()
    looked_at = f"2018-02-01/2018-02-03, {today - dt.timedelta(days=6)}/{today}"
    assert {name: e.passed for name, e in found.items()} == dict.fromkeys(DESCRIPTIONS, True) | {DECLARED: False}
    assert found[KEPT].description == f"6 objects, 14 accepted rows, of {looked_at}"
    assert found[DECLARED].description.startswith("3 objects lie in no day, raw/weather/x.csv among them")


def test_nightly_job_proves_every_source_and_does_nothing_else(repository):
    job = repository.get_job("proof")
    checked = {key.asset_key.path[-1] for key in job.asset_layer.asset_graph.asset_check_keys}
    assert checked == set(load_contracts())
    assert job.asset_layer.executable_asset_keys == set()
    schedule = repository.get_schedule_def("nightly_proof")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_run_that_loads_days_proves_nothing(repository):
    day = dt.date(2013, 1, 1)
    request = load_request(dg.build_sensor_context(repository_def=repository), "weather", (day, day), run_key="x")
    assert {key.name for key in request.asset_check_keys}.isdisjoint(DESCRIPTIONS)
