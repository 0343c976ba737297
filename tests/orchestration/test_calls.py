import json
from types import SimpleNamespace

import dagster as dg
import pytest

from lambdas.common.contract import assets_folder
from orchestration.calls import call_function, function_failure, metadata
from orchestration.days import LANDED, LOADED, chart, day_metadata
from orchestration.definitions import defs
from orchestration.landings import raw_key
from orchestration.loads import RANGE_END, RANGE_START, core_key
from orchestration.resources import build_resources
from tests.orchestration import function
from tests.orchestration.components.test_components import resolve

# Dagster warns of its own use of Pipes
pytestmark = pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")


@pytest.fixture(scope="module")
def assets():
    return defs().get_repository_def().assets_defs_by_key


def materialize(assets, key, *, days=None):
    first, last = days or (None, None)
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if days else {}
    return dg.materialize(
        [assets[dg.AssetKey(key)]],
        tags=tags,
        raise_on_error=False,
    )


def metadata_of(result):
    events = result.get_asset_materialization_events()
    return {name: value.value for name, value in events[0].materialization.metadata.items()}


def asked(result, found):
    """The event that the function got, once it named the run."""
    assert found["event"].pop("requested_by") == result.run_id
    return found["event"]


def test_a_range_of_core_is_one_call_and_one_report(assets, functions):
    functions("plain")
    result = materialize(assets, ["core", "earthquakes"], days=("2018-02-01", "2018-02-03"))
    assert result.success
    assert len(result.get_asset_materialization_events()) == 3
    found = metadata_of(result)
    assert asked(result, found) == {
        "action": "load",
        "source": "earthquakes",
        "start": "2018-02-01",
        "end": "2018-02-04",
    }
    assert found["load"].splitlines() == ["| in | objects put | calls |", "|---:|---:|---:|", "| 10 | 2 | 1 |"]
    assert found["request_id"]
    assert found["uri"] == "s3://lake/curated/earthquakes/"


def test_raw_calls_again_until_nothing_remains_and_sums(assets, functions):
    functions("days")
    result = materialize(assets, ["raw", "earthquakes"], days=("2018-02-01", "2018-02-03"))
    assert result.success
    found = metadata_of(result)
    assert asked(result, found) == {"source": "earthquakes", "start": "2018-02-03", "end": "2018-02-04"}
    # the day's own counts stand beside it: the sums of the run are in its table
    assert found["landing"].splitlines() == ["| in | objects put | calls |", "|---:|---:|---:|", "| 30 | 6 | 3 |"]
    assert (found["start"], found["end"]) == ("2018-02-01", "2018-02-04")


def test_a_mart_is_refreshed_by_name_and_says_its_rows(assets, functions):
    functions("plain")
    result = materialize(assets, ["mart", "daily_seismicity"])
    assert result.success
    assert metadata_of(result)["event"] == {"action": "refresh", "marts": ["daily_seismicity"]}
    assert metadata_of(result)["dagster/row_count"] == 12


@pytest.mark.parametrize(
    ("kind", "again"), [("RequestError", False), ("LoadError", False), ("WarehouseBusy", True), ("MemoryError", True)]
)
def test_only_errors_that_may_pass_are_tried_again(kind, again):
    payload = json.dumps({"errorMessage": "why", "errorType": kind, "stackTrace": []})
    failure = function_failure("ingest", f"Lambda Function Error (Unhandled):\n{payload}")
    assert failure.description == f"why ({kind} in ingest)"
    assert failure.allow_retries is again


def test_an_error_before_the_function_ran_is_no_failure_of_the_function():
    assert function_failure("ingest", "Could not connect to the endpoint URL") is None


def probe(scratch):
    """An asset that calls the function, tried twice without waiting."""

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def called(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        event = {"start": "2018-02-01", "end": "2018-02-03"}
        return dg.MaterializeResult(metadata=metadata(call_function(context, scratch.resource, "process", event=event)))

    result = dg.materialize([called], raise_on_error=False)
    failures = result.filter_events(lambda event: event.is_step_failure)
    retries = result.filter_events(lambda event: event.is_step_up_for_retry)
    return [f.step_failure_data.user_failure_data.description for f in failures], len(retries)


@pytest.mark.parametrize(
    ("mode", "reason", "retries"),
    [
        ("busy", "the warehouse is busy (WarehouseBusy in ", 1),
        ("refused", "the warehouse refuses (LoadError in ", 0),
        ("silent", "ended without saying what it did", 1),
        ("stuck", "made no progress", 0),
    ],
)
def test_failures_say_what_happened_and_are_retried_where_it_may_help(functions, scratch, mode, reason, retries):
    functions(mode)
    descriptions, found = probe(scratch)
    assert len(descriptions) == 1
    assert reason in descriptions[0].splitlines()[0]
    assert found == retries


def test_no_message_shows_the_position_of_a_slice(functions, scratch, capfd):
    functions("stuck")
    descriptions, _ = probe(scratch)
    logged = [line for line in capfd.readouterr().err.splitlines() if "remaining" in line]
    assert "'number': 1" in descriptions[0]
    assert "'number': 1" in logged[0]
    assert "example.org" not in f"{descriptions}{logged}"


def test_a_slice_goes_on_where_the_answer_says_and_not_the_log(assets, functions):
    functions("begun anew")
    found = metadata_of(materialize(assets, ["raw", "earthquakes"], days=("2018-02-01", "2018-02-03")))
    assert found["event"]["slice"] == function.SLICE


def test_a_function_that_begins_anew_once_is_called_again(functions, scratch):
    functions("begun anew")
    assert probe(scratch) == ([], 0)


def test_what_is_not_deployed_is_said_at_once(scratch):
    descriptions, retries = probe(scratch)
    path = f"/analytics/{scratch.environment}/functions/process"
    assert descriptions == [
        f"SSM parameter {path} does not exist: is `{scratch.environment}` deployed? (SettingsError)"
    ]
    assert retries == 0


def test_each_day_carries_its_own_counts_and_the_run_a_chart(assets, functions):
    functions("plain")
    result = materialize(assets, ["core", "earthquakes"], days=("2018-01-31", "2018-02-01"))
    found = {e.partition: e.materialization.metadata for e in result.get_asset_materialization_events()}
    rows = {day: metadata["dagster/partition_row_count"].value for day, metadata in found.items()}
    assert rows == {"2018-01-31": 0, "2018-02-01": 10}
    assert {day: m["rows_in"].value for day, m in found.items()} == {"2018-01-31": 11, "2018-02-01": 11}
    (drawn,) = {m["days"].value for m in found.values()}
    assert drawn.splitlines()[2:] == [
        "| 2018-01-31 | 2 | 0 | 1 | 0 |  |",
        f"| 2018-02-01 | 2 | 10 | 1 | 0 | {'█' * 24} |",
    ]
    assert found["2018-02-01"]["load"].value.splitlines()[2].startswith("| 10 |")


def test_each_raw_day_carries_its_own_counts_and_the_run_a_chart(assets, functions):
    functions("plain")
    result = materialize(assets, ["raw", "earthquakes"], days=("2018-01-31", "2018-02-01"))
    found = {e.partition: e.materialization.metadata for e in result.get_asset_materialization_events()}
    counts = ("objects", "rows", "dagster/partition_row_count")
    assert {day: tuple(m[name].value for name in counts) for day, m in found.items()} == {
        "2018-01-31": (2, 0, 0),
        "2018-02-01": (2, 10, 10),
    }
    (drawn,) = {m["days"].value for m in found.values()}
    assert drawn.splitlines()[2:] == ["| 2018-01-31 | 2 | 0 |  |", f"| 2018-02-01 | 2 | 10 | {'█' * 24} |"]
    assert found["2018-02-01"]["landing"].value.splitlines()[2].startswith("| 10 |")


@pytest.mark.parametrize("layer", ["raw", "core"])
def test_no_day_carries_a_number_of_the_whole_run_nor_of_another_day(assets, functions, layer):
    functions("gaps")
    result = materialize(assets, [layer, "earthquakes"], days=("2018-02-01", "2018-02-03"))
    found = {e.partition: e.materialization.metadata for e in result.get_asset_materialization_events()}
    numbers = {
        day: {name: value.value for name, value in m.items() if isinstance(value.value, int | float)}
        for day, m in found.items()
    }
    known = {*function.COUNTS, "rows", "rows_accepted", "dagster/partition_row_count"}
    assert numbers["2018-02-01"].keys() == numbers["2018-02-03"].keys() == known
    rows = "rows" if layer == "raw" else "rows_accepted"
    assert numbers["2018-02-02"]["objects"] == numbers["2018-02-02"][rows] == 0, "nothing lies there"
    assert set(numbers["2018-02-02"].values()) == {0}


def test_a_day_whose_rows_are_not_known_says_nothing_of_them():
    day = {"day": "2018-02-01", "objects": 1, "bytes": 5, "rows": None}
    assert day_metadata(day, LANDED) == {"objects": 1, "bytes": 5}
    assert chart([day], LANDED).value.splitlines()[2:] == ["| 2018-02-01 | 1 | 0 |  |"]


def test_a_long_load_is_drawn_by_month_and_a_longer_one_by_year():
    counts = {"objects": 1, "rows_accepted": 2, "rows_rejected": 0, "rows_late": 0}
    months = [f"{year}-{month:02}" for year in (2023, 2024) for month in (1, 2)]
    days = [{"day": f"{month}-{day:02}", **counts} for month in months for day in range(1, 29)]
    assert [line[2:9] for line in chart(days, LOADED).value.splitlines()[2:]] == months
    years = [{"day": f"{year}-{month:02}-01", **counts} for year in range(2000, 2010) for month in range(1, 13)]
    assert len(chart(years, LOADED).value.splitlines()[2:]) == 10


@pytest.mark.filterwarnings("ignore:Class `.*` is currently in beta")
def test_the_load_of_what_others_drop_tells_each_raw_days_own_counts(functions):
    functions("gaps")
    folder = assets_folder() / "sources" / "earthquakes"
    dropped = resolve({"start": "2018-01-30"}).build_defs(SimpleNamespace(path=folder))
    dropped = dg.Definitions.merge(dropped, dg.Definitions(resources=build_resources()))
    job = dropped.get_repository_def().get_implicit_job_def_for_assets([core_key("earthquakes")])
    load = job.get_subset(asset_selection={core_key("earthquakes")}, asset_check_selection=set())
    days = {RANGE_START: "2018-02-01", RANGE_END: "2018-02-03"}
    with dg.DagsterInstance.ephemeral() as instance:
        assert load.execute_in_process(instance=instance, tags=days).success
        events = instance.fetch_materializations(raw_key("earthquakes"), limit=9).records
        # dropped again: what a tick saw of a day stands in the place of no count, and the load counts anew
        assert load.execute_in_process(instance=instance, tags=days).success
        assert len(instance.fetch_materializations(raw_key("earthquakes"), limit=9).records) == 2 * len(events)
    counts = {e.partition_key: {n: v.value for n, v in e.asset_materialization.metadata.items()} for e in events}
    there = {"objects": 2, "rows": 11, "dagster/partition_row_count": 11}
    assert counts == {"2018-02-01": there, "2018-02-03": there}, "where nothing lies, nothing has landed"
