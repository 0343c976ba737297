"""A scratch mart on the mart daily_seismicity: its columns are followed, and it is refreshed behind that one."""

import datetime as dt
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orchestration.automation import build_automation
from orchestration.components import Mart, current, mart, quality
from orchestration.loads import core_key
from orchestration.stale import refresh_requests
from tests.orchestration.components.test_components import assets, build, resolve

__all__ = ["assets"]
pytestmark = pytest.mark.filterwarnings("ignore:Class `.*` is currently in beta")
BELOW, ABOVE = (dg.AssetKey(["mart", name]) for name in ("daily_seismicity", "strongest_by_month"))
SQL = """SELECT CAST(DATE_TRUNC('month', event_day) AS DATE) AS event_month, MAX(strongest) AS strongest
FROM mart.daily_seismicity
GROUP BY 1
"""
CORE = core_key("earthquakes")
COLUMNS = [("event_month", "date", "date"), ("strongest", "number", "double precision")]


@pytest.fixture
def definitions(assets, monkeypatch):
    """The earthquakes, their mart and the mart on it; the warehouse refreshes whatever it is asked to."""
    monkeypatch.setenv("ANALYTICS_ENV", "tests")
    monkeypatch.setattr(mart, "call_function", lambda *_, **__: {})
    for checks in (current, quality):
        monkeypatch.setattr(checks, "ask_function", lambda *_, **__: {"behind": [], "doubled": {}})
    folder = assets / "marts" / ABOVE.path[-1]
    folder.mkdir()
    contract = yaml.safe_load((folder.parent / BELOW.path[-1] / "contract.yaml").read_text())
    columns = [{"name": name, "logicalType": kind, "physicalType": physical} for name, kind, physical in COLUMNS]
    columns[0] |= {"required": True, "primaryKey": True, "primaryKeyPosition": 1, "partitioned": True}
    contract |= {"id": folder.name, "schema": [{"name": folder.name, "physicalType": "view", "properties": columns}]}
    (folder / "contract.yaml").write_text(yaml.safe_dump(contract))
    (folder / "mart.sql").write_text(SQL)
    source = build(resolve({"start": "2018-01-31"}), assets / "sources" / "earthquakes")
    marts = [Mart().build_defs(SimpleNamespace(path=folder.parent / key.path[-1])) for key in (BELOW, ABOVE)]
    platform = dg.Definitions(sensors=[build_automation()], executor=dg.in_process_executor)
    return dg.Definitions.merge(source, *marts, platform)


def test_the_columns_of_a_mart_on_a_mart_are_followed_to_that_mart(definitions):
    node = definitions.resolve_asset_graph().get(ABOVE)
    assert node.parent_keys == {BELOW}
    found = node.metadata["dagster/column_lineage"].deps_by_column
    assert {name: [(d.asset_key, d.column_name) for d in deps] for name, deps in found.items()} == {
        "event_month": [(BELOW, "event_day")],
        "strongest": [(BELOW, "strongest")],
    }


def refresh(repository, instance, marts):
    """A run as the daemon has it: it says which assets it is for."""
    whole = repository.get_implicit_global_asset_job_def()
    job = whole.get_subset(asset_selection=marts, asset_check_selection=set())
    run = instance.create_run_for_job(job, asset_selection=marts)
    assert execute_run(InMemoryJob(job), run, instance).success


def test_a_load_refreshes_a_mart_and_the_mart_on_it_in_one_run_once(definitions):
    repository, cursor, asked = definitions.get_repository_def(), None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for turn in range(4):
            context = dg.build_sensor_context(instance=instance, repository_def=repository, cursor=cursor)
            tick = repository.get_sensor_def("marts_after_inputs").evaluate_tick(context)
            cursor = tick.cursor
            asked.append([set(request.asset_selection) for request in tick.run_requests])
            if turn == 0:
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(core_key("earthquakes"), partition="2018-02-01")
                )
            for request in tick.run_requests:
                refresh(repository, instance, set(request.asset_selection))
    assert asked == [[], [{BELOW, ABOVE}], [], []]


def test_a_stale_mart_is_refreshed_before_the_stale_mart_on_it(definitions):
    now = dt.datetime.now(dt.UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, repository_def=definitions.get_repository_def())

        def asked(*stale):
            found = refresh_requests(context, {key: now.timestamp() for key in stale}, now)
            return [request.asset_selection for request in found]

        assert asked(BELOW, ABOVE) == [[BELOW]]
        assert asked(ABOVE) == [[ABOVE]]
