"""The deployed forget function, with its own role and handler, on a declared source."""

import datetime as dt
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_source
from lambdas.common.db.redshift import query
from lambdas.common.lake import raw_key
from lambdas.process.work import Warehouse
from tests.cloud import Cloud

# No other test has objects of that year.
DAY = dt.date(1999, 1, 1)
KEY = raw_key("weather", DAY, "19990101T000000000000Z")


def invoke(cloud: Cloud, function: str, **event: Any) -> dict[str, Any]:
    reply = cloud.client("lambda").invoke(
        FunctionName=cloud.parameter(f"functions/{function}"), Payload=json.dumps(event).encode()
    )
    answer: dict[str, Any] = json.loads(reply["Payload"].read())
    return answer


def statuses(warehouse: Warehouse) -> list[str]:
    with warehouse.session("tests") as connection:
        sql = "SELECT status FROM ops.load_ledger WHERE source = 'weather' AND raw_key = %s ORDER BY generation"
        return [row["status"] for row in query(connection, sql, (KEY,))]


def test_deployed_function_forgets_an_object_that_the_deployed_load_took_in(cloud: Cloud, warehouse: Warehouse) -> None:
    body, s3, bucket = io.BytesIO(), cloud.client("s3"), cloud.env["LAKE_BUCKET"]
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in load_source("weather").raw_columns}), body)
    s3.put_object(Bucket=bucket, Key=KEY, Body=body.getvalue())
    assert (
        invoke(cloud, "process", action="load", source="weather", start="1999-01-01", end="1999-01-02")["objects"] == 1
    )
    answer = invoke(cloud, "forget", source="weather", raw_key=KEY)
    assert (answer["objects"], answer["versions"], answer["remaining"]) == (1, 1, None)
    assert statuses(warehouse) == ["loaded", "forgotten"]
    assert "Versions" not in s3.list_object_versions(Bucket=bucket, Prefix=KEY)


@pytest.mark.long
@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"source": "weather"}, "either raw_key or key"),
        ({"source": "weather", "raw_key": "raw/x"}, "no raw key"),
        ({"source": "weather", "key": ["private"]}, "a value for each column"),
        ({"source": "weather", "key": {"origin": "private"}}, "the key of weather is"),
        ({"source": "weather", "key": {}, "raw_key": KEY}, "either raw_key or key"),
    ],
)
def test_wrong_request_names_what_is_wrong_and_shows_no_value(
    cloud: Cloud, warehouse: Warehouse, event: dict[str, Any], words: str
) -> None:
    answer = invoke(cloud, "forget", **event)
    assert words in answer["errorMessage"]
    assert "private" not in str(answer)
