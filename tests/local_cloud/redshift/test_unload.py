"""UNLOAD: what files there are, what is in them, and that COPY takes them back."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infrastructure.local.redshift.dialect.translate import translate
from infrastructure.local.redshift.errors import RedshiftError
from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.lake import Bucket, Run, fill, unload


@pytest.fixture
def bucket(s3: Any) -> Bucket:
    return Bucket(s3)


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    fill(run, connection)


@pytest.mark.usefixtures("table")
def test_parquet_has_the_types_of_the_columns(run: Run, bucket: Bucket) -> None:
    run(unload(bucket, "format as parquet"))
    assert bucket.names() == ["0000_part_00.parquet"]
    file = pq.ParquetFile(io.BytesIO(bucket.read("0000_part_00.parquet")))
    utc = pa.timestamp("us", tz="UTC")
    kinds = [pa.int16(), pa.int32(), pa.int64(), pa.decimal128(12, 2), pa.float32(), pa.float64(), pa.bool_(),
             pa.date32(), utc, utc, pa.string(), pa.string(), pa.json_()]  # fmt: skip
    assert file.schema_arrow.types == kinds
    assert file.metadata.format_version == "1.0"
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    first, second, third = file.read().to_pylist()
    assert first == {
        "i2": 1, "i4": -2, "i8": 9007199254740993, "n": Decimal("12.50"), "f4": 1.5, "f8": 0.1, "b": True,
        "d": dt.date(2020, 1, 2), "ts": dt.datetime(1960, 1, 2, 3, 4, 5, 7, tzinfo=dt.UTC),
        "tz": dt.datetime(2020, 1, 2, 1, 4, 5, tzinfo=dt.UTC), "c": "ab ", "v": "a|\"b'\\,é", "s": '{"k":[1.50,null]}',
    }  # fmt: skip
    assert set(second.values()) == {2, None}
    assert (third["v"], third["s"], third["f8"]) == ("", None, 1e300)
    assert run("select pg_last_unload_count()") == [[3]]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("options", "back"),
    [
        ("parquet manifest", "parquet manifest serializetojson"),
        ("parquet", "parquet serializetojson"),
        ("csv", "csv"),
        ("csv gzip header", "csv gzip ignoreheader 1"),
        ("delimiter '\\t' escape zstd", "delimiter '\\t' escape zstd"),
        ("addquotes escape bzip2 manifest", "removequotes escape bzip2 manifest"),
        ("json", "json 'auto'"),
    ],
)
def test_what_is_unloaded_can_be_copied_back(run: Run, bucket: Bucket, options: str, back: str) -> None:
    run(unload(bucket, options))
    run("create temp table again (like t)")
    null = "" if "parquet" in back or "json" in back else " emptyasnull"
    source = bucket.url + ("manifest" if "manifest" in back else "")
    run(f"copy again from '{source}' iam_role default {back}{null}")
    listed = "i2, i4, i8, n, f4, f8, b, d, ts, tz, c, v, json_serialize(s)"
    wanted, found = (run(f"select {listed} from {name} order by i2") for name in ("t", "again"))
    if null:  # text has no difference between NULL and nothing; a SUPER is null itself
        for row in wanted:
            row[10:12] = [value or None for value in row[10:12]]
    for row in wanted + found:
        row[12] = None if row[12] == "null" else row[12]
        row[10] = (row[10] or "").strip() or None
    assert found == wanted


TEXTS = [
    ("select 1 as a, 'x|y' as b", "", "1|x|y\n"),
    ("select 1 as a, 'x|y' as b", "escape", "1|x\\|y\n"),
    ("select 1 as a, 'x|y' as b", "addquotes", '"1"|"x|y"\n'),
    ("select 1 as a, 'x\"y' as b", "addquotes escape header", '"a"|"b"\n"1"|"x\\"y"\n'),
    ("select 1 as a, null::varchar as b", "null as 'NUL'", "1|NUL\n"),
    ("select true as a, 'say \"hi\"' as b", "csv header", 'a,b\nt,"say ""hi"""\n'),
    ("select 'a;b' as a, 'a,b' as b", "csv delimiter ';'", '"a;b";a,b\n'),
    ("select 1.50 as a, 'é\n' as b, date '2020-01-02' as d, true as t, null::int as z", "json",
     '{"a":1.50,"b":"é\\n","d":"2020-01-02","t":"t","z":null}\n'),
    ("select 1.5 as a, date '2020-01-02' as b", "csv delimiter '-'", '1.5-"2020-01-02"\n'),
    ("select timestamptz '2020-01-01 00:00:00+02' as a", "csv", "2019-12-31 22:00:00+00\n"),
]  # fmt: skip


def test_text_forms(run: Run, bucket: Bucket) -> None:
    run("set datestyle to 'SQL, DMY'")
    for query, options, wanted in TEXTS:
        run(unload(bucket, f"parallel off cleanpath {options}", query))
        (name,) = bucket.names()
        assert bucket.read(name).decode() == wanted, (query, options)
    assert run("show datestyle") == [["SQL, DMY"]]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ("parquet delimiter ','", "0A000", "DELIMITER is not supported for UNLOAD to PARQUET"),
        ("parquet gzip", "0A000", "GZIP is not supported for UNLOAD to PARQUET"),
        ("parquet null as 'x'", "0A000", "NULL AS is not supported"),
        ("json header", "0A000", "HEADER is not supported for UNLOAD to JSON"),
        ("csv addquotes", "0A000", "ADDQUOTES is not supported for UNLOAD to CSV"),
        ("fixedwidth '1:2'", "0A000", "FIXEDWIDTH"),
        ("encrypted kms_key_id 'k'", "0A000", "KMS_KEY_ID"),
        ("cleanpath allowoverwrite", "42601", "ALLOWOVERWRITE and CLEANPATH"),
        ("csv parquet", "42601", "conflicting or redundant options"),
        ("maxfilesize 4 mb", "22023", "MAXFILESIZE must be between 5 MB and 6.2 GB"),
        ("maxfilesize 6.3 gb", "22023", "MAXFILESIZE"),
        ("parquet rowgroupsize 16 mb", "22023", "ROWGROUPSIZE"),
        ("verbose", "42601", "verbose"),
    ],
)
def test_options_that_do_not_go_are_refused(options: str, code: str, text: str) -> None:
    with pytest.raises(RedshiftError, match=re.escape(text)) as refused:
        translate(f"unload ('select 1 as a') to 's3://lake/x' iam_role default {options}")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("columns", "code", "text"), [("nope", "42703", "nope"), ("s", "0A000", "super"), ("i2, v, s2", "42703", "s2")]
)
@pytest.mark.usefixtures("table")
def test_keys_of_partitions_are_checked(run: Run, bucket: Bucket, columns: str, code: str, text: str) -> None:
    error = fails(run, unload(bucket, f"partition by ({columns})"))
    assert (error["C"], text in error["M"]) == (code, True)
    assert bucket.names() == []


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("select * from t limit 10", "0A000", "Limit clause is not supported"),
        ("select * from t /* 'x' */ order by 1 LIMIT 1", "0A000", "Limit clause is not supported"),
        ("select i2, i2 from t", "42701", "i2"),
        ("select string_agg(v, ',') from t", "42883", "string_agg"),
        ("delete from t", "42601", ""),
        ("select * from nowhere", "42P01", "nowhere"),
    ],
)
@pytest.mark.usefixtures("table")
def test_the_query_is_read_as_any_other(run: Run, bucket: Bucket, query: str, code: str, text: str) -> None:
    error = fails(run, unload(bucket, "parquet", query))
    assert error["C"] == code
    assert text in error["M"]


@pytest.mark.usefixtures("table")
def test_a_limit_inside_and_dollar_quotes(run: Run, bucket: Bucket) -> None:
    query = "select i2, 'it''s' as w from t where i2 in (select i2 from t order by i2 limit 1)"
    run(f"unload ($$ {query} $$) to '{bucket.url}' iam_role default csv")
    assert bucket.read("0000_part_00") == b"1,it's\n"


def test_rights_and_snapshot_of_the_session_apply(connect: Callable[..., Any], bucket: Bucket) -> None:
    owner = connect()
    run = runner(owner)
    run("create user unload_guest password 'Guest-Password-1'")
    run("create table private_things (a int)")
    run("insert into private_things values (1)")
    owner.commit()
    guest = connect("unload_guest", "Guest-Password-1")
    assert fails(runner(guest), unload(bucket, "", "select * from private_things"))["C"] == "42501"
    guest.close()
    other = connect()
    other.autocommit = True
    run("select count(*) from private_things")
    runner(other)("insert into private_things values (2)")
    run(unload(bucket, "csv", "select * from private_things order by a"))
    assert bucket.read("0000_part_00") == b"1\n"
    owner.rollback()
    runner(other)("drop table private_things")
    runner(other)("drop user unload_guest")


def test_system_views_tell_what_was_unloaded(connect: Callable[..., Any], bucket: Bucket) -> None:
    connection = connect()
    connection.autocommit = True
    run = runner(connection)
    assert run("select pg_last_unload_id()") == [[-1]]
    run(unload(bucket, "csv gzip", "select 1 as a"))
    history = (
        "select status, file_format, compression_type, unloaded_location, unloaded_rows, unloaded_files_count"
        " from sys_unload_history where query_id = pg_last_unload_id()"
    )
    assert run(history) == [["completed", "CSV", "gzip", bucket.url, 1, 1]]
    assert run("select trim(path), line_count from stl_unload_log where query = pg_last_unload_id()") == [
        [f"{bucket.url}0000_part_00.gz", 1]
    ]
    fails(run, unload(bucket, "csv gzip allowoverwrite", "select 1 / (a - 1) as b from (select 1 as a)"))
    status = run("select status, error_message from sys_unload_history order by query_id desc")[0]
    assert status[0] == "aborted"
    assert "division" in status[1]


def test_a_bucket_that_is_not_there(run: Run) -> None:
    error = fails(run, "unload ('select 1 as a') to 's3://no-such-bucket/x' iam_role default")
    assert error["C"] == "XX000"
    assert "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket" in error["M"]


def test_a_value_that_can_not_be_written_ends_the_unload_at_once(run: Run, connection: Any, bucket: Bucket) -> None:
    error = fails(run, unload(bucket, "parquet", "select timestamp '12000-01-01 00:00:00' as at"))
    assert (error["C"], "can not be written" in error["M"]) == ("XX000", True)
    assert fails(run, "select 1")["C"] == "25P02"
    connection.rollback()
    assert run("select 1") == [[1]]
