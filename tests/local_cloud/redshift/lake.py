"""What the tests of COPY and UNLOAD share: objects in S3 and the statements that name them."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.local_cloud.redshift.conftest import BUCKET

Run = Callable[..., Any]
Put = Callable[..., str]

UTC = pa.timestamp("us", tz="UTC")
COLUMNS = "id bigint not null, name varchar(6), amount decimal(12,2), at timestamp, d date, f float8, ok boolean, n int"
GOOD: dict[str, Any] = {
    "id": pa.array([1, 2, 3]),
    "x": pa.array(["a,\n\"'\\", "", None]),
    "amount": pa.array([Decimal("1.50"), Decimal("-0.01"), None], pa.decimal128(12, 2)),
    "at": pa.array(
        [dt.datetime(2020, 1, 1, 0, 0, 0, 7, tzinfo=dt.UTC), None, dt.datetime(1960, 1, 1, tzinfo=dt.UTC)], UTC
    ),
    "d": pa.array([dt.date(2020, 1, 1), None, dt.date(1969, 12, 31)]),
    "f": pa.array([1.5, None, 1e300]),
    "ok": pa.array([True, None, False]),
    "n": pa.array([1, None, -5], pa.int32()),
}


def parquet_putter(s3: Any) -> Put:
    """Puts a Parquet object (and its manifest) into a folder of its own and returns the manifest's URL."""
    folder = uuid.uuid4().hex

    def put(columns: dict[str, Any], *, stated: int = 0, name: str = "part") -> str:
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        key = f"{folder}/{name}.parquet"
        s3.put_object(Bucket=BUCKET, Key=key, Body=sink.getvalue())
        entry = {"url": f"s3://{BUCKET}/{key}", "mandatory": True, "meta": {"content_length": stated or sink.tell()}}
        return put_manifest(s3, f"{folder}/{name}.manifest", [entry])

    return put


def text_putter(s3: Any) -> Put:
    """Puts an object into a folder of its own and returns its URL."""
    folder = uuid.uuid4().hex

    def put(content: str | bytes, name: str = "rows") -> str:
        body = content.encode() if isinstance(content, str) else content
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=body)
        return f"s3://{BUCKET}/{folder}/{name}"

    return put


def put_manifest(s3: Any, key: str, entries: list[dict[str, Any]]) -> str:
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({"entries": entries}).encode())
    return f"s3://{BUCKET}/{key}"


def copy_parquet(url: str, *, options: str = "manifest", target: str = "t") -> str:
    return f"copy {target} from '{url}' iam_role default format as parquet {options}"


def changed(**columns: Any) -> dict[str, Any]:
    return {**GOOD, **columns}


def copy_text(url: str, options: str = "", target: str = "t") -> str:
    return f"copy {target} from '{url}' iam_role default {options}"


def errors(run: Run) -> list[list[Any]]:
    """The bad rows of the session's last COPY."""
    return [list(row) for row in run(
        "select line_number, trim(column_name), error_code, trim(error_message) from sys_load_error_detail"
        " where query_id = pg_last_copy_id() order by line_number"
    )]  # fmt: skip


UNLOADED = (
    "i2 smallint, i4 int, i8 bigint, n decimal(12,2), f4 real, f8 float8, b boolean, d date, ts timestamp,"
    " tz timestamptz, c char(3), v varchar(20), s super"
)
UNLOADED_ROWS = """
insert into t select 1, -2, 9007199254740993, 12.50, 1.5, 0.1, true, '2020-01-02', '1960-01-02 03:04:05.000007',
    '2020-01-02 03:04:05+02', 'ab', 'a|"b''\\\\,é', json_parse('{"k":[1.50,null]}');
insert into t values (2, null, null, null, null, null, null, null, null, null, null, null, null);
insert into t values (3, 0, 0, -0.01, -1, 1e300, false, '1969-12-31', '2020-01-01', '2020-01-01 00:00:00', '', '', null)
"""


class Bucket:
    """The folder of a test."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.prefix = uuid.uuid4().hex + "/"
        self.url = f"s3://{BUCKET}/{self.prefix}"

    def names(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix).get("Contents", [])
        return [item["Key"].removeprefix(self.prefix) for item in found]

    def read(self, name: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=self.prefix + name)["Body"].read()
        return body

    def put(self, name: str, body: bytes = b"x") -> None:
        self.s3.put_object(Bucket=BUCKET, Key=self.prefix + name, Body=body)


def fill(run: Run, connection: Any) -> None:
    """A temporary table of all types with three rows, committed."""
    run(f"create temp table t ({UNLOADED})")
    for statement in UNLOADED_ROWS.split(";"):
        run(statement)
    connection.commit()


def unload(bucket: Bucket, options: str = "", query: str = "select * from t order by i2", name: str = "") -> str:
    quoted = query.replace("\\", "\\\\").replace("'", "''")
    return f"unload ('{quoted}') to '{bucket.url}{name}' iam_role default {options}"
