"""What is paused asks for nothing: a source by its defs.yaml, everything by one parameter of the environment."""

import datetime as dt

import dagster as dg
import pytest

from lambdas.common.settings import PAUSED_PARAMETER
from lambdas.common.source import parse_source_config
from orchestration.definitions import defs
from orchestration.schedules import build_daily_schedule

MOMENT = dt.datetime(2024, 3, 11, 2, 15, tzinfo=dt.UTC)
# at one of these it is another day in every zone but UTC
EDGES = [MOMENT.replace(hour=0, minute=5), MOMENT.replace(hour=23, minute=55)]


def landing(scratch, moment=MOMENT, **attributes):
    """What the schedule of a source asks for at that moment of 2024-03-11."""
    config = parse_source_config("things", {"start": "2024-03-01", "schedule": "15 2 * * *", **attributes})
    context = dg.build_schedule_context(scheduled_execution_time=moment, resources={"cloud": scratch.resource})
    return build_daily_schedule(config)(context)


@pytest.mark.parametrize("moment", [MOMENT, *EDGES], ids=str)
def test_a_source_is_landed_for_yesterday_of_utc(scratch, moment):
    assert landing(scratch, moment).partition_key == "2024-03-10"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"paused": True}, "things is paused in its defs.yaml"),
        ({"end": "2024-03-09"}, "things has no 2024-03-10"),
        ({"start": "2024-03-11"}, "things has no 2024-03-10"),
    ],
)
def test_a_paused_or_finished_source_is_not_landed_and_the_page_says_why(scratch, attributes, reason):
    assert reason in landing(scratch, **attributes).skip_message


def test_one_switch_stops_all_that_asks_for_runs(scratch):
    scratch.set(PAUSED_PARAMETER, "by ada")
    assert "everything is paused: by ada" in landing(scratch).skip_message
    repository = defs().get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        given = {"instance": instance, "resources": {"cloud": scratch.resource}, "repository_def": repository}
        for name in ("raw_objects", "healing", "failed_loads"):
            result = repository.get_sensor_def(name)(dg.build_sensor_context(**given))
            assert "everything is paused: by ada" in result.skip_message, name
        for name in ("hourly_proof", "nightly_proof", "earthquakes_landing"):
            context = dg.build_schedule_context(scheduled_execution_time=MOMENT, **given)
            assert "everything is paused: by ada" in repository.get_schedule_def(name)(context).skip_message, name
