import datetime as dt
import json
import os
import subprocess
import sys
from urllib.parse import quote_plus

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from orchestration.loads import PAUSED_TAG, RANGE_END, RANGE_START, SOURCE_TAG
from orchestration.sensors import raw_objects
from tests.cloud import PROJECT

# Dagster demands of a queued run that it can be found in a code location
ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("tests"), "tests").get_job_origin("tests")
DAYS = dg.DailyPartitionsDefinition("2018-01-31", timezone="UTC", end_offset=1)


def table(source, **tags):
    @dg.multi_asset(
        name=f"core__{source}",
        specs=[dg.AssetSpec(["core", source], deps=[["raw", source]], partitions_def=DAYS, tags=tags)],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def load():
        yield dg.MaterializeResult(["core", source])

    return load


@dg.multi_asset(specs=[dg.AssetSpec(["raw", "quakes"], partitions_def=DAYS)])
def extracted():
    yield dg.MaterializeResult(["raw", "quakes"])


DROPPED = dg.AssetSpec(["raw", "dropped"], partitions_def=DAYS)
RESTING = table("resting", **{PAUSED_TAG: "true"})
DEFINITIONS = dg.Definitions([table("quakes"), table("dropped"), RESTING, extracted, DROPPED], sensors=[raw_objects])


def put(
    source, day, *, etag="e1", sequencer="01", name="ObjectCreated:Put", bucket="lake", stamp="1", file=None, at=""
):
    key = f"raw/{source}/{day.replace('-', '/')}/{f'data_{stamp}.parquet' if file is None else file}"
    item = {"key": quote_plus(key, safe="/"), "eTag": etag, "sequencer": sequencer, "size": 10}
    return {"Records": [{"eventName": name, "eventTime": at, "s3": {"bucket": {"name": bucket}, "object": item}}]}


class Sensor:
    """Evaluates the sensor tick after tick on one queue, as the daemon does."""

    def __init__(self, scratch, instance):
        self.scratch = scratch
        self.instance = instance
        self.cursor = None

    def send(self, *bodies):
        sqs = self.scratch.local.client("sqs")
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            sqs.send_message(QueueUrl=self.scratch.queue, MessageBody=text)

    def tick(self):
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=DEFINITIONS,
            resources={"cloud": self.scratch.resource},
        )
        result = raw_objects(context)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
        return result

    def run(self, status, first="2018-02-01", last="2018-02-03", source="quakes", layer="core"):
        """A run of that source's days in that status."""
        key = dg.AssetKey([layer, source])
        job = DEFINITIONS.resolve_implicit_global_asset_job_def().get_subset(asset_selection={key})
        tags = {SOURCE_TAG: source, RANGE_START: first, RANGE_END: last}
        return self.instance.create_run_for_job(
            job, tags=tags, status=status, asset_selection={key}, remote_job_origin=ORIGIN
        )

    def observed(self, source):
        """What the raw asset is told: descriptions of observations."""
        return [e.description for e in self.tick().asset_events if e.asset_key.path == ["raw", source]]

    def ranges(self):
        requests = self.tick().run_requests or []
        return [(r.asset_selection[0].path[-1], r.tags[RANGE_START], r.tags[RANGE_END]) for r in requests]


@pytest.fixture
def sensor(scratch):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Sensor(scratch, instance)


def test_consecutive_days_of_a_source_become_one_run(sensor):
    days = ["2018-02-03", "2018-02-01", "2018-02-02", "2018-02-10", "2018-02-02"]
    sensor.send(*[put("quakes", day) for day in days], put("dropped", "2018-02-01"))
    assert sensor.ranges() == [
        ("dropped", "2018-02-01", "2018-02-01"),
        ("quakes", "2018-02-01", "2018-02-03"),
        ("quakes", "2018-02-10", "2018-02-10"),
    ]


@pytest.mark.long
def test_three_years_of_days_are_a_run_for_each_stretch_of_a_tick_and_not_one_a_day(sensor):
    first, count = dt.date(2018, 3, 1), 3 * 365 + 1
    sensor.send(*(put("quakes", f"{first + dt.timedelta(days=n)}") for n in range(count)))
    ranges = [found for _ in range(4) for found in sensor.ranges()]
    # a tick takes a thousand messages, in the queue's order, which is none: days of the next one leave gaps
    days = {
        dt.date.fromisoformat(start) + dt.timedelta(days=n)
        for _, start, end in ranges
        for n in range((dt.date.fromisoformat(end) - dt.date.fromisoformat(start)).days + 1)
    }
    assert {first + dt.timedelta(days=n) for n in range(count)} <= days
    assert len(ranges) < 200
    assert sensor.scratch.waiting() == (0, 0)


def test_messages_are_deleted_by_the_next_tick_only(sensor):
    sensor.send(*[put("quakes", "2018-02-01", stamp=str(n)) for n in range(23)])
    assert len(sensor.ranges()) == 1
    assert sensor.scratch.waiting() == (0, 23)
    assert sensor.ranges() == []
    assert sensor.scratch.waiting() == (0, 0)


def test_a_tick_that_never_committed_leaves_its_messages(sensor):
    sensor.send(put("quakes", "2018-02-01"))
    sensor.tick()
    sensor.cursor = None
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 1)


def test_an_overwritten_object_has_a_run_key_of_its_own(sensor):
    keys = []
    for etag, sequencer in (("e1", "01"), ("e2", "02"), ("e1", "03"), ("e1", "03")):
        sensor.send(put("quakes", "2018-02-01", etag=etag, sequencer=sequencer))
        keys += [request.run_key for request in sensor.tick().run_requests]
    assert len(set(keys)) == 3
    assert keys[2] == keys[3]


def test_the_run_key_does_not_depend_on_order_or_repetition(sensor):
    puts = [put("quakes", "2018-02-01", stamp=str(n)) for n in range(3)]
    sensor.send(*puts)
    first = sensor.tick().run_requests[0].run_key
    sensor.send(*reversed(puts), puts[0])
    assert sensor.tick().run_requests[0].run_key == first


def test_the_run_key_is_the_same_in_every_process():
    code = "from orchestration.queue import Put, digest; print(digest({Put('key', 'etag', 'sequencer')}))"
    said = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=env, capture_output=True, text=True)
        said.add(done.stdout.strip() or done.stderr)
    assert len(said) == 1, said


def test_encoded_keys_are_decoded(sensor):
    body = put("quakes", "2018-02-01", stamp="2018-02-01T00:00:00+00:00")
    assert "%3A" in body["Records"][0]["s3"]["object"]["key"]
    sensor.send(body)
    assert sensor.ranges() == [("quakes", "2018-02-01", "2018-02-01")]


def test_message_for_a_source_that_is_not_declared_yet_waits(sensor):
    sensor.send(put("unknown", "2018-02-01"), put("quakes", "2018-02-01"))
    assert len(sensor.tick().run_requests) == 1
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 1), "hidden until it may be looked at again, not deleted"


def test_a_queued_run_for_the_same_days_makes_another_needless(sensor):
    sensor.run(dg.DagsterRunStatus.QUEUED)
    sensor.send(put("quakes", "2018-02-02"), put("dropped", "2018-02-02"), put("quakes", "2018-02-09"))
    result = sensor.tick()
    assert [(r.asset_selection[0].path[-1], r.tags[RANGE_START]) for r in result.run_requests] == [
        ("dropped", "2018-02-02"),
        ("quakes", "2018-02-09"),
    ]
    sensor.tick()
    assert sensor.scratch.waiting() == (0, 0)


@pytest.mark.parametrize("status", ["STARTING", "STARTED", "CANCELING", "SUCCESS", "FAILURE", "CANCELED"])
def test_a_run_that_has_begun_does_not(sensor, status):
    sensor.run(dg.DagsterRunStatus[status])
    sensor.send(put("quakes", "2018-02-02"))
    assert sensor.ranges() == [("quakes", "2018-02-02", "2018-02-02")]


def test_a_queued_run_for_fewer_days_does_not(sensor):
    sensor.run(dg.DagsterRunStatus.QUEUED, "2018-02-02", "2018-02-03")
    sensor.send(put("quakes", "2018-02-01"), put("quakes", "2018-02-02"))
    assert sensor.ranges() == [("quakes", "2018-02-01", "2018-02-02")]


def test_a_message_that_nobody_understands_holds_no_other_back(sensor):
    sensor.send("no JSON", put("quakes", "2018-02-01"), put("quakes", "2999-01-01"))
    assert sensor.ranges() == [("quakes", "2018-02-01", "2018-02-01")]
