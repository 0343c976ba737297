import datetime as dt
import shutil
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml

from lambdas.common.contract import assets_folder
from lambdas.common.errors import ContractError
from lambdas.common.source import DAY, load_source_config
from orchestration.components import Mart, Source
from orchestration.components.quality import FRESH
from orchestration.loads import has_day
from orchestration.resources import build_resources

# Dagster silences its own warnings where it loads a folder of components; a component built by hand is not loaded so
pytestmark = pytest.mark.filterwarnings("ignore:Class `.*` is currently in beta")
BRACES = {
    "rest_api": {
        "client": {"base_url": "{env:URL}"},
        "resources": [{"endpoint": {"path": "{start}/{{ not_jinja }}/{resources.a.id}", "params": {"to": "{end}"}}}],
    }
}


@pytest.fixture
def assets(tmp_path):
    """A copy of assets/ that a test may change."""
    folder = tmp_path / "assets"
    shutil.copytree(assets_folder(), folder, ignore=shutil.ignore_patterns("__pycache__", "sample"))
    return folder


def build(component: dg.Component, folder: Path) -> dg.Definitions:
    built = component.build_defs(SimpleNamespace(path=folder))
    return dg.Definitions.merge(built, dg.Definitions(resources=build_resources()))


def resolve(attributes: dict[str, object]) -> Source:
    return Source.resolve_from_model(dg.ResolutionContext.default(), Source.model()(**attributes))


def write(assets: Path, **attributes: object) -> dict[str, object]:
    path = assets / "sources" / "weather" / "defs.yaml"
    path.write_text(yaml.safe_dump({"type": "orchestration.components.Source", "attributes": attributes}))
    return yaml.safe_load(path.read_text())["attributes"]


def test_both_readers_of_a_defs_yaml_see_the_same_braces(assets):
    attributes = write(assets, start="2013-01-01", schedule="0 3 * * *", extract=BRACES)
    component = resolve(attributes)
    assert component.extract == BRACES
    assert component.extract == load_source_config("weather", assets).extract


@pytest.mark.parametrize(("begins", "has"), [(0, [True, False]), (1, [False, False]), (2, [False, False])])
def test_a_source_has_no_day_that_has_not_begun_not_even_its_first(assets, begins, has):
    today = dt.datetime.now(dt.UTC).date()
    definitions = build(resolve({"start": str(today + begins * DAY)}), assets / "sources" / "weather")
    context = dg.build_sensor_context(repository_def=definitions.get_repository_def())
    assert [has_day(context, "weather", day) for day in (today, today + DAY)] == has


def test_dagsters_templates_are_none_to_either_reader(assets):
    attributes = write(assets, start="2013-01-01", schedule="0 {{ 1 + 2 }} * * *")
    assert resolve(attributes).schedule == load_source_config("weather", assets).schedule == "0 {{ 1 + 2 }} * * *"
    with pytest.raises(ValueError, match="2013-{{"):
        build(resolve({"start": "2013-{{ '01' }}-01"}), assets / "sources" / "weather")


def test_a_source_without_extract_is_external_and_has_no_schedule(assets):
    component = resolve(write(assets, start="2013-01-01", schedule="0 3 * * *"))
    definitions = build(component, assets / "sources" / "weather")
    assert not definitions.schedules
    graph = definitions.resolve_asset_graph()
    assert not graph.get(dg.AssetKey(["raw", "weather"])).is_executable
    assert graph.get(dg.AssetKey(["core", "weather"])).is_executable


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({}, True), ({"end": "9999-12-30"}, True), ({"end": "2018-02-01"}, False), ({"paused": True}, False)],
    ids=["goes on", "ends later", "has ended", "paused"],
)
def test_of_a_source_that_has_ended_or_is_paused_no_load_is_expected(assets, attributes, expected):
    component = resolve({"start": "2018-01-31", **attributes})
    graph = build(component, assets / "sources" / "earthquakes").resolve_asset_graph()
    policy = graph.get(dg.AssetKey(["core", "earthquakes"])).freshness_policy
    assert (policy is not None) is expected


def test_a_mart_s_freshness_is_dagster_s_policy_and_a_check(assets):
    folder = assets / "marts" / "daily_seismicity"
    text = (folder / "contract.yaml").read_text()
    sla = "slaProperties:\n  - {property: freshness, value: 36, unit: h}\nschema:"
    (folder / "contract.yaml").write_text(text.replace("schema:", sla, 1))
    graph = build(Mart(), folder).resolve_asset_graph()
    key = dg.AssetKey(["mart", "daily_seismicity"])
    assert graph.get(key).freshness_policy.fail_window.to_timedelta() == dt.timedelta(hours=36)
    assert dg.AssetCheckKey(key, FRESH) in graph.asset_check_keys


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"start": "2013-13-01"}, "month must be in"),
        ({"start": "2013-01-01", "extract": {"ftp": {}}}, "exactly one of rest_api"),
    ],
)
def test_a_wrong_attribute_is_refused(assets, attributes, reason):
    with pytest.raises(ValueError, match=reason):
        build(resolve(attributes), assets / "sources" / "weather")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1 AS events FROM ops.load_ledger", "reads ops.load_ledger; a mart reads core"),
        ("SELECT 1 AS events FROM earthquakes", "reads .earthquakes; a mart reads core"),
        ("SELECT FROM WHERE", "cannot be parsed"),
        ("DELETE FROM core.earthquakes", "holds DELETE"),
        ("SELECT 1 AS events FROM core.nowhere", "nowhere"),
    ],
)
def test_a_mart_reads_core_and_marts_only(assets, sql, reason):
    folder = assets / "marts" / "daily_seismicity"
    (folder / "mart.sql").write_text(sql)
    with pytest.raises((ContractError, FileNotFoundError), match=reason):
        build(Mart(), folder)


def test_a_mart_may_name_its_parts(assets):
    folder = assets / "marts" / "daily_seismicity"
    sql = (
        "WITH e AS (SELECT event_time AS t, magnitude FROM core.earthquakes) SELECT MAX(magnitude) AS strongest FROM e"
    )
    (folder / "mart.sql").write_text(sql)
    node = build(Mart(), folder).resolve_asset_graph().get(dg.AssetKey(["mart", "daily_seismicity"]))
    assert node.parent_keys == {dg.AssetKey(["core", "earthquakes"])}
    found = node.metadata["dagster/column_lineage"].deps_by_column["strongest"]
    assert [(dep.asset_key.path, dep.column_name) for dep in found] == [(["core", "earthquakes"], "magnitude")]


def test_a_changed_query_is_a_new_code_version(assets):
    folder = assets / "marts" / "daily_seismicity"
    versions = []
    for _ in range(2):
        graph = build(Mart(), folder).resolve_asset_graph()
        versions.append(graph.get(dg.AssetKey(["mart", "daily_seismicity"])).code_version)
        path = folder / "mart.sql"
        path.write_text(path.read_text().replace("MAX(", "MIN("))
    assert versions[0] != versions[1]
