"""Which days a source lacks, and which objects a former contract loaded."""

import datetime as dt
from dataclasses import replace

import pytest

from lambdas.common.source import SourceConfig
from lambdas.process import standing
from lambdas.process.standing import find_missing, read_standing

START, TODAY = dt.date(2024, 1, 1), dt.date(2024, 1, 10)
EXTRACT = {"filesystem": {"bucket_url": "/x", "format": "csv"}}


def day(number):
    return dt.date(2024, 1, number)


@pytest.mark.parametrize(
    ("schedule", "days", "missing", "ranges"),
    [
        (None, set(), 0, []),
        (None, {day(1), day(2), day(5)}, 2, ["2024-01-03/2024-01-04"]),
        ("15 2 * * *", {day(1), day(2), day(5)}, 6, ["2024-01-03/2024-01-04", "2024-01-06/2024-01-09"]),
        ("15 2 * * *", set(), 9, ["2024-01-01/2024-01-09"]),
        ("15 2 * * *", {day(n) for n in range(1, 11)}, 0, []),
    ],
)
def test_days_without_an_object_are_missing_up_to_yesterday_where_a_schedule_promises_them(
    schedule, days, missing, ranges
):
    config = SourceConfig("things", START, schedule, EXTRACT)
    assert find_missing(config, days, TODAY) == {"missing": missing, "missing_days": ranges}


def test_objects_that_a_former_contract_loaded_are_counted(keyed, loader_connection, monkeypatch):
    contract = keyed.contract
    monkeypatch.setattr(standing, "load_source_config", lambda name: SourceConfig(name, START))
    row = {"id": "a", "n": 1, "v": 1, "at": "2024-01-03T10:00:00Z"}
    keyed.put(day(3), "20240103T000000000000Z", [row])
    keyed.load(day(3), day(4))
    found = read_standing(loader_connection, {contract.name: contract})[contract.name]
    assert found == {"former": 0, "missing": 2, "missing_days": ["2024-01-01/2024-01-02"]}
    mended = replace(contract, hash="another")
    assert read_standing(loader_connection, {contract.name: mended})[contract.name]["former"] == 1


def test_a_day_of_which_everything_is_set_aside_is_missing(keyed, loader_connection, monkeypatch):
    monkeypatch.setattr(standing, "load_source_config", lambda name: SourceConfig(name, START))
    keyed.put(day(3), "20240103T000000000000Z", [])
    keyed.s3.put_object(Bucket=keyed.bucket, Key=f"raw/{keyed.contract.name}/2024/01/02/", Body=b"")
    assert keyed.load(day(1), day(4)).bad == 1
    found = read_standing(loader_connection, {keyed.contract.name: keyed.contract})[keyed.contract.name]
    assert (found["missing"], found["missing_days"]) == (2, ["2024-01-01/2024-01-02"])


def test_objects_that_lie_in_no_day_are_counted_where_others_put_them(keyed, monkeypatch):
    name, s3, bucket = keyed.contract.name, keyed.s3, keyed.bucket
    keyed.put(day(3), "20240103T000000000000Z", [])
    for rest in ("2024/01/03/data_x.csv", "part-0.parquet", "2024-01-03/data_x.parquet", "2024/01/"):
        s3.put_object(Bucket=bucket, Key=f"raw/{name}/{rest}", Body=b"")
    monkeypatch.setattr(standing, "load_source_config", lambda name: SourceConfig(name, START))
    found = standing.find_undated(s3, bucket, name)
    assert found == {"undated": 2, "undated_key": f"raw/{name}/2024-01-03/data_x.parquet"}
    monkeypatch.setattr(standing, "load_source_config", lambda name: SourceConfig(name, START, extract=EXTRACT))
    assert standing.find_undated(s3, bucket, name) == {"undated": 0, "undated_key": None}
