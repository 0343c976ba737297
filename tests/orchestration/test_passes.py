"""What one pass found wrong stays wrong until a pass has looked at those days again, whatever others looked at."""

import datetime as dt
import random

import dagster as dg
import pytest

from lambdas.common.lake import hull
from orchestration.loads import LAST_DAYS_TAG, PARTITION, RANGE_END, RANGE_START, days_of_run
from orchestration.passes import LOOKED_AT, WRONG_DAYS, look

TODAY = dt.date(2026, 3, 10)
TABLE = dg.AssetKey("table")
HOLDS = dg.AssetCheckKey(TABLE, "holds")
RECENT = {LAST_DAYS_TAG: "7"}
LAST_WEEK = "2026-03-04/2026-03-10"


class World:
    """Days that are wrong, and passes over them on an instance of their own."""

    def __init__(self, instance):
        self.instance, self.wrong, self.asked = instance, set(), []
        self.meanwhile = lambda: None

        @dg.multi_asset_check(specs=[dg.AssetCheckSpec(HOLDS.name, asset=TABLE)])
        def checks(context):
            answer = look(context, days_of_run(context.run.tags, TODAY), self.ask)
            yield self.evaluation(answer["wrong"], answer[LOOKED_AT])

        job = dg.define_asset_job("job", dg.AssetSelection.all_asset_checks())
        self.job = dg.Definitions(asset_checks=[checks], jobs=[job]).resolve_job_def("job")

    def ask(self, days):
        self.asked.append(dict(days))
        first, after = days.get("start", "0001-01-01"), days.get("end", "9999-12-31")
        found = [day for day in sorted(self.wrong) if first <= day < after]
        self.meanwhile()
        return {"wrong": found, **days}

    def evaluation(self, wrong, looked_at):
        metadata = {LOOKED_AT: looked_at, WRONG_DAYS: hull(wrong)}
        return dg.AssetCheckResult(asset_key=TABLE, check_name=HOLDS.name, passed=not wrong, metadata=metadata)

    def look(self, **tags):
        """Whether the pass with these tags calls it well, and which days it has looked at."""
        result = self.job.execute_in_process(instance=self.instance, tags=tags)
        (found,) = result.get_asset_check_evaluations()
        return found.passed, found.metadata[LOOKED_AT].value

    def report(self, *wrong):
        """Another run finds these days wrong."""
        found = dg.AssetCheckEvaluation(
            asset_key=TABLE, check_name=HOLDS.name, passed=False, metadata={WRONG_DAYS: hull(wrong)}
        )
        self.instance.report_runless_asset_event(found)


@pytest.fixture
def world():
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance)


def test_an_old_failure_stays_until_its_day_is_well(world):
    world.wrong = {"2018-02-01"}
    assert world.look(**RECENT) == (True, LAST_WEEK)
    assert world.look() == (False, "all days")
    both = f"2018-02-01/2018-02-01, {LAST_WEEK}"
    assert [world.look(**RECENT) for _ in range(2)] == [(False, both)] * 2
    world.wrong = {"2026-03-05"}
    assert world.look(**RECENT) == (False, both)
    assert world.look(**{PARTITION: "2020-01-01"}) == (False, "2020-01-01/2020-01-01, 2026-03-05/2026-03-05")
    world.wrong = set()
    assert world.look(**{PARTITION: "2020-01-01"}) == (True, "2020-01-01/2020-01-01, 2026-03-05/2026-03-05")
    assert world.look(**RECENT) == (True, LAST_WEEK)


def test_a_load_of_old_days_is_judged_again_by_the_next_pass(world):
    world.wrong = {"2019-05-01", "2019-05-03"}
    load = {RANGE_START: "2019-05-01", RANGE_END: "2019-05-04"}
    assert world.look(**load) == (False, "2019-05-01/2019-05-04")
    assert world.look(**RECENT) == (False, f"2019-05-01/2019-05-03, {LAST_WEEK}")
    world.wrong = set()
    assert world.look(**RECENT) == (True, f"2019-05-01/2019-05-03, {LAST_WEEK}")


def test_days_that_touch_are_asked_for_once(world):
    world.wrong = {"2026-03-03"}
    assert not world.look()[0]
    world.asked.clear()
    assert world.look(**RECENT) == (False, "2026-03-03/2026-03-10")
    assert world.asked == [{"start": "2026-03-03", "end": "2026-03-11"}]


def test_what_another_run_finds_meanwhile_is_looked_at_too(world):
    def find():
        world.meanwhile = lambda: None
        world.wrong = {"2019-05-01"}
        world.report("2019-05-01")

    world.meanwhile = find
    assert world.look(**RECENT) == (False, f"2019-05-01/2019-05-01, {LAST_WEEK}")


@pytest.mark.parametrize("metadata", [{}, {WRONG_DAYS: ["0001-01-01/9999-12-30"]}], ids=["unsaid", "any"])
def test_a_failure_that_may_be_of_any_day_is_looked_for_in_all(world, metadata):
    evaluation = dg.AssetCheckEvaluation(asset_key=TABLE, check_name=HOLDS.name, passed=False, metadata=metadata)
    world.instance.report_runless_asset_event(evaluation)
    assert world.look(**RECENT) == (True, "all days")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.long
def test_passes_of_any_order_know_what_was_seen_last_of_each_day(world, seed):
    chance = random.Random(seed)
    days = [str(dt.date(2026, 3, 1) + dt.timedelta(days=n)) for n in range(10)]
    known = set()
    for _ in range(25):
        world.wrong ^= {chance.choice(days)}
        first, last = sorted(chance.choices(days, k=2))
        tags = chance.choice([{}, {LAST_DAYS_TAG: "2"}, {RANGE_START: first, RANGE_END: last}])
        world.asked.clear()
        passed, _ = world.look(**tags)
        looked = {d for d in days for a in world.asked if a.get("start", "") <= d < a.get("end", "~")}
        known = (known - looked) | (world.wrong & looked)
        assert passed == (not known)


@pytest.mark.parametrize(
    ("tags", "days"),
    [
        ({}, {}),
        ({LAST_DAYS_TAG: "2"}, {"start": "2026-03-09", "end": "2026-03-11"}),
        ({PARTITION: "2018-02-01"}, {"start": "2018-02-01", "end": "2018-02-02"}),
        ({RANGE_START: "2018-02-01", RANGE_END: "2018-02-28"}, {"start": "2018-02-01", "end": "2018-03-01"}),
    ],
)
def test_a_run_of_checks_is_asked_for_the_days_that_it_loads(tags, days):
    assert days_of_run(tags, TODAY) == days
