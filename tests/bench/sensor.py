"""The sensor under a flood: 10,000 notifications for 5 sources and 30 days, beside listing the bucket by its keys."""

import datetime as dt
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_aws.s3.sensor import get_s3_keys

from orchestration.resources import Cloud
from orchestration.sensors import raw_objects
from tests.bench.timing import seconds
from tests.cloud import Cloud as LocalCloud

OBJECTS, SOURCES, DAYS = 10_000, 5, 30
FIRST = dt.date(2024, 1, 1)
PARTITIONS = dg.DailyPartitionsDefinition(str(FIRST), timezone="UTC")
NAMES = [f"source_{n}" for n in range(SOURCES)]
BUCKET = "flood"


def run(folder: Path) -> None:
    """Print runs, ticks and seconds of both ways."""
    local = LocalCloud(folder / "cloud")
    try:
        local.up()
        os.environ.update(local.env | {"ANALYTICS_ENV": "bench"})
        _flood(local)
    finally:
        local.run("down")


def _flood(local: LocalCloud) -> None:
    s3, sqs, ssm = (local.client(name) for name in ("s3", "sqs", "ssm"))
    s3.create_bucket(Bucket=BUCKET)
    url = sqs.create_queue(QueueName="flood")["QueueUrl"]
    for name, value in {"queue/url": url, "lake/bucket": BUCKET}.items():
        ssm.put_parameter(Name=f"/analytics/bench/{name}", Value=value, Type="String")
    keys = [_key(n) for n in range(OBJECTS)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    random.Random(1).shuffle(keys)
    _send(sqs, url, keys)
    ticks = list(_ticks())
    runs = sum(len(result.run_requests or ()) for result, _ in ticks)
    slowest = max(took for _, took in ticks)
    print(f"{'sensor: 10,000 objects':58} {runs:4} runs, {len(ticks)} ticks up to {slowest:.2f} s   budget 60, 20 s")
    lists: list[object] = []
    s3.meta.events.register("before-call.s3.ListObjectsV2", lambda **call: lists.append(call["model"]))
    listing = seconds(lambda: [get_s3_keys(BUCKET, f"raw/{name}/", s3_session=s3) for name in NAMES])
    print(f"{'  S3 list calls: the sensor | the listing one, at every tick':58} {0:10} {len(lists):10}")
    print(f"{'  listing sensor of dagster-aws: one tick, before any run':58} {listing:8.2f} s, {OBJECTS} keys")


def _key(number: int) -> str:
    day = FIRST + dt.timedelta(days=number // SOURCES % DAYS)
    return f"raw/{NAMES[number % SOURCES]}/{day:%Y/%m/%d}/data_{number}.parquet"


def _send(sqs: Any, url: str, keys: list[str]) -> None:
    for start in range(0, len(keys), 10):
        entries = [{"Id": str(n), "MessageBody": _message(key)} for n, key in enumerate(keys[start : start + 10])]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def _message(key: str) -> str:
    item = {"bucket": {"name": BUCKET}, "object": {"key": key, "eTag": "e", "sequencer": "1"}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": item}]})


def _ticks() -> Iterator[tuple[dg.SensorResult, float]]:
    """Tick after tick, as the daemon does it, until the queue is empty and all is deleted."""
    definitions = dg.Definitions([_table(name) for name in NAMES], sensors=[raw_objects])
    instance, cursor = dg.DagsterInstance.ephemeral(), None
    while True:
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            definitions=definitions,
            resources={"cloud": Cloud(environment="bench")},
        )
        began = time.perf_counter()
        result = raw_objects(context)
        yield result, time.perf_counter() - began
        cursor = result.cursor
        if not json.loads(cursor)["handles"]:
            return


def _table(source: str) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(["core", source], deps=[["raw", source]], partitions_def=PARTITIONS)

    @dg.multi_asset(name=f"core__{source}", specs=[spec], backfill_policy=dg.BackfillPolicy.single_run())
    def load() -> Any:
        yield dg.MaterializeResult(["core", source])

    return load
