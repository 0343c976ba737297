"""What lies under raw/ day by day, as the function tells it."""

import io
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import RequestError
from lambdas.ingest.app import handler
from lambdas.ingest.counts import count_days
from lambdas.ingest.naming import Lake
from lambdas.ingest.request import read_days
from tests.ingest.test_app import EVENTS_A_DAY
from tests.ingest.test_app import bucket as bucket  # the function's own settings
from tests.ingest.test_landing import THREE_DAYS


def count(bench, start, end, *, seconds=60):
    window = read_days({"start": start, "end": end})
    days = count_days("things", window, Lake(bench.s3, bench.bucket), time.monotonic() + seconds)["days"]
    return {day["day"]: (day["objects"], day["rows"]) for day in days}


def drop(bench, day, content):
    bench.s3.put_object(Bucket=bench.bucket, Key=f"raw/things/{day.replace('-', '/')}/data_other.parquet", Body=content)


def parquet(rows, columns=1):
    sink = io.BytesIO()
    pq.write_table(pa.table({f"column_{n}": pa.array(range(rows)) for n in range(columns)}), sink)
    return sink.getvalue()


def test_each_day_of_a_window_has_its_own_counts(bench, api):
    bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    assert count(bench, "2024-01-01", "2024-01-05") == {
        "2024-01-01": (1, 3),
        "2024-01-02": (1, 0),
        "2024-01-03": (1, 2),
        "2024-01-04": (0, 0),
    }


def test_files_that_others_dropped_count_too(bench, api):
    bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    drop(bench, "2024-01-02", parquet(7))
    drop(bench, "2024-01-03", parquet(4, columns=1600))
    assert count(bench, "2024-01-02", "2024-01-04") == {"2024-01-02": (2, 7), "2024-01-03": (2, 6)}


def test_files_that_nothing_loads_for_their_names_do_not_count(bench):
    drop(bench, "2024-01-01", parquet(7))
    for name in ("", "export.csv", "sub/data_x.parquet"):
        bench.s3.put_object(Bucket=bench.bucket, Key=f"raw/things/2024/01/01/{name}", Body=b"")
    assert count(bench, "2024-01-01", "2024-01-02") == {"2024-01-01": (1, 7)}


@pytest.mark.parametrize("content", [b"", b"x", b"PAR1", b"no Parquet file, but longer than its ending"])
def test_the_rows_of_a_day_with_an_unreadable_object_are_not_known(bench, content):
    drop(bench, "2024-01-01", content)
    drop(bench, "2024-01-02", parquet(1))
    assert count(bench, "2024-01-01", "2024-01-03") == {"2024-01-01": (1, None), "2024-01-02": (1, 1)}


def test_no_object_is_read_once_the_time_is_up(bench):
    drop(bench, "2024-01-01", parquet(1))
    assert count(bench, "2024-01-01", "2024-01-03", seconds=0) == {"2024-01-01": (1, None), "2024-01-02": (0, 0)}


def test_the_function_tells_the_days_of_a_windowed_source_and_of_one_read_whole(bench, bucket):
    event = {"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-08"}
    handler(event, None)
    days = handler({**event, "action": "days"}, None)["days"]
    assert {int(day["day"][-2:]): day["rows"] for day in days} == EVENTS_A_DAY
    handler({"source": "weather"}, None)
    answer = handler({"action": "days", "source": "weather", "start": "2013-01-01", "end": "2016-01-01"}, None)
    assert sum(day["rows"] for day in answer["days"]) == 26115
    assert len({day["rows"] for day in answer["days"]}) > 3
    # 6 MB is what an answer may have
    assert len(answer["days"]) == 3 * 365
    assert len(json.dumps(answer)) < 200_000


def test_the_days_have_to_be_named(bucket):
    with pytest.raises(RequestError, match="start is None"):
        handler({"action": "days", "source": "weather"}, None)
