"""The last evaluations of many checks, by a few questions to the database, are those of each by itself."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

from orchestration import evaluations
from orchestration.evaluations import DONE, FAILED, latest_evaluation, latest_evaluations

KEYS = [dg.AssetCheckKey(dg.AssetKey(["core", source]), name) for source in "abc" for name in ("holds", "is_fresh")]
HOUR = dt.timedelta(hours=1)
READ = evaluations._read


class Checks:
    """Evaluates checks on an instance of its own, and counts how often the database is asked for them."""

    def __init__(self, instance, monkeypatch):
        self.instance, self.asked = instance, 0
        monkeypatch.setattr("orchestration.evaluations._read", self.read)

    def read(self, instance, query):
        self.asked += 1
        return READ(instance, query)

    def evaluate(self, key, *, passed=True):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=passed,
            metadata={"wrong_days": ["2024-01-01/2024-01-02"]},
        )
        self.instance.report_runless_asset_event(evaluation)

    def plan(self, key):
        """A run that is to evaluate the check, and has not."""
        planned = {"asset_key": key.asset_key.to_string(), "check_name": key.name, "execution_status": "PLANNED"}
        with self.instance.event_log_storage.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert().values(run_id="a run", **planned))

    def evaluate_planned(self, key, *, passed):
        """That run evaluates the check."""
        found = dg.AssetCheckEvaluation(asset_key=key.asset_key, check_name=key.name, passed=passed, metadata={})
        event = dg.DagsterEvent("ASSET_CHECK_EVALUATION", "job", event_specific_data=found)
        self.instance.report_dagster_event(event, "a run")

    def latest(self, statuses=DONE, age=HOUR):
        return latest_evaluations(self.instance, KEYS, dt.datetime.now(dt.UTC) - age, statuses)


@pytest.fixture
def checks(instance, monkeypatch):
    return Checks(instance, monkeypatch)


@pytest.mark.parametrize("rows", [1, 5000])
def test_they_are_those_of_each_check_by_itself(checks, monkeypatch, rows):
    monkeypatch.setattr("orchestration.evaluations.ROWS_AT_ONCE", rows)
    for passed in (True, False):
        for key in KEYS[:-1]:
            checks.evaluate(key, passed=passed is (key.name == "holds"))
    checks.evaluate(dg.AssetCheckKey(dg.AssetKey(["core", "d"]), "holds"))
    for key in KEYS:
        checks.plan(key)
    alone = {key: latest_evaluation(checks.instance, key) for key in KEYS}
    assert checks.latest() == {key: found for key, found in alone.items() if found}
    assert KEYS[-1] not in checks.latest(), "it was only planned"
    assert checks.latest().keys() - checks.latest(FAILED).keys() == {key for key in KEYS[:-1] if key.name == "is_fresh"}
    assert {found[0].passed for found in checks.latest(FAILED).values()} == {False}


def test_what_failed_before_it_was_well_is_not_among_those_that_fail(checks):
    for passed in (False, True):
        checks.evaluate(KEYS[0], passed=passed)
    assert checks.latest(FAILED) == {}


@pytest.mark.parametrize("rows", [1, 5000])
def test_a_load_that_waited_is_newer_than_a_pass_that_was_asked_for_behind_it(checks, monkeypatch, rows):
    monkeypatch.setattr("orchestration.evaluations.ROWS_AT_ONCE", rows)
    checks.plan(KEYS[0])
    for key in KEYS:
        checks.evaluate(key)
    assert checks.latest(FAILED) == {}
    checks.evaluate_planned(KEYS[0], passed=False)
    assert not latest_evaluation(checks.instance, KEYS[0])[0].passed
    assert checks.latest(FAILED).keys() == {KEYS[0]}
    checks.evaluate(KEYS[0])
    assert latest_evaluation(checks.instance, KEYS[0])[0].passed
    assert checks.latest(FAILED) == {}


def test_the_database_is_asked_a_few_times_however_many_the_checks_are_and_however_long_their_history(checks):
    for _ in range(5):
        for key in KEYS:
            checks.evaluate(key)
    assert len(checks.latest()) == len(KEYS)
    assert checks.asked == 3


def test_what_was_evaluated_before_that_moment_is_not_told(checks):
    checks.evaluate(KEYS[0])
    assert checks.latest(age=-HOUR) == {}
