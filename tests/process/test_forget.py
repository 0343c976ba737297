"""Forgetting: rows leave raw, curated, rejected, history and core; a crash on the way is completed by asking again."""

import datetime as dt
import io
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import RequestError, WarehouseBusy
from lambdas.common.settings import Settings
from lambdas.process import forget_key, forgetting
from lambdas.process.erase import derived_from
from lambdas.process.forget_key import forget_rows
from lambdas.process.forgetting import Forgetter, Forgotten
from tests.process.source import Source
from tests.process.test_load import DAY, NEXT, A, B, C, assert_equations_hold, row

SECOND = "20240302T000000000000Z"


def forgetter(source: Source, seconds: float = 60) -> Forgetter:
    settings = Settings("local", source.bucket)
    return Forgetter(source.s3, settings, source.warehouse, source.contract, "", time.monotonic() + seconds)


def forget_until_done(source: Source, key: dict[str, str], most: int = 9) -> list[int]:
    """Calls until nothing remains, each told where the last one stopped; the rows of each."""
    rows, day, after = [], dt.date.min, ""
    for _ in range(most):
        done = forget_rows(forgetter(source), key, day, after)
        rows.append(done.rows)
        if done.remaining is None:
            return rows
        day, after = done.remaining, done.after
    raise AssertionError(f"no end after {most} calls: {rows}")


def forget(source: Source, raw_key: str | None = None, **values: Any) -> Forgotten:
    if raw_key:
        return forgetter(source).forget_object(raw_key)
    return forget_rows(forgetter(source), values, dt.date.min)


def versions(source: Source, zone: str) -> list[dict[str, Any]]:
    reply = source.s3.list_object_versions(Bucket=source.bucket, Prefix=f"{zone}/{source.contract.name}/")
    assert not reply.get("DeleteMarkers"), "a delete marker hides what it should delete"
    return list(reply.get("Versions", []))


def bytes_with(source: Source, word: str) -> list[str]:
    """Keys of all versions of Parquet files in the lake that show the word in any column."""
    found = []
    for zone in ("raw", "curated", "rejected"):
        for v in versions(source, zone):
            reply = source.s3.get_object(Bucket=source.bucket, Key=v["Key"], VersionId=v["VersionId"])
            if word in str(pq.read_table(io.BytesIO(reply["Body"].read())).to_pylist()):
                found.append(v["Key"])
    return found


def test_forgotten_object_leaves_lake_and_tables_and_its_keys_are_decided_anew(keyed):
    keyed.put(DAY, A, [row("a", n=1, v=1)])
    for n in (7, 8):
        gone = keyed.put(DAY, B, [row("a", n=n, v=2), row("secret"), row("bad", n=101)])
        keyed.load(DAY)
    done = forget(keyed, gone)
    assert (done.objects, done.rows) == (1, 3)
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []
    assert [e["status"] for e in keyed.ledger()] == ["loaded", "loaded", "loaded", "forgotten"]
    assert keyed.load(DAY).skipped == 1
    assert_equations_hold(keyed)


def test_object_forgotten_twice_is_forgotten_once(keyed):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    forget(keyed, key)
    entries = len(keyed.ledger())
    again = forget(keyed, key)
    assert (again.objects, again.rows, again.versions) == (0, 0, 0)
    assert len(keyed.ledger()) == entries


def test_object_that_is_put_again_after_it_was_forgotten_loads_again(keyed):
    for _ in range(2):
        key = keyed.put(DAY, A, [row("a")])
        assert keyed.load(DAY).objects == 1
        assert keyed.rows() == [("a", 1, 1)]
        forget(keyed, key)
        assert keyed.rows() == []
    assert_equations_hold(keyed)


@pytest.mark.long
def test_object_that_was_deleted_before_can_be_forgotten(make_source):
    source = make_source(keyed=False)
    key = source.put(DAY, A, [row("a")])
    source.load(DAY)
    source.s3.delete_object(Bucket=source.bucket, Key=key)
    assert forget(source, key).rows == 1
    assert source.rows() == versions(source, "raw") == []


@pytest.mark.long
def test_object_put_while_it_is_forgotten_is_forgotten_too(keyed, monkeypatch):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    original, puts = forgetting.delete_versions, []

    def delete_then_put(*args):
        count = original(*args)
        if not puts:
            puts.append(keyed.put(DAY, A, [row("b")]))
            keyed.load(DAY)
        return count

    monkeypatch.setattr(forgetting, "delete_versions", delete_then_put)
    forget(keyed, key)
    assert keyed.rows() == versions(keyed, "raw") == versions(keyed, "curated") == []


@pytest.mark.parametrize(
    "key", ["raw/other/2024/03/01/data_a.parquet", "raw/x", "raw/{name}/2024/03/01/data_no.parquet"]
)
def test_object_that_is_not_there_is_named(keyed, key: str):
    with pytest.raises(RequestError, match="raw"):
        forget(keyed, key.format(name=keyed.contract.name))


def test_forgotten_key_leaves_every_place_and_the_others_stay(keyed):
    keyed.put(DAY, A, [row("secret", n=1), row("a", n=1)])
    keyed.put(DAY, B, [row("b"), row("secret", n=101)])
    keyed.put(DAY, C, [row("c")])
    keyed.put(NEXT, SECOND, [row("secret", n=2, v=2, at="2024-03-02"), row("d", at="2024-03-02")])
    keyed.load(DAY, dt.date(2024, 3, 3))
    keyed.put(DAY, A, [row("a", n=2, v=2)])
    keyed.load(DAY)
    assert bytes_with(keyed, "secret")
    done = forget(keyed, id="secret")
    assert (done.objects, done.rows) == (3, 2), "two current objects, and one that held it before"
    assert keyed.rows() == [("a", 2, 2), ("b", 1, 1), ("c", 1, 1), ("d", 1, 1)]
    assert bytes_with(keyed, "secret") == []
    assert keyed.load(DAY, dt.date(2024, 3, 3)).objects == 0
    assert "secret" not in str(keyed.ledger())
    assert sum("forgotten" in (e["reason"] or "") for e in keyed.ledger()) == 2
    assert_equations_hold(keyed)
    again = forget(keyed, id="secret")
    assert (again.objects, again.rows, again.versions) == (0, 0, 0)


def test_forgotten_key_leaves_an_object_that_is_not_loaded_yet(keyed):
    keyed.put(DAY, A, [row("secret"), row("a")])
    assert forget(keyed, id="secret").rows == 1
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []


def test_forgotten_key_leaves_the_tables_where_the_raw_object_has_gone(keyed):
    key = keyed.put(DAY, A, [row("secret"), row("a"), row("secret", n=200)])
    keyed.put(DAY, B, [row("b")])
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    forget(keyed, id="secret")
    assert keyed.rows() == [("a", 1, 1), ("b", 1, 1)]
    found = keyed.s3.list_object_versions(Bucket=keyed.bucket, Prefix=key)
    assert not found.get("Versions")
    assert_equations_hold(keyed)


def test_forgotten_key_leaves_several_gone_objects_and_each_entry_counts_its_own(keyed):
    gone = [keyed.put(DAY, stamp, [row("secret"), row(other)]) for stamp, other in ((A, "a"), (B, "b"))]
    keyed.load(DAY)
    for key in gone:
        keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    assert forget(keyed, id="secret").rows == 2
    assert_equations_hold(keyed)
    assert [e["rows_accepted"] for e in keyed.ledger()] == [2, 2, 1, 1]


def test_gone_object_that_is_put_again_while_its_key_is_forgotten_is_left_to_the_next_call(keyed, monkeypatch):
    key = keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    original = Forgetter.in_transaction

    def put_again_first(self, *args):
        keyed.put(DAY, A, [row("secret"), row("a")])
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Forgetter, "in_transaction", put_again_first)
        assert forget(keyed, id="secret").remaining == DAY
    assert_equations_hold(keyed)
    assert forget(keyed, id="secret").rows == 1
    assert bytes_with(keyed, "secret") == []
    assert_equations_hold(keyed)


@pytest.mark.long
def test_reply_that_is_lost_takes_rows_of_a_gone_object_out_once(keyed, monkeypatch):
    key = keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    original = Forgetter.in_transaction
    monkeypatch.setattr(Forgetter, "in_transaction", lambda *args: (original(*args), original(*args))[1])
    assert forget(keyed, id="secret").rows == 1
    assert len(keyed.ledger()) == 2
    assert_equations_hold(keyed)


def test_key_of_several_columns_is_forgotten_exactly(make_source):
    source = make_source(time_in_key=True)
    source.put(DAY, A, [row("a"), row("a", n=2, at="2024-03-01T11:00:00Z"), row("b")])
    source.load(DAY)
    assert forget(source, id="a", at="2024-03-01T10:00:00Z").rows == 1
    assert source.rows() == [("a", 2, 1), ("b", 1, 1)]


@pytest.mark.parametrize(
    ("values", "words"),
    [({"id": None}, "key.id"), ({"n": 1}, "key names"), ({"id": "a", "x": "private"}, "key names"), ({}, "key names")],
)
def test_wrong_key_is_refused_without_showing_a_value(keyed, values: dict[str, Any], words: str):
    with pytest.raises(RequestError, match=words) as caught:
        forget(keyed, **values) if values else forget_rows(forgetter(keyed), {}, dt.date.min)
    assert "private" not in str(caught.value)


def test_source_without_a_key_says_how_to_forget(make_source):
    with pytest.raises(RequestError, match="by raw_key"):
        forget(make_source(keyed=False), id="a")


@pytest.mark.long
@pytest.mark.parametrize("step", ["_put", "loader.load", "delete_versions"])
def test_crash_at_any_step_is_completed_by_asking_again(keyed, monkeypatch, step: str):
    keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.load(DAY)

    def die(*args, **kwargs):
        raise WarehouseBusy("killed")

    with monkeypatch.context() as patch:
        if step == "delete_versions":
            patch.setattr(forget_key, step, die)
        elif step == "_put":
            patch.setattr(forget_key._Search, step, die)
        else:
            patch.setattr("lambdas.process.work.Loader.load", die)
        with pytest.raises(WarehouseBusy):
            forget(keyed, id="secret")
    forget(keyed, id="secret")
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []
    assert_equations_hold(keyed)


def test_object_that_is_overwritten_while_it_is_cleaned_keeps_the_newer_content(keyed, monkeypatch):
    keyed.put(DAY, A, [row("secret"), row("a", n=1)])
    keyed.load(DAY)
    original, puts = forget_key.KeyRows.write_without, []

    def overwrite_then_write(*args):
        original(*args)
        if not puts:
            puts.append(keyed.put(DAY, A, [row("secret"), row("a", n=9, v=9)]))

    monkeypatch.setattr(forget_key.KeyRows, "write_without", overwrite_then_write)
    forget(keyed, id="secret")
    assert keyed.rows() == [("a", 9, 9)]
    assert bytes_with(keyed, "secret") == []


@pytest.mark.long
def test_time_that_is_up_says_the_day_to_go_on_from(keyed):
    keyed.put(DAY, A, [row("secret")])
    keyed.put(NEXT, SECOND, [row("secret", at="2024-03-02")])
    keyed.load(DAY, dt.date(2024, 3, 3))
    late = forgetter(keyed, seconds=-1)
    assert forget_rows(late, {"id": "secret"}, dt.date.min).remaining in (DAY, NEXT)
    forget(keyed, id="secret")
    assert keyed.rows() == []


@pytest.mark.parametrize("zone", ["curated", "rejected"])
def test_derived_names_say_what_they_were_made_of(zone: str):
    folder, etag = "s/2024/03/01/", "0123456789abcdef0123456789abcdef-2"
    for tail in ("", "_01234567"):
        found = derived_from(f"{zone}/{folder}data_a_b_{etag}_0123456789ab{tail}.parquet")
        assert found
        assert (found.raw_key, found.etag) == (f"raw/{folder}data_a_b.parquet", etag)
    assert derived_from(f"{zone}/{folder}notes.txt") is None


def test_key_that_was_loaded_under_a_former_contract_is_forgotten_as_todays_contract_reads_it(keyed):
    keyed.put(DAY, A, [row("Secret"), row("b")])
    keyed.load(DAY)
    text = keyed.contract.path.read_text()
    rule = "primaryKeyPosition: 1, transformLogic: lower(id), transformSourceObjects: [id]"
    keyed.contract.path.write_text(text.replace("primaryKeyPosition: 1", rule))
    now = replace(keyed, contract=load_contract(keyed.contract.path))
    with pytest.raises(RequestError, match="rebuild"):
        forget(now, id="Secret")
    assert forget(now, id="secret").rows == 1
    assert now.rows() == [("b", 1, 1)]
    assert bytes_with(now, "Secret") == bytes_with(now, "secret") == []


def test_objects_of_one_day_that_take_several_calls_are_each_come_to(keyed, monkeypatch):
    for stamp in (A, B, C):
        keyed.put(DAY, stamp, [row("secret"), row(stamp[-4:]), row("bad", n=101)])
    keyed.load(DAY)
    original = forget_key._Search._clean

    def clean_as_time_runs_out(self, *args):
        original(self, *args)
        self._forgetter.deadline = time.monotonic()

    monkeypatch.setattr(forget_key._Search, "_clean", clean_as_time_runs_out)
    assert forget_until_done(keyed, {"id": "secret"}) == [1, 1, 1]
    assert bytes_with(keyed, "secret") == []
    assert_equations_hold(keyed)


def test_object_that_the_disk_does_not_hold_is_named_and_not_passed_over(keyed, monkeypatch):
    kept = keyed.put(DAY, A, [row("a")])
    large = keyed.put(DAY, B, [row("a"), *(row(f"b{number}") for number in range(500))])
    keyed.load(DAY)
    room = keyed.s3.head_object(Bucket=keyed.bucket, Key=kept)["ContentLength"] + 1
    monkeypatch.setattr(forget_key, "disk_usage", lambda _: SimpleNamespace(free=2 * room))
    with pytest.raises(RequestError, match=f"{large} has .* room for {room:,} .*--object"):
        forget(keyed, id="a")
    assert [line[0] for line in keyed.rows()].count("a") == 1
    monkeypatch.undo()
    assert forget(keyed, id="a").rows == 1
    assert bytes_with(keyed, "'a'") == []
