"""What the sensor does with messages that ask for no run, and what it tells of those that do."""

import dagster as dg
import pytest

from lambdas.common.settings import PAUSED_PARAMETER
from orchestration.loads import RANGE_END, RANGE_START
from orchestration.sensors import raw_objects
from tests.orchestration.test_sensors import DEFINITIONS, put
from tests.orchestration.test_sensors import sensor as sensor


def test_other_messages_are_counted_and_deleted_without_a_run(sensor):
    sensor.send(
        {"Service": "Amazon S3", "Event": "s3:TestEvent"},
        put("quakes", "2018-02-01", name="ObjectRemoved:Delete"),
        put("quakes", "2018-02-01", bucket="another"),
        put("quakes", "2018-02-31"),
        put("quakes", "2018-01-30"),
        put("quakes", "2999-01-01"),
        "no JSON",
        {"Records": [{"eventName": "ObjectCreated:Put"}]},
        "[1]",
    )
    result = sensor.tick()
    assert not result.run_requests
    assert "1 foreign, 3 malformed, 2 outside, 2 put, 1 removed, 1 test, 1 undated" in result.skip_reason.skip_message
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


def test_a_name_that_breaks_the_pattern_makes_its_day_dirty_and_is_counted_and_told(sensor):
    names = ("export.csv", "sub/data 1.parquet", "")
    sensor.send(*(put("dropped", "2018-02-01", file=name) for name in names), put("dropped", "2018-02-02"))
    result = sensor.tick()
    [request] = result.run_requests
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2018-02-01", "2018-02-02")
    aside, landed = result.asset_events
    assert isinstance(aside, dg.AssetObservation)
    assert aside.description == (
        "3 objects of 2018-02-01 to 2018-02-01, raw/dropped/2018/02/01/ among them: "
        "the load sets them aside, for their names break the pattern"
    )
    assert (type(landed), landed.partition) == (dg.AssetMaterialization, "2018-02-02"), "a folder is no landing"
    sensor.run(dg.DagsterRunStatus.QUEUED, source="dropped")
    sensor.send(put("dropped", "2018-02-01", file="export.csv"))
    assert "1 misnamed, 1 waiting in a queued run" in sensor.tick().skip_reason.skip_message


def test_folders_above_the_days_are_nothing_and_what_lies_in_no_day_is_counted(sensor):
    sensor.send(put("quakes", "", file=""), put("quakes", "2018-02", file=""), put("quakes", "2018-02", file="x.csv"))
    result = sensor.tick()
    assert not result.run_requests
    assert not result.asset_events
    assert result.skip_reason.skip_message == "nothing to load (1 undated)"
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


def test_days_outside_the_source_are_told_on_its_raw_asset(sensor):
    sensor.send(put("quakes", "2018-01-30", stamp="9"), put("quakes", "2018-01-29"), put("quakes", "2999-01-01"))
    past, future = sensor.observed("quakes")
    assert past.startswith("2 objects of 2018-01-29 to 2018-01-30, raw/quakes/2018/01/29/data_1.parquet among them")
    assert past.endswith("the source has no such day; `start` and `end` of its defs.yaml say which it has")
    assert future.startswith("1 objects of 2999-01-01 to 2999-01-01")
    assert "the day has not begun; it loads once it has" in future
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


def test_a_paused_source_is_told_of_and_not_loaded(sensor):
    sensor.send(put("resting", "2018-02-01"), put("quakes", "2018-02-01"))
    result = sensor.tick()
    assert [r.asset_selection[0].path[-1] for r in result.run_requests] == ["quakes"]
    (told,) = [e.description for e in result.asset_events if e.asset_key.path[-1] == "resting"]
    assert "the source is paused in its defs.yaml" in told
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


def test_messages_wait_while_everything_is_paused(sensor):
    sensor.scratch.set(PAUSED_PARAMETER, "by ada since 2026-01-01")
    sensor.send(put("quakes", "2018-02-01"))
    assert sensor.tick().skip_message == ("everything is paused: by ada since 2026-01-01; `analytics resume` ends it")
    assert sensor.scratch.waiting() == (1, 0)
    sensor.scratch.remove(PAUSED_PARAMETER)
    assert len(sensor.ranges()) == 1


def test_what_was_seen_is_told_on_the_raw_asset(sensor):
    sensor.send(put("quakes", "2018-02-01"), put("dropped", "2018-02-01"), put("dropped", "2018-02-02"))
    events = sensor.tick().asset_events
    assert [(type(event), event.asset_key.path, event.partition) for event in events] == [
        (dg.AssetMaterialization, ["raw", "dropped"], "2018-02-01"),
        (dg.AssetMaterialization, ["raw", "dropped"], "2018-02-02"),
        (dg.AssetObservation, ["raw", "quakes"], None),
    ]
    assert events[2].description == (
        "1 objects of 2018-02-01 to 2018-02-01, raw/quakes/2018/02/01/data_1.parquet among them: landed"
    )


def test_the_queue_is_left_alone_when_it_feeds_the_function(sensor):
    sensor.scratch.set("trigger-mode", "lambda")
    sensor.send(put("quakes", "2018-02-01"))
    assert "TriggerMode" in sensor.tick().skip_message
    assert sensor.scratch.waiting() == (1, 0)


def test_a_missing_deployment_is_named(sensor, scratch):
    context = dg.build_sensor_context(
        instance=sensor.instance,
        definitions=DEFINITIONS,
        resources={"cloud": type(scratch.resource)(environment="nowhere")},
    )
    with pytest.raises(Exception, match="queue/url.*is `nowhere` deployed"):
        raw_objects(context)
