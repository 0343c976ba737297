"""A blocking check of a scratch contract: while it fails of what was loaded, marts on it keep what they have."""

import datetime as dt

import dagster as dg
import pytest

from orchestration import reloads
from orchestration.components.landed import LANDED
from orchestration.components.proof import DESCRIPTIONS, checked_asset
from orchestration.loads import LAST_DAYS_TAG, OF_LEDGER, core_key, load_request
from tests.orchestration.blocked import MART, UNIQUE, build, declare
from tests.orchestration.conftest import RUNNING
from tests.orchestration.test_alerts import Alerts

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Class `.*` is currently in beta"),
    pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count"),
]
DAY = dt.date(2018, 2, 1)
KEEP = "marts on core/earthquakes keep what they have"


@pytest.fixture
def definitions(tmp_path):
    """The earthquakes, whose contract says that no key may stand twice before a mart is refreshed, and their mart."""
    declare(tmp_path / "assets")
    return build(tmp_path / "assets")


class Marts:
    """Loads and passes on an instance of its own, and how often a refresh is asked for."""

    def __init__(self, definitions, instance):
        self.definitions, self.instance, self.cursor = definitions, instance, None
        self.repository = definitions.get_repository_def()

    def load(self):
        """What the load of a day, as sensors ask for it, says of the blocking check."""
        context = dg.build_sensor_context(repository_def=self.repository)
        request = load_request(context, "earthquakes", (DAY, DAY), run_key="a load")
        assert {key.name for key in request.asset_check_keys} == {*OF_LEDGER, UNIQUE.name}
        return self.run(request.asset_selection, request.asset_check_keys, request.tags)

    def run(self, assets, checks, tags):
        """The blocking check's evaluation in such a run; None where the run fails before it."""
        job = self.repository.get_implicit_job_def_for_assets([core_key("earthquakes")])
        subset = job.get_subset(asset_selection=set(assets), asset_check_selection=set(checks))
        result = subset.execute_in_process(instance=self.instance, tags=tags, raise_on_error=False)
        return {e.check_name: e for e in result.get_asset_check_evaluations()}.get(UNIQUE.name)

    def hourly(self):
        """What the hourly pass says of it."""
        return self.run([], [UNIQUE], {LAST_DAYS_TAG: "7"})

    def prove(self):
        """What a pass says of it that tells Dagster of days which it does not know."""
        proof = {dg.AssetCheckKey(checked_asset("earthquakes", name), name) for name in DESCRIPTIONS if name != LANDED}
        before = set(self.instance.get_materialized_partitions(core_key("earthquakes")))
        found = self.run([], [UNIQUE, *proof], {LAST_DAYS_TAG: str(len(before) + 2)})
        assert len(self.instance.get_materialized_partitions(core_key("earthquakes")) - before) == 2
        return found

    def requested(self):
        """How many refreshes the mart's condition asks for now."""
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, asset_selection=dg.AssetSelection.assets(MART), cursor=self.cursor
        )
        self.cursor = result.cursor
        return result.total_requested


@pytest.fixture
def marts(definitions, instance):
    found = Marts(definitions, instance)
    assert found.requested() == 0
    return found


def test_marts_wait_while_a_blocking_check_of_what_was_loaded_fails_and_refresh_once_it_is_mended(functions, marts):
    functions("old days broken")
    found = marts.load()
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.description == "id: 2 stand more than once; until it is well, " + KEEP
    assert marts.requested() == 0
    assert not marts.hourly().passed, "the last days are well, the loaded one is not"
    assert marts.requested() == 0
    functions("proved")
    assert marts.hourly().passed
    assert [marts.requested() for _ in range(2)] == [1, 0]


def test_a_load_whose_blocking_check_cannot_be_evaluated_frees_no_mart(functions, marts):
    functions("old days broken")
    assert not marts.load().passed
    functions("unexamined")
    assert marts.load() is None
    assert marts.requested() == 0
    functions("proved")
    assert marts.hourly().passed
    assert [marts.requested() for _ in range(2)] == [1, 0]


def test_a_failed_blocking_check_is_one_alert_and_no_load_is_asked_for_again(functions, marts, scratch, monkeypatch):
    functions("old days broken")
    told = Alerts(marts.instance, scratch)
    told.definitions = marts.definitions
    assert not marts.load().passed
    assert [run.status for run in marts.instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    ((subject, message),) = told.told()
    assert subject == "core/earthquakes: keys_are_unique failed"
    assert KEEP in message
    monkeypatch.setattr(reloads, "FIRST_DELAY", dt.timedelta(0))
    context = dg.build_sensor_context(instance=marts.instance, definitions=marts.definitions, resources=RUNNING)
    assert not reloads.failed_loads(context).run_requests


def test_marts_refresh_behind_a_load_whose_blocking_check_is_well(functions, marts):
    functions("proved")
    assert marts.load().description == "every key and unique value stands once"
    assert marts.requested() == 1


def test_days_that_a_pass_tells_refresh_marts_once_and_take_no_verdict_of_the_same_pass_away(functions, marts):
    functions("broken")
    assert not marts.prove().passed
    assert marts.requested() == 0, "the days are newer than the check, and the check is of them"
    functions("proved")
    assert marts.prove().passed
    assert [marts.requested() for _ in range(3)] == [1, 0, 0]
