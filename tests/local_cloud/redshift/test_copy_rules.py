"""The rules of COPY from Parquet one by one: types, manifests, prefixes, nested values, errors."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from infrastructure.local.redshift.copying.source import s3_error
from tests.local_cloud.redshift.conftest import BUCKET, fails
from tests.local_cloud.redshift.lake import COLUMNS, GOOD, Run, changed, parquet_putter, put_manifest
from tests.local_cloud.redshift.lake import copy_parquet as copy


@pytest.fixture
def put(s3: Any) -> Callable[..., str]:
    return parquet_putter(s3)


@pytest.fixture
def table(run: Run) -> None:
    run(f"create temp table t ({COLUMNS})")


def test_instants_in_milliseconds_and_int96(run: Run, connection: Any, s3: Any, put: Callable[..., str]) -> None:
    run("create temp table i (at timestamp, zoned timestamptz)")
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
    milliseconds = pa.array([moment], pa.timestamp("ms", tz="UTC"))
    run(copy(put({"a": milliseconds, "b": milliseconds}), target="i"))
    naive = pa.array([moment.replace(tzinfo=None)], pa.timestamp("us"))
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": naive, "b": naive}), sink, flavor="spark", version="1.0")
    s3.put_object(Bucket=BUCKET, Key="int96/part.parquet", Body=sink.getvalue())
    run(copy(f"s3://{BUCKET}/int96/", options="", target="i"))
    assert run("select * from i") == [[moment.replace(tzinfo=None), moment]] * 2


@pytest.mark.usefixtures("connection")
def test_an_instant_is_one_whatever_zone_arrow_remarks(run: Run, put: Callable[..., str]) -> None:
    run("create temp table i (at timestamp, zoned timestamptz)")
    moment = dt.datetime(2020, 7, 2, 3, 4, 5, tzinfo=dt.UTC)
    elsewhere = pa.array([moment], pa.timestamp("us", tz="Europe/Berlin"))
    run(copy(put({"a": elsewhere, "b": elsewhere}), target="i"))
    assert run("select * from i") == [[moment.replace(tzinfo=None), moment]]


def test_widths_of_integers_and_floats(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table w (a smallint, b smallint, c smallint, d int, e bigint, f real)")
    connection.commit()
    kinds = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.uint32(), pa.float32()]
    good = {f"c{index}": pa.array([7], kind) for index, kind in enumerate(kinds)}
    run(copy(put(good), target="w"))
    assert run("select * from w") == [[7, 7, 7, 7, 7, 7.0]]
    connection.commit()
    for index, kind in enumerate((pa.int32(), pa.int32(), pa.int64(), pa.uint32(), pa.uint64(), pa.float64())):
        assert "incompatible" in fails(run, copy(put({**good, f"c{index}": pa.array([7], kind)}), target="w"))["D"]
        connection.rollback()


@pytest.mark.usefixtures("table")
def test_an_error_looks_as_redshifts_and_is_listed(run: Run, connection: Any, put: Callable[..., str]) -> None:
    connection.commit()
    error = fails(run, copy(put(changed(n=pa.array([1, 2, 3])))))
    connection.rollback()
    assert set(error) >= {"S", "C", "M", "D", "F", "L", "R"}
    assert (error["S"], error["R"]) == ("ERROR", "pg_throw")
    assert "error:  Spectrum Scan Error" in error["D"]
    assert "code:      15007" in error["D"]
    ((number, name, message),) = run(
        "select query_id, trim(column_name), error_message from sys_load_error_detail"
        " where query_id = pg_last_copy_id()"
    )
    assert f"query:     {number}\n" in error["D"]
    assert name == "n"
    assert "incompatible Parquet schema for column 'n'" in message


@pytest.mark.usefixtures("table")
def test_a_manifest_lists_what_is_loaded(run: Run, connection: Any, put: Callable[..., str], s3: Any) -> None:
    body = s3.get_object(Bucket=BUCKET, Key=put(GOOD).split("/", 3)[3])["Body"].read()
    (entry,) = json.loads(body)["entries"]
    absent = {"url": f"s3://{BUCKET}/nowhere.parquet", "mandatory": False, "meta": {"content_length": 5}}
    run(copy(put_manifest(s3, "twice.manifest", [entry, absent, entry])))
    assert run("select count(*), count(distinct id) from t") == [[6, 3]]
    connection.rollback()
    bodies = (b"no json", b"[]", b'{"entries": []}', b'{"entries": [{"url": "x"}]}', b'{"entries": [1]}')
    for number, broken in enumerate(bodies):
        s3.put_object(Bucket=BUCKET, Key=f"broken{number}", Body=broken)
        run(f"create temp table t ({COLUMNS})")
        assert "Invalid manifest file" in fails(run, copy(f"s3://{BUCKET}/broken{number}"))["M"]
        connection.rollback()


def test_a_prefix_is_no_folder(run: Run, put: Callable[..., str], s3: Any) -> None:
    run("create temp table one (id bigint)")
    url = put({"id": pa.array([1])}, name="data").replace("data.manifest", "data.parquet")
    key = url.split("/", 3)[3]
    for suffix in (".bak", "_more/x"):
        s3.copy_object(Bucket=BUCKET, CopySource={"Bucket": BUCKET, "Key": key}, Key=key + suffix)
    run(copy(url, options="", target="one"))
    assert run("select count(*) from one") == [[3]]


@pytest.mark.usefixtures("table")
def test_fillrecord_does_not_move_columns(run: Run, put: Callable[..., str]) -> None:
    without_second = {k: v for k, v in GOOD.items() if k != "x"}
    assert "incompatible" in fails(run, copy(put(without_second), options="manifest fillrecord"))["D"]


def test_nested_values_become_super(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table s (id bigint, a super, b super)")
    connection.commit()
    nested = {
        "id": pa.array([1, 2]),
        "a": pa.array([[1, None], None], pa.list_(pa.int64())),
        "b": pa.array([[("é", 1.5)], None], pa.map_(pa.string(), pa.float64())),
    }
    url = put(nested)
    error = fails(run, copy(url, target="s"))
    assert (error["M"], "Invalid type: 4000" in error["D"]) == ("Assert", True)
    connection.rollback()
    run(copy(url, target="s", options="serializetojson manifest"))
    assert run("select json_serialize(a), json_serialize(b) from s order by id") == [
        ["[1,null]", '{"é":1.5}'],
        [None] * 2,
    ]
    connection.commit()
    huge = {"id": pa.array([1]), "a": pa.array([["x" * (16 << 20)]]), "b": pa.array([[1]])}
    assert "SUPER limit" in fails(run, copy(put(huge), target="s", options="serializetojson manifest"))["D"]
    connection.rollback()
    assert "incompatible" in fails(run, copy(put({**nested, "a": pa.array(["[1]", "2"])}), target="s",
                                             options="serializetojson manifest"))["D"]  # fmt: skip


def test_invalid_text_in_parquet(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table one (v varchar(4), c char(4))")
    connection.commit()
    raw = pa.array([b"a\xffb", b"ok"], pa.binary())
    bad = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    plain = pa.array(["x", "y"])
    error = fails(run, copy(put({"v": bad, "c": plain}), target="one"))
    assert "Bad UTF8 hex sequence: ff (error 3)" in error["D"]
    connection.rollback()
    run(copy(put({"v": bad, "c": plain}), options="manifest acceptinvchars '^'", target="one"))
    assert run("select v from one order by v") == [["a^b"], ["ok"]]
    connection.rollback()
    assert "Multibyte" in fails(run, copy(put({"v": plain, "c": pa.array(["é", "y"])}), target="one"))["D"]


def test_identity_and_statupdate(run: Run, connection: Any, put: Callable[..., str]) -> None:
    run("create temp table k (id bigint identity(1,1), v varchar(3))")
    run(copy(put({"v": pa.array(["a"])}), options="manifest statupdate on", target="k"))
    run(copy(put({"id": pa.array([70]), "v": pa.array(["b"])}), options="manifest explicit_ids", target="k"))
    assert run("select v, id = 70 from k order by v") == [["a", False], ["b", True]]


def test_what_s3_answers_reaches_the_client(run: Run, connection: Any) -> None:
    run("create temp table one (v int)")
    connection.commit()
    for options in ("", "manifest"):
        error = fails(run, copy("s3://no-such-bucket/x", options=options, target="one"))
        assert "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket" in error["M"]
        connection.rollback()
    assert (
        "S3 prefix 'nothing/here' does not exist"
        in fails(run, copy("s3://lake/nothing/here", options="", target="one"))["M"]
    )
    connection.rollback()
    assert "Problem reading manifest file" in fails(run, copy("s3://lake/nothing/here", target="one"))["M"]


def test_refused_access_is_told_in_redshifts_words() -> None:
    body = {
        "Error": {"Code": "403", "Message": "Forbidden"},
        "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "R"},
    }
    error = s3_error(ClientError(body, "HeadObject"), "s3://lake/x")
    assert error.message == "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid R"
