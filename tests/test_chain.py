"""From a file dropped under raw/ to a row in the API, with Dagster and without, through the public doors alone."""

import calendar
import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector

from tests.cloud import PROJECT, Cloud, run

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def empty_queue(cloud: Cloud, deployed: dict[str, str]) -> Iterator[None]:
    """Nothing of other tests waits: messages of their scratch sources, which nobody declares, come again and again.

    What is set aside in days that only this file uses is gone afterwards.
    """
    cloud.client("sqs").purge_queue(QueueUrl=cloud.parameter("queue/url"))
    yield
    cloud.empty("raw/earthquakes/2019/04/", "raw/earthquakes/2019/05/")


@pytest.fixture
def daemon(cloud: Cloud, empty_queue: None) -> Iterator[None]:
    """Dagster's daemon with its sensor, beside the cloud."""
    command = [sys.executable, "-m", "infrastructure.local.dagster"]
    run([*command, "up", "--daemon-only", "--state", str(cloud.root)])
    yield
    subprocess.run([*command, "down", "--state", str(cloud.root)], cwd=PROJECT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def lambda_mode(cloud: Cloud, empty_queue: None) -> Iterator[None]:
    """The queue feeds the process function itself, for the last tests of this file."""
    cloud.deploy("--trigger-mode", "lambda")
    yield
    cloud.deploy("--trigger-mode", "dagster")


def drop(cloud: Cloud, day: str, *event_ids: str) -> str:
    """Put an earthquake a raw object, as any S3 client would; the key of the last one."""
    s3, bucket = cloud.client("s3"), cloud.env["LAKE_BUCKET"]
    for event_id in event_ids:
        key = f"raw/earthquakes/{day.replace('-', '/')}/data_{event_id}.parquet"
        s3.put_object(Bucket=bucket, Key=key, Body=_object(day, event_id))
    return key


def _object(day: str, event_id: str) -> bytes:
    at = f"{day}T12:00:00Z"
    milliseconds = calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")) * 1000
    properties = {"time": milliseconds, "updated": milliseconds, "mag": 4.5, "type": "earthquake", "status": "reviewed"}
    row = {
        "type": "Feature",
        "properties": json.dumps(properties),
        "geometry": json.dumps({"type": "Point", "coordinates": [10.5, 45.25, 7]}),
        "id": event_id,
    }
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), body)
    return body.getvalue()


def drop_misnamed(cloud: Cloud, month: str) -> set[str]:
    """Put a file, a folder and a name with a blank that nothing loads, each in a day of its own; their keys."""
    names = ("11/export.csv", "12/", "13/data_a b.parquet")
    keys = {f"raw/earthquakes/{month.replace('-', '/')}/{name}" for name in names}
    for key in keys:
        cloud.client("s3").put_object(Bucket=cloud.env["LAKE_BUCKET"], Key=key, Body=b"")
    return keys


def set_aside(env: dict[str, str], month: str) -> set[str]:
    """Raw keys of the month that the ledger says were set aside."""
    of_month = f"raw_day BETWEEN '{month}-01' AND '{month}-28'"
    return {key for (key,) in select(env, f"SELECT raw_key FROM ops.load_ledger WHERE status = 'bad' AND {of_month}")}


def select(env: dict[str, str], sql: str) -> list:
    """Rows of a SELECT, as a client with the exports of the env file alone gets them."""
    connection = redshift_connector.connect(
        host=env["WAREHOUSE_HOST"],
        port=int(env["WAREHOUSE_PORT"]),
        database=env["WAREHOUSE_DATABASE"],
        user=env["WAREHOUSE_USER"],
        password=env["WAREHOUSE_PASSWORD"],
        ssl=env["WAREHOUSE_SSLMODE"] != "disable",
    )
    cursor = connection.cursor()
    cursor.execute(sql)
    rows = list(cursor.fetchall())
    connection.close()
    return rows


def ask(env: dict[str, str], path: str, key: str | None) -> tuple[int, dict]:
    """Status and body of a GET to the deployed API."""
    headers = {"x-api-key": key} if key else {}
    request = urllib.request.Request(env["API_URL"].rstrip("/") + path, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def wait_for(found: Callable[[], object]) -> object:
    """What `found` gives as soon as it is true; fails after a minute, the time that a dropped file may take."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not (answer := found()):
        assert time.monotonic() < limit, "it did not come about within a minute"
        time.sleep(0.5)
    return answer


@pytest.mark.long
def test_dropped_file_is_loaded_by_dagster_s_sensor(cloud: Cloud, deployed: dict[str, str], daemon: None):
    key = drop(cloud, "2019-03-01", "dropped1")
    sql = "SELECT magnitude, latitude, depth_km, _raw_key FROM core.earthquakes WHERE event_id = 'dropped1'"
    assert wait_for(lambda: select(deployed, sql)) == [[4.5, 45.25, 7.0, key]]
    asked = select(deployed, f"SELECT requested_by, request_id FROM ops.load_ledger WHERE raw_key = '{key}'")[0]
    assert asked[0] != asked[1], "the ledger names Dagster's run beside the Lambda's request"
    misnamed = drop_misnamed(cloud, "2019-04")
    assert wait_for(lambda: set_aside(deployed, "2019-04") == misnamed)
    assert wait_for(lambda: cloud_is_quiet(cloud))


def cloud_is_quiet(cloud: Cloud) -> bool:
    """Whether nothing waits in the queue and nothing is on its way."""
    attributes = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.parameter("queue/url"),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return all(int(count) == 0 for count in attributes.values())


def test_dropped_file_is_loaded_without_dagster_and_served(cloud: Cloud, lambda_mode: None):
    drop(cloud, "2019-03-02", "dropped2")
    env, misnamed = cloud.env, drop_misnamed(cloud, "2019-05")
    wait_for(lambda: set_aside(env, "2019-05") == misnamed)
    wait_for(lambda: select(env, "SELECT 1 FROM core.earthquakes WHERE event_id = 'dropped2'"))
    path = "/v1/datasets/earthquakes/records?from=2019-03-02&to=2019-03-04"
    assert ask(env, path, None)[0] == 403
    assert ask(env, path, "wrong")[0] == 403
    status, answer = ask(env, path, env["API_KEY"])
    assert status == 200
    assert [row["event_id"] for row in answer["data"]] == ["dropped2"]
    assert (answer["meta"]["coverage"]["days_loaded"], answer["meta"]["coverage"]["days_missing"]) == (1, 1)
    mart = "SELECT events FROM mart.daily_seismicity WHERE event_day = '2019-03-02'"
    assert wait_for(lambda: select(env, mart)) == [[1]]
    assert wait_for(lambda: cloud_is_quiet(cloud))


def test_second_delivery_of_a_message_loads_nothing(cloud: Cloud, lambda_mode: None):
    key = drop(cloud, "2019-03-03", "dropped3")
    env = cloud.env
    wait_for(lambda: select(env, "SELECT 1 FROM core.earthquakes WHERE event_id = 'dropped3'"))
    put = {"bucket": {"name": env["LAKE_BUCKET"]}, "object": {"key": key}}
    body = json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": put}]})
    cloud.client("sqs").send_message(QueueUrl=cloud.parameter("queue/url"), MessageBody=body)
    cloud.client("sqs").send_message(QueueUrl=cloud.parameter("queue/url"), MessageBody="not a notification")
    assert wait_for(lambda: cloud_is_quiet(cloud))
    assert select(env, f"SELECT COUNT(*) FROM ops.load_ledger WHERE raw_key = '{key}'") == [[1]]
    assert select(env, "SELECT COUNT(*) FROM core.earthquakes WHERE event_id = 'dropped3'") == [[1]]
