"""The load: the tables are a function of the current raw objects, whatever happened on the way."""

import datetime as dt
import io

import pyarrow.parquet as pq

from tests.process.source import Source

DAY = dt.date(2024, 3, 1)
NEXT = dt.date(2024, 3, 2)
WEEK = dt.date(2024, 3, 8)
A, B, C = "20240301T000000000000Z", "20240301T000000000001Z", "20240301T010000000000Z"


def row(name: str, n: int | None = 1, v: int | None = 1, at: str = "2024-03-01T10:00:00Z") -> dict:
    return {"id": name, "n": n, "v": v, "at": at}


def assert_equations_hold(source: Source) -> None:
    """rows in = accepted + rejected; accepted = rows by _raw_key; keys in core = distinct keys in history."""
    newest = {e["raw_key"]: e for e in source.ledger()}
    table = "{history}" if source.contract.key else "{core}"
    found = source.select(f"SELECT _raw_key, COUNT(*) AS n FROM {table} GROUP BY _raw_key")
    held = {r["_raw_key"]: int(r["n"]) for r in found}
    for key, entry in newest.items():
        assert entry["rows_in"] == entry["rows_accepted"] + entry["rows_rejected"], key
        assert held.pop(key, 0) == entry["rows_accepted"], key
    assert not held, "rows of objects that the ledger does not know"
    if source.contract.key == ("id",):
        keys = source.select("SELECT COUNT(DISTINCT id) AS n FROM {history}")[0]["n"]
        assert len(source.rows()) == len({r[0] for r in source.rows()}) == keys


def test_rows_arrive_once_however_often_they_are_asked_for(keyed):
    keyed.put(DAY, A, [row("a"), row("b")])
    first, second = keyed.load(DAY), keyed.load(DAY)
    assert (first.objects, first.rows_accepted, first.skipped) == (1, 2, 0)
    assert (second.objects, second.rows_accepted, second.skipped) == (0, 0, 1)
    assert keyed.rows() == [("a", 1, 1), ("b", 1, 1)]
    assert len(keyed.ledger()) == 1
    assert_equations_hold(keyed)


def test_greatest_version_wins_in_any_order(keyed):
    keyed.put(DAY, B, [row("a", n=2, v=5)])
    keyed.load(DAY)
    keyed.put(DAY, A, [row("a", n=9, v=3)])
    keyed.put(DAY, C, [row("a", n=7, v=None)])
    keyed.load(DAY)
    assert keyed.rows() == [("a", 2, 5)]
    assert_equations_hold(keyed)


def test_without_a_version_the_last_raw_key_and_row_win(make_source):
    source = make_source()
    source.put(DAY, B, [row("a", n=1), row("a", n=2)])
    source.load(DAY)
    source.put(DAY, A, [row("a", n=9)])
    source.load(DAY)
    assert source.rows() == [("a", 2, 1)]


def test_overwritten_object_is_replaced_and_its_former_keys_are_decided_anew(keyed):
    keyed.put(DAY, A, [row("a", n=1, v=1), row("b", n=1, v=1)])
    keyed.put(DAY, B, [row("a", n=2, v=2)])
    keyed.load(DAY)
    keyed.put(DAY, B, [row("c", n=3, v=3)])
    keyed.load(DAY)
    assert keyed.rows() == [("a", 1, 1), ("b", 1, 1), ("c", 3, 3)]
    assert_equations_hold(keyed)


def test_content_that_comes_back_is_loaded_again(keyed):
    for n in (1, 2, 1):
        keyed.put(DAY, A, [row("a", n=n)])
        keyed.load(DAY)
    assert keyed.rows() == [("a", 1, 1)]
    assert len(keyed.ledger()) == 3
    assert_equations_hold(keyed)


def test_event_that_moves_to_another_day_leaves_no_row_behind(keyed):
    keyed.put(DAY, A, [row("a", v=1)])
    keyed.load(DAY)
    keyed.put(NEXT, "20240302T000000000000Z", [row("a", n=2, v=2, at="2024-03-02T01:00:00Z")])
    keyed.load(NEXT)
    assert keyed.select("SELECT id, at FROM {core}") == [{"id": "a", "at": dt.datetime(2024, 3, 2, 1)}]


def test_time_in_the_key_keeps_both_hours_and_replaces_one(make_source):
    source = make_source(time_in_key=True, version=True)
    late = row("a", n=2, at="2024-03-01T11:00:00Z")
    source.put(DAY, A, [row("a", n=1), late])
    source.load(DAY)
    source.put(DAY, B, [late | {"n": 5, "v": 2}])
    source.load(DAY)
    assert source.rows() == [("a", 1, 1), ("a", 5, 2)]


def test_keyless_source_keeps_equal_rows_and_replaces_by_object(make_source):
    source = make_source(keyed=False)
    source.put(DAY, A, [row("a"), row("a")])
    source.put(DAY, B, [row("b")])
    source.load(DAY)
    source.put(DAY, A, [row("a"), row("z")])
    source.load(DAY)
    assert source.rows() == [("a", 1, 1), ("b", 1, 1), ("z", 1, 1)]
    assert_equations_hold(source)


def test_deleted_object_changes_no_table(keyed):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    keyed.load(DAY)
    assert keyed.rows() == [("a", 1, 1)]


def test_rejected_rows_are_kept_with_their_reasons_and_counted(keyed):
    keyed.put(DAY, A, [row("a"), row("b", n=101), row(None)])
    summary = keyed.load(DAY)
    assert (summary.rows_in, summary.rows_accepted, summary.rows_rejected) == (3, 1, 2)
    entry = keyed.ledger()[0]
    body = keyed.s3.get_object(Bucket=keyed.bucket, Key=entry["rejected_key"])["Body"].read()
    rejected = pq.read_table(io.BytesIO(body)).to_pylist()
    assert [(r["raw_row"], r["reasons"][0]["rule"]) for r in rejected] == [(1, "maximum"), (2, "required")]
    assert_equations_hold(keyed)


def test_bad_object_is_set_aside_with_a_reason_and_the_others_load(keyed):
    keyed.put_bytes(DAY, A, b"PAR1 cut off")
    keyed.put(DAY, B, [row("b")])
    summary = keyed.load(DAY)
    assert (summary.bad, summary.rows_accepted) == (1, 1)
    bad = next(e for e in keyed.ledger() if e["status"] == "bad")
    assert "no readable Parquet" in bad["reason"]
    assert "/" not in bad["reason"], "where the function keeps it means nothing to anybody"
    assert keyed.load(DAY).skipped == 2
    assert_equations_hold(keyed)


def test_empty_object_proves_an_empty_day(keyed):
    keyed.put(DAY, A, [])
    keyed.load(DAY)
    assert [(e["status"], e["rows_in"]) for e in keyed.ledger()] == [("loaded", 0)]


def test_rows_of_another_day_are_loaded_and_counted_as_late(keyed):
    keyed.put(NEXT, "20240302T000000000000Z", [row("a")])
    assert keyed.load(NEXT).rows_late == 1
    assert keyed.rows() == [("a", 1, 1)]


def test_curated_file_is_never_written_twice(keyed):
    for n in (1, 2, 1):
        keyed.put(DAY, A, [row("a", n=n)])
        keyed.load(DAY)
    prefix = f"curated/{keyed.contract.name}/"
    versions = keyed.s3.list_object_versions(Bucket=keyed.bucket, Prefix=prefix)["Versions"]
    assert len(versions) == 2 == len({v["Key"] for v in versions})
