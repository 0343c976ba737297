"""The sensor under a flood: 10,000 notifications for 5 sources and 30 days, beside listing the bucket by its keys.

A tick is the daemon's: the sensor, and storing what it saw and the runs that it asks for. The code location is in the
daemon's process. A run leaves the queue before the next tick, for one that waits there takes later days with it.
"""

import datetime as dt
import json
import logging
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import boto3
import dagster as dg
from dagster_aws.s3.sensor import get_s3_keys

from orchestration.resources import Cloud
from orchestration.sensors import raw_objects
from tests.bench.timing import processor, seconds
from tests.cloud import PROJECT
from tests.cloud import Cloud as LocalCloud
from tests.orchestration import daemon

OBJECTS, SOURCES, DAYS = 10_000, 5, 30
FIRST = dt.date(2024, 1, 1)
PARTITIONS = dg.DailyPartitionsDefinition(str(FIRST), timezone="UTC")
NAMES = [f"source_{n}" for n in range(SOURCES)]
BUCKET = "flood"
# a tick takes a thousand messages
MOST_TICKS = 50


def run(folder: Path) -> None:
    """Print runs, ticks and seconds of both ways."""
    local = LocalCloud(folder / "cloud")
    (folder / "dagster").mkdir()
    shutil.copy(PROJECT / "orchestration" / "dagster.yaml", folder / "dagster")
    try:
        local.up()
        os.environ.update(local.env | {"ANALYTICS_ENV": "bench", "DAGSTER_HOME": str(folder / "dagster")})
        _flood(local)
    finally:
        local.run("down")


def _flood(local: LocalCloud) -> None:
    _fill(local)
    with _list_calls() as ours:
        ticks, worked, runs = _ticks()
    print(f"{'sensor: 10,000 objects':58} {runs:4} runs, {len(ticks)} ticks up to {max(ticks):.2f} s   budget 60, 20 s")
    print(f"{'  a tick of the daemon: median | of it the processor':58} {median(ticks):8.2f} s {median(worked):8.2f} s")
    with _list_calls() as theirs:
        s3 = boto3.client("s3")
        listing = seconds(lambda: [get_s3_keys(BUCKET, f"raw/{name}/", s3_session=s3) for name in NAMES])
    print(f"{'  S3 list calls: the sensor | the listing one, at every tick':58} {len(ours):10} {len(theirs):10}")
    print(f"{'  listing sensor of dagster-aws: one tick, before any run':58} {listing:8.2f} s, {OBJECTS} keys")


@contextmanager
def _list_calls() -> Iterator[list[str]]:
    """The names of S3's list operations that are called meanwhile by clients of boto3's default session.

    `Cloud.client` makes such clients, each when it is asked for one.
    """
    found: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if model.name.startswith("List"):
            found.append(model.name)

    session: Any = boto3.Session()
    session.events.register("before-call.s3", note)
    boto3.DEFAULT_SESSION = session
    yield found
    boto3.DEFAULT_SESSION = None


def _fill(local: LocalCloud) -> None:
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


def _ticks() -> tuple[list[float], list[float], int]:
    """Each tick of the daemon until the queue is empty and all is deleted: its seconds, and those of the processor.

    And how many runs there were.
    """
    # Dagster tells of each tick on the terminal
    logging.disable(logging.INFO)
    daemon.sensors.is_under_min_interval = lambda *_: False
    times: list[float] = []
    worked: list[float] = []
    runs = 0
    with daemon.workspace(__name__) as context:
        while daemon.waiting():
            if len(times) == MOST_TICKS:
                raise RuntimeError(f"{daemon.waiting()} messages wait after {MOST_TICKS} ticks")
            times.append(seconds(lambda: worked.append(processor(lambda: daemon.tick(context, {})))))
            runs += _take(context.instance)
    return times, worked, runs


def _take(instance: dg.DagsterInstance) -> int:
    """Empty the queue of runs."""
    runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    for run in runs:
        instance.report_run_canceled(run)
    return len(runs)


@dg.definitions
def flooded() -> dg.Definitions:
    """The sources, as nothing but tables that take days."""
    cloud = Cloud(environment=dg.EnvVar("ANALYTICS_ENV"))
    return dg.Definitions([_table(name) for name in NAMES], sensors=[raw_objects], resources={"cloud": cloud})


def _table(source: str) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(["core", source], deps=[["raw", source]], partitions_def=PARTITIONS)

    @dg.multi_asset(name=f"core__{source}", specs=[spec], backfill_policy=dg.BackfillPolicy.single_run())
    def load() -> Any:
        yield dg.MaterializeResult(["core", source])

    return load
