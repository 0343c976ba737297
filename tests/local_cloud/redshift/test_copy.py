from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tests.local_cloud.redshift.conftest import BUCKET, fails, runner
from tests.local_cloud.redshift.lake import COLUMNS, GOOD, Run, changed, parquet_putter, put_manifest
from tests.local_cloud.redshift.lake import copy_parquet as copy
from tests.local_cloud.redshift.processes import Endpoint


@pytest.fixture
def put(s3: Any) -> Callable[..., str]:
    return parquet_putter(s3)


@pytest.fixture
def table(run: Run) -> None:
    run(f"create temp table t ({COLUMNS})")


@pytest.mark.usefixtures("table")
def test_copy_keeps_every_value(run: Run, put: Callable[..., str]) -> None:
    run(copy(put(GOOD)))
    wanted = pa.table(GOOD).to_pylist()
    for row in wanted:
        row["at"] = row["at"] and row["at"].replace(tzinfo=None)
    assert run("select * from t order by id") == [list(row.values()) for row in wanted]
    assert run("select pg_last_copy_count()") == [[3]]


def test_copy_belongs_to_the_clients_transaction(
    endpoint: Endpoint, connect: Callable[..., Any], put: Callable[..., str]
) -> None:
    writer, reader = connect(), connect()
    reader.autocommit = True
    write, read = runner(writer), runner(reader)
    write(f"create table shared ({COLUMNS})")
    writer.commit()
    write(copy(put(GOOD), target="shared"))
    assert read("select count(*) from shared") == [[0]]
    writer.rollback()
    assert write("select count(*) from shared") == [[0]]
    write(copy(put(GOOD), target="shared"))
    writer.commit()
    assert read("select count(*) from shared") == [[3]]
    read("drop table shared")


def test_copy_in_autocommit_and_with_a_column_list(connect: Callable[..., Any], put: Callable[..., str]) -> None:
    connection = connect()
    connection.autocommit = True
    run = runner(connection)
    run("create table listed (a int default 7, b varchar(6), c bigint)")
    run(copy(put({"c": GOOD["id"], "b": GOOD["x"]}), target="listed (C, b)"))
    assert run("select a, c from listed order by c") == [[7, 1], [7, 2], [7, 3]]
    assert fails(run, copy(put({"c": GOOD["id"]}), target="listed"))["C"] == "XX000"
    assert run("select count(*) from listed") == [[3]]
    run("drop table listed")


@pytest.mark.usefixtures("table")
def test_copy_takes_several_objects_and_a_prefix(run: Run, put: Callable[..., str], s3: Any) -> None:
    first = put(GOOD, name="p1").replace(".manifest", ".parquet")
    put(GOOD, name="p2")
    s3.delete_object(Bucket=BUCKET, Key=first.replace("p1", "p2").split("/", 3)[3].replace(".parquet", ".manifest"))
    s3.delete_object(Bucket=BUCKET, Key=first.split("/", 3)[3].replace(".parquet", ".manifest"))
    run(copy(first.rsplit("/", 1)[0] + "/", options=""))
    assert run("select count(*) from t") == [[6]]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("too few columns", {k: v for k, v in GOOD.items() if k != "n"}, "Table columns: 8, Data columns: 7"),
    ("too many columns", {**GOOD, "more": GOOD["id"]}, "Table columns: 8, Data columns: 9"),
    ("long for an int", changed(n=pa.array([1, 2, 3])), "incompatible Parquet schema for column 'n'"),
    ("int for a bigint", changed(id=pa.array([1, 2, 3], pa.int32())), "incompatible Parquet schema for column 'id'"),
    ("other decimal", changed(amount=GOOD["amount"].cast(pa.decimal128(12, 3))), "incompatible Parquet schema"),
    ("naive timestamp", changed(at=GOOD["at"].cast(pa.timestamp("us"))), "incompatible Parquet schema for column 'at'"),
    ("naive milliseconds", changed(at=pa.array([None] * 3, pa.timestamp("ms"))), "incompatible Parquet schema"),
    ("nanoseconds", changed(at=pa.array([None] * 3, pa.timestamp("ns", tz="UTC"))), "incompatible Parquet schema"),
    ("float for a double", changed(f=pa.array([1.5, None, 2.0], pa.float32())), "incompatible Parquet schema"),
    ("narrower decimal", changed(amount=GOOD["amount"].cast(pa.decimal128(10, 2))), "incompatible Parquet schema"),
    ("bytes for text", changed(x=pa.array([b"a", None, b"b"])), "incompatible Parquet schema for column 'name'"),
    ("time of day", changed(d=pa.array([None] * 3, pa.time64("us"))), "incompatible Parquet schema for column 'd'"),
    ("text for a date", changed(d=pa.array(["2020-01-01"] * 3)), "incompatible Parquet schema for column 'd'"),
    ("too many bytes", changed(x=pa.array(["a", "éééé", None])), "Table: 6, Data: 8"),
]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(("columns", "context"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_copy_of_a_file_that_does_not_fit_loads_nothing(
    run: Run, connection: Any, put: Callable[..., str], columns: dict[str, Any], context: str
) -> None:
    connection.commit()
    error = fails(run, copy(put(columns)))
    assert (error["C"], error["M"]) == ("XX000", "Spectrum Scan Error")
    assert context in error["D"]
    assert fails(run, "select 1")["C"] == "25P02"
    connection.rollback()
    assert run("select count(*) from t") == [[0]]


@pytest.mark.usefixtures("table")
def test_copy_is_all_or_nothing_over_several_objects(
    run: Run, connection: Any, put: Callable[..., str], s3: Any
) -> None:
    connection.commit()
    entries = []
    for name, columns in (("a", GOOD), ("b", changed(x=pa.array(["toolong"] * 3)))):
        url = put(columns, name=name)
        body = s3.get_object(Bucket=BUCKET, Key=url.split("/", 3)[3])["Body"].read()
        entries += json.loads(body)["entries"]
    both = put_manifest(s3, "both.manifest", entries)
    assert "longer than the length" in fails(run, copy(both))["D"]
    connection.rollback()
    assert run("select count(*) from t") == [[0]]


@pytest.mark.usefixtures("table")
def test_copy_refuses_nulls_for_not_null(run: Run, put: Callable[..., str]) -> None:
    error = fails(run, copy(put(changed(id=pa.array([1, None, 3])))))
    assert "Cannot insert a NULL value into column id" in error["M"]


@pytest.mark.usefixtures("table")
def test_manifest_is_checked(run: Run, connection: Any, put: Callable[..., str], s3: Any) -> None:
    connection.commit()
    missing = {"url": f"s3://{BUCKET}/nowhere.parquet", "mandatory": True, "meta": {"content_length": 1}}
    cases = {
        put(GOOD, stated=17): "size mismatch",
        put_manifest(s3, "m1", [missing]): "mandatory file",
        put_manifest(s3, "m2", [{**missing, "mandatory": False}]): "No file",
        put_manifest(s3, "m3", [{"url": missing["url"], "mandatory": True}]): "content_length",
        f"s3://{BUCKET}/no.manifest": "Status 404",
    }
    for url, text in cases.items():
        error = fails(run, copy(url))
        assert error["C"] == "XX000"
        assert text in error["M"]
        connection.rollback()


@pytest.mark.usefixtures("table")
def test_a_damaged_file_is_an_error_of_the_statement(
    run: Run, connection: Any, put: Callable[..., str], s3: Any
) -> None:
    connection.commit()
    url = put({**GOOD, "x": pa.array(["abcdef"] * 3)})
    key = url.split("/", 3)[3].replace(".manifest", ".parquet")
    body = bytearray(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    for broken in (bytes(body[:-20]) + b"x" * 20, body[:4] + b"\xff" * 200 + body[204:]):
        s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(broken))
        assert fails(run, copy(url))["M"] == "Spectrum Scan Error"
        connection.rollback()
    assert run("select count(*) from t") == [[0]]


@pytest.mark.usefixtures("table")
def test_an_error_of_the_backend_ends_a_big_copy(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table narrow (id bigint not null)")
    connection.commit()
    rows = pa.array([None, *range(400_000)], pa.int64())
    assert "NULL" in fails(run, copy(put({"id": rows}), target="narrow"))["M"]
    connection.rollback()
    assert run("select count(*) from narrow") == [[0]]


@pytest.mark.usefixtures("table")
def test_fillrecord_fills_only_the_end(run: Run, put: Callable[..., str]) -> None:
    run(copy(put({k: GOOD[k] for k in ("id", "x", "amount")}), options="manifest fillrecord"))
    assert run("select n, at from t where id = 1") == [[None, None]]


def test_nested_columns_need_serializetojson(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table s (id bigint, doc super)")
    connection.commit()
    url = put({"id": pa.array([1]), "doc": pa.array([{"a": [1, 2]}])})
    assert fails(run, copy(url, target="s"))["M"] == "Assert"
    connection.rollback()
    run(copy(url, target="s", options="serializetojson manifest"))
    assert run("select doc from s") == [['{"a":[1,2]}']]


@pytest.mark.parametrize(
    "options",
    ["region 'us-east-1'", "maxerror 5", "delimiter ','", "gzip", "truncatecolumns", "null as 'x'", "compupdate on"],
)
@pytest.mark.usefixtures("table")
def test_options_that_parquet_does_not_take(run: Run, options: str) -> None:
    assert "not supported for PARQUET based COPY" in fails(run, copy("s3://lake/x", options=options))["M"]


@pytest.mark.usefixtures("table")
def test_copy_needs_authorization_and_a_known_format(run: Run, connection: Any) -> None:
    assert fails(run, "copy t from 's3://lake/x' format parquet")["C"] == "42601"
    connection.rollback()
    assert fails(run, "copy t from 's3://lake/x' iam_role 'not-an-arn' parquet")["C"] == "XX000"


def test_a_big_copy_streams(run: Run, put: Callable[..., str]) -> None:
    rows = 200_000
    run("create temp table big (id bigint, name varchar(20))")
    ids = pa.array(range(rows))
    run(copy(put({"id": ids, "name": ids.cast(pa.string())}), target="big"))
    assert run("select count(*), sum(id), count(distinct name) from big") == [[rows, rows * (rows - 1) // 2, rows]]
