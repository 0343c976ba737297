"""What the sensor does with messages that ask for no run, and what it tells of those that do."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from lambdas.common.settings import PAUSED_PARAMETER
from orchestration.landings import IN_TICK
from orchestration.loads import RANGE_END, RANGE_START
from orchestration.sensors import raw_objects
from tests.orchestration.test_sensors import DAYS, DEFINITIONS, put
from tests.orchestration.test_sensors import sensor as sensor

RAW = dg.AssetKey(["raw", "quakes"])


def status(instance, key, day):
    """What Dagster's page says of that day."""
    return instance.get_status_by_partition(key, [day], DAYS)[day]


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
    told, day = [event for event in result.asset_events if event.asset_key.path[-1] == "resting"]
    assert "the source is paused in its defs.yaml" in told.description
    assert (type(day), day.partition) == (dg.AssetMaterialization, "2018-02-01"), "it lies there all the same"
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


def test_messages_wait_while_everything_is_paused(sensor):
    sensor.scratch.set(PAUSED_PARAMETER, "by ada since 2026-01-01")
    sensor.send(put("quakes", "2018-02-01"))
    assert sensor.tick().skip_message == ("everything is paused: by ada since 2026-01-01; `analytics resume` ends it")
    assert sensor.scratch.waiting() == (1, 0)
    sensor.scratch.remove(PAUSED_PARAMETER)
    assert len(sensor.ranges()) == 1


def told(event):
    """How many objects the event says that it saw; of a day not as if they were all."""
    return event.metadata[IN_TICK if event.partition else "objects"].value


def test_what_was_seen_is_told_on_the_raw_asset(sensor):
    dropped = [put("dropped", "2018-02-01"), put("dropped", "2018-02-01", stamp="2"), put("dropped", "2018-02-02")]
    sensor.send(put("quakes", "2018-02-01"), *dropped)
    events = sensor.tick().asset_events
    assert [(type(event), event.asset_key.path, event.partition, told(event)) for event in events] == [
        (dg.AssetMaterialization, ["raw", "dropped"], "2018-02-01", 2),
        (dg.AssetMaterialization, ["raw", "dropped"], "2018-02-02", 1),
        (dg.AssetObservation, ["raw", "quakes"], None, 1),
        (dg.AssetMaterialization, ["raw", "quakes"], "2018-02-01", 1),
    ]
    assert events[2].description == (
        "1 objects of 2018-02-01 to 2018-02-01, raw/quakes/2018/02/01/data_1.parquet among them: landed"
    )


def materialized(sensor, source="quakes"):
    """The days of which the next tick says that they landed; Dagster keeps it, as the daemon would have it keep."""
    events = [e for e in sensor.tick().asset_events if isinstance(e, dg.AssetMaterialization)]
    for event in events:
        sensor.instance.report_runless_asset_event(event)
    return [event.partition for event in events if event.asset_key.path == ["raw", source]]


def test_a_day_that_something_else_than_a_run_lands_is_told_once(sensor):
    extracted = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={RAW})
    assert extracted.execute_in_process(instance=sensor.instance, partition_key="2018-02-02").success
    for _ in range(2):
        sensor.send(*(put("quakes", day) for day in ("2018-02-01", "2018-02-02")))
    assert materialized(sensor) == ["2018-02-01"], "of the other the run has told more"
    sensor.send(*(put("quakes", day, etag="e2") for day in ("2018-02-01", "2018-02-02", "2018-02-03")))
    assert materialized(sensor) == ["2018-02-03"]


def test_a_day_that_a_run_is_landing_is_the_runs_to_tell_and_one_that_failed_stays_so_until_something_lands(sensor):
    run = sensor.run(dg.DagsterRunStatus.STARTED, layer="raw")
    day, before = "2018-02-01", str(dt.datetime.now(dt.UTC))
    sensor.send(put("quakes", day, at=before))
    assert materialized(sensor) == []
    sensor.instance.report_run_failed(run)
    sensor.send(put("quakes", day, at=before))
    assert materialized(sensor) == [], "the run has put it, and has failed all the same"
    assert status(sensor.instance, RAW, day) == AssetPartitionStatus.FAILED
    sensor.send(put("quakes", day, at=str(dt.datetime.now(dt.UTC))))
    assert materialized(sensor) == [day]
    assert status(sensor.instance, RAW, day) == AssetPartitionStatus.MATERIALIZED


def test_the_days_of_a_tick_are_looked_up_once_a_source(sensor, monkeypatch):
    asked = []
    for name in ("get_materialized_partitions", "get_run_records"):
        plain = getattr(dg.DagsterInstance, name)
        monkeypatch.setattr(
            dg.DagsterInstance, name, lambda *a, _n=name, _p=plain, **k: asked.append(_n) or _p(*a, **k)
        )
    run = sensor.run(dg.DagsterRunStatus.STARTED, layer="raw")
    sensor.instance.report_run_failed(run)
    sensor.send(*(put("quakes", f"2018-02-{day:02}") for day in range(1, 21)))
    assert len(materialized(sensor)) == 20
    assert asked == ["get_run_records", "get_materialized_partitions"]


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
