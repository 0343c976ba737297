import datetime as dt
import gc
from pathlib import Path

import dagster as dg
import pytest

from lambdas.common.contract import assets_folder, load_contracts, load_marts, load_sources
from lambdas.common.source import load_source_config
from orchestration.components.common import RETRIES
from orchestration.components.current import CURRENT
from orchestration.components.landed import LANDED
from orchestration.components.proof import DECLARED, HOLDS, KEPT, LOADED
from orchestration.components.quality import CHECKS, FRESH, GRAIN, TABLE_RULES
from orchestration.definitions import defs
from orchestration.loads import PAUSED_TAG
from orchestration.schedules import HOURLY_CRON, NIGHTLY_CRON


@pytest.fixture(scope="module")
def definitions():
    return defs()


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.get_repository_def().asset_graph


def test_definitions_load_without_environment_or_cloud(definitions, monkeypatch):
    for name in ("ANALYTICS_ENV", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    dg.Definitions.validate_loadable(definitions)


@pytest.fixture
def collections():
    """The phases of the collector's passes in the test, which begins with Python's own threshold."""
    passes, own = [], gc.get_threshold()

    def note(phase, _info):
        passes.append(phase)

    gc.callbacks.append(note)
    gc.set_threshold(700, 10, 10)
    yield passes
    gc.callbacks.remove(note)
    gc.set_threshold(*own)


def test_the_collector_leaves_a_load_alone(collections):
    defs().get_repository_def()
    assert len(collections) <= 4, "what is built stays: to look for garbage in it is in vain"


def test_every_folder_of_assets_is_in_the_graph_and_nothing_else(graph):
    sources = {folder.name for folder in (assets_folder() / "sources").iterdir() if folder.is_dir()}
    marts = {folder.name for folder in (assets_folder() / "marts").iterdir() if folder.is_dir()}
    wanted = {("raw", s) for s in sources} | {("core", s) for s in sources} | {("mart", m) for m in marts}
    assert {tuple(key.path) for key in graph.get_all_asset_keys()} == wanted


@pytest.mark.parametrize("name", load_contracts())
def test_assets_carry_what_their_contract_says(graph, name):
    contract = load_contracts()[name]
    for key in (key for key in graph.get_all_asset_keys() if key.path[-1] == name):
        node = graph.get(key)
        assert node.group_name == ("marts" if contract.kind == "mart" else name)
        assert node.owners == ([f"team:{contract.team}"] if contract.team else [])
        assert set(contract.tags) <= set(node.tags)
        paused = "Paused in its defs.yaml: nothing of it runs by itself. " if PAUSED_TAG in node.tags else ""
        assert node.description.startswith(paused + contract.title)
        assert "**" not in node.description, "the catalog shows it as it stands"
        assert node.code_version.startswith(contract.hash)
        linked = {Path(r.file_path) for r in node.metadata["dagster/code_references"].code_references}
        assert {contract.path, contract.path.with_name("defs.yaml")} <= linked
        assert all(path.exists() for path in linked)
        assert (
            node.kinds
            == {
                "raw": {"s3", "parquet"},
                "core": {"redshift"},
                "mart": {"redshift", "sql"},
            }[key.path[0]]
        )


@pytest.mark.parametrize("name", load_contracts())
def test_tables_show_their_columns_and_where_they_come_from(graph, name):
    contract = load_contracts()[name]
    node = graph.get(dg.AssetKey([contract.schema, name]))
    assert node.metadata["dagster/table_name"] == f"{contract.schema}.{name}"
    schema = node.metadata["dagster/column_schema"]
    assert [(c.name, c.type) for c in schema.columns] == [(c.name, c.physical_type) for c in contract.columns]
    deps = node.metadata["dagster/column_lineage"].deps_by_column
    assert all(dep.column_name in c.description for c in schema.columns for dep in deps[c.name])
    for column in contract.columns if contract.kind == "source" else ():
        assert [(d.asset_key.path, d.column_name) for d in deps[column.name]] == [
            (["raw", name], source) for source in column.sources
        ]
    assert {d.asset_key for found in deps.values() for d in found} <= node.parent_keys


def test_a_marts_columns_are_followed_through_its_sql(graph):
    deps = graph.get(dg.AssetKey(["mart", "flight_delays_by_weather"])).metadata["dagster/column_lineage"]
    found = {
        column: [(*d.asset_key.path, d.column_name) for d in sources] for column, sources in deps.deps_by_column.items()
    }
    assert found["mean_delay"] == [("core", "flights", "dep_delay")]
    assert found["precip"] == [("core", "weather", "precip")]
    assert found["flights"] == []


def test_each_column_says_what_it_is_made_from(graph):
    schema = graph.get(dg.AssetKey(["mart", "flight_delays_by_weather"])).metadata["dagster/column_schema"]
    said = {column.name: column.description for column in schema.columns}
    assert said["mean_delay"].endswith(" From core/flights: dep_delay.")
    assert "From" not in said["flights"]


@pytest.mark.parametrize("name", load_sources())
def test_raw_objects_show_the_columns_that_the_contract_reads(graph, name):
    raw = graph.get(dg.AssetKey(["raw", name]))
    columns = raw.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(load_contracts()[name].raw_columns)
    made = graph.get(dg.AssetKey(["core", name])).metadata["dagster/column_lineage"].deps_by_column
    for column in columns:
        used = [core for core, deps in made.items() if column.name in {dep.column_name for dep in deps}]
        assert column.description == f"Makes core/{name}: {', '.join(used)}."
        assert used
    assert raw.metadata["s3_prefix"] == f"raw/{name}/"


@pytest.mark.parametrize("name", load_sources())
def test_each_asset_of_a_source_has_a_pool_of_its_own(definitions, name):
    assets = definitions.get_repository_def().assets_defs_by_key
    made = [assets[key] for layer in ("raw", "core") if assets[key := dg.AssetKey([layer, name])].is_executable]
    assert [asset.op.pool for asset in made] == [f"{asset.key.path[0]}__{name}" for asset in made]


def test_whatever_calls_a_function_is_tried_again(definitions):
    repository = definitions.get_repository_def()
    made = {*repository.assets_defs_by_key.values(), *repository.asset_checks_defs_by_key.values()}
    calling = {one.op.name: one.op for one in made if one.is_executable and "cloud" in one.op.required_resource_keys}
    assert {"raw", "core", "mart", "prove", "quality"} <= {name.partition("__")[0] for name in calling}
    assert sorted(name for name, op in calling.items() if op.retry_policy != RETRIES) == []
    assert RETRIES.max_retries > 0


def is_watched(config):
    """Whether anything new is expected of the source."""
    now = dt.datetime.now(dt.UTC)
    return config.watched_until(now) == now


@pytest.mark.parametrize("name", load_contracts())
def test_tables_are_checked_and_fresh_as_their_contract_says(graph, name):
    contract = load_contracts()[name]
    key = dg.AssetKey([contract.schema, name])
    found = {check.name for check in graph.asset_check_keys if check.asset_key == key}
    policy = graph.get(key).freshness_policy
    watched = contract.kind == "mart" or is_watched(load_source_config(name))
    assert (policy.fail_window.to_timedelta() if policy else None) == (contract.freshness if watched else None)
    if contract.kind == "mart":
        made = {CURRENT: True, GRAIN: contract.key, TABLE_RULES: contract.table_rules, FRESH: contract.freshness}
        assert found == {check for check, has in made.items() if has}
        return
    absent = set() if contract.table_rules else {TABLE_RULES}
    assert found == {*CHECKS, HOLDS, LOADED, KEPT} - absent
    raw = dg.AssetKey(["raw", name])
    landed = {LANDED} if load_source_config(name).extract else set()
    assert {check.name for check in graph.asset_check_keys if check.asset_key == raw} == {DECLARED} | landed


@pytest.mark.parametrize("name", load_sources())
def test_sources_are_partitioned_by_utc_day_up_to_today(graph, name):
    config = load_source_config(name)
    for layer in ("raw", "core"):
        node = graph.get(dg.AssetKey([layer, name]))
        today = dt.datetime.now(dt.UTC).date()
        keys = node.partitions_def.get_partition_keys()
        assert keys[0] == config.start.isoformat()
        # midnight may pass between the two
        assert keys[-1] in (str(config.last_day(today)), str(config.last_day(today + dt.timedelta(days=1))))
        assert node.partitions_def.timezone == "UTC"
        assert node.backfill_policy == (dg.BackfillPolicy.single_run() if node.is_executable else None)
    assert graph.get(dg.AssetKey(["raw", name])).is_executable is (config.extract is not None)


@pytest.mark.parametrize("name", load_marts())
def test_marts_have_no_partitions_and_depend_on_tables(graph, name):
    node = graph.get(dg.AssetKey(["mart", name]))
    assert node.partitions_def is None
    assert node.automation_condition is not None
    assert node.parent_keys
    assert {key.path[0] for key in node.parent_keys} <= {"core", "mart"}


def test_sensors_and_schedules_run_without_a_click(definitions):
    repository = definitions.get_repository_def()
    statuses = {s.name: s.default_status for s in repository.sensor_defs}
    assert statuses == {
        "alerts": dg.DefaultSensorStatus.RUNNING,
        "healing": dg.DefaultSensorStatus.RUNNING,
        "old_proofs": dg.DefaultSensorStatus.RUNNING,
        "failed_loads": dg.DefaultSensorStatus.RUNNING,
        "raw_objects": dg.DefaultSensorStatus.RUNNING,
        "marts_after_inputs": dg.DefaultSensorStatus.RUNNING,
    }
    wanted = {f"{n}_landing": c.schedule for n in load_sources() if (c := load_source_config(n)).scheduled}
    wanted |= {"hourly_proof": HOURLY_CRON, "nightly_proof": NIGHTLY_CRON}
    assert {s.name: s.cron_schedule for s in repository.schedule_defs} == wanted
    assert {s.job_name for s in repository.schedule_defs} == {"proof", *(n for n in wanted if n.endswith("_landing"))}
    assert {s.execution_timezone for s in repository.schedule_defs} == {"UTC"}
    assert {s.default_status for s in repository.schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}
