"""Which days a source lacks, and which objects a former contract loaded."""

import datetime as dt
from dataclasses import replace

import pytest

from lambdas.common.db.prove import EVER, Proof
from lambdas.common.source import SourceConfig
from lambdas.process import standing
from lambdas.process.reports import list_lake
from lambdas.process.standing import find_missing, find_unlanded, read_standing
from tests.process.test_prove import proof_of

START, NOW = dt.date(2024, 1, 1), dt.datetime(2024, 1, 10, 12, tzinfo=dt.UTC)
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
    assert find_missing(config, days, NOW) == {"missing": missing, "missing_days": ranges}


@pytest.mark.parametrize(
    ("at", "last"),
    [("2024-01-10T00:00", 8), ("2024-01-10T02:15", 8), ("2024-01-10T03:14", 8), ("2024-01-10T03:15", 9)],
)
def test_yesterday_is_missing_an_hour_after_the_tick_that_lands_it(at, last):
    now = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    config = SourceConfig("things", START, "15 2 * * *", EXTRACT)
    assert find_missing(config, {day(1)}, now)["missing_days"] == [f"2024-01-02/2024-01-{last:02}"]


def unlanded(config, known, *, days=EVER, followed=None):
    proof = Proof(0, 0, 0, 0, (), (), (), days=frozenset(known), followed=followed)
    return find_unlanded(config, proof, days, NOW)


def test_days_that_nobody_ever_landed_are_found_among_the_days_of_the_pass():
    config = SourceConfig("things", START, "15 2 * * *", EXTRACT)
    known = {day(1), day(2), day(4), day(5), day(7)}
    found = ["2024-01-03/2024-01-03", "2024-01-06/2024-01-06", "2024-01-08/2024-01-09"]
    assert unlanded(config, known, followed=day(2)) == {"unlanded": 4, "unlanded_days": found, "followed": "2024-01-02"}
    few = unlanded(config, known, days=(day(6), dt.date(2024, 1, 13)))
    assert few == {"unlanded": 3, "unlanded_days": found[1:], "followed": None}
    assert unlanded(replace(config, end=day(4)), known, followed=day(2))["unlanded_days"] == found[:1]
    assert unlanded(replace(config, start=day(8)), known, followed=day(2))["unlanded_days"] == found[2:]


def test_of_three_years_with_gaps_the_newest_ranges_are_told():
    config = SourceConfig("things", dt.date(2021, 1, 1), "15 2 * * *", EXTRACT)
    found = unlanded(config, [dt.date(2021, 1, 1) + dt.timedelta(days=n) for n in range(0, 1104, 2)])
    assert (found["unlanded"], len(found["unlanded_days"])) == (552, 6)
    assert found["unlanded_days"][-1] == "2024-01-09/2024-01-09"


def test_nothing_is_healed_where_nothing_lands_by_itself():
    whole = SourceConfig("things", START, None, EXTRACT, end=day(3))
    assert unlanded(whole, {day(1)}, followed=day(1)) == {
        "unlanded": 2, "unlanded_days": ["2024-01-02/2024-01-03"], "followed": None,
    }  # fmt: skip
    dropped = SourceConfig("things", START, end=day(3))
    assert unlanded(dropped, {day(1)}, followed=day(1))["unlanded"] == 0


def test_a_day_that_lake_or_ledger_know_is_not_unlanded(keyed):
    today = dt.datetime.now(dt.UTC).date()
    days = [today - dt.timedelta(days=n) for n in (9, 4, 3, 2, 1)]
    keys = [keyed.put(at, f"{at:%Y%m%d}T000000000000Z", []) for at in days[:4]]
    keyed.load(days[0], days[3])
    for gone in keys[:2]:
        keyed.s3.delete_object(Bucket=keyed.bucket, Key=gone)
    forgotten = "UPDATE ops.load_ledger SET status = 'forgotten' WHERE source = '{name}'"
    proof = proof_of(keyed, forgotten)
    assert proof.days == frozenset(days[:4])
    assert proof.followed == days[2], "what came four days late is history"
    assert list_lake(keyed.s3, keyed.bucket, keyed.contract.name, (days[3], days[4])).followed == days[3]


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


def test_objects_that_lie_in_no_day_are_counted(keyed):
    name, s3, bucket = keyed.contract.name, keyed.s3, keyed.bucket
    keyed.put(day(3), "20240103T000000000000Z", [])
    for rest in ("2024/01/03/data_x.csv", "part-0.parquet", "2024-01-03/data_x.parquet", "2024/01/"):
        s3.put_object(Bucket=bucket, Key=f"raw/{name}/{rest}", Body=b"")
    found = standing.find_undated(s3, bucket, name)
    assert found == {"undated": 2, "undated_key": f"raw/{name}/2024-01-03/data_x.parquet"}
    assert standing.find_undated(s3, bucket, "nothing_there") == {"undated": 0, "undated_key": None}
