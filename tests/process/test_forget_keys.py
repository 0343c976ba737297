"""Forgetting a key: its rows leave every place, those of other keys stay."""

import datetime as dt
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.common import source as sources
from lambdas.common.contract import load_contract
from lambdas.common.errors import RequestError
from lambdas.process import forget_key
from lambdas.process.forget_key import forget_rows
from lambdas.process.forgetting import Forgetter
from tests.process.forgetting import bytes_with, forget, forget_until_done, forgetter
from tests.process.test_load import DAY, NEXT, A, B, C, assert_equations_hold, row

SECOND = "20240302T000000000000Z"


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


@pytest.mark.long
@pytest.mark.parametrize("at", ["soon", None, "2024-02-30"])
def test_forgotten_key_leaves_rows_whose_time_cannot_be_read(keyed, at):
    keyed.put(DAY, A, [row("secret", at=at), row("a")])
    assert keyed.load(DAY).rows_rejected == 1
    assert bytes_with(keyed, "secret")
    done = forget(keyed, id="secret")
    assert (done.objects, done.rows) == (1, 1)
    assert bytes_with(keyed, "secret") == []
    assert keyed.rows() == [("a", 1, 1)]
    assert_equations_hold(keyed)


def test_forgotten_key_leaves_an_object_that_is_not_loaded_yet(keyed):
    keyed.put(DAY, A, [row("secret"), row("a")])
    assert forget(keyed, id="secret").rows == 1
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []


def begin_on(source, day: dt.date, monkeypatch, folder) -> None:
    """Give the source a defs.yaml: it has no days before that one."""
    path = folder / "sources" / source.contract.name / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"attributes: {{start: '{day}'}}")
    monkeypatch.setattr(sources, "assets_folder", lambda: folder)


@pytest.mark.long
def test_forgotten_key_leaves_objects_of_days_that_the_source_does_not_have_and_these_are_not_loaded(
    keyed, monkeypatch, tmp_path
):
    keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.put(DAY, B, [row("b")])
    keyed.put(NEXT, SECOND, [row("secret", n=2, at="2024-03-02"), row("d", at="2024-03-02")])
    keyed.load(NEXT)
    begin_on(keyed, NEXT, monkeypatch, tmp_path)
    assert forget(keyed, id="secret").rows == 2
    assert bytes_with(keyed, "secret") == []
    assert keyed.rows() == [("d", 1, 1)]
    assert {entry["raw_day"] for entry in keyed.ledger()} == {NEXT}


@pytest.mark.long
def test_forgotten_key_leaves_the_tables_that_hold_a_day_which_the_source_has_no_more(keyed, monkeypatch, tmp_path):
    keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.load(DAY)
    begin_on(keyed, NEXT, monkeypatch, tmp_path)
    assert forget(keyed, id="secret").rows == 1
    assert bytes_with(keyed, "secret") == []
    assert keyed.rows() == [("a", 1, 1)]
    assert_equations_hold(keyed)


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


@pytest.mark.long
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
def test_time_that_is_up_says_the_day_to_go_on_from(keyed):
    keyed.put(DAY, A, [row("secret")])
    keyed.put(NEXT, SECOND, [row("secret", at="2024-03-02")])
    keyed.load(DAY, dt.date(2024, 3, 3))
    late = forgetter(keyed, seconds=-1)
    assert forget_rows(late, {"id": "secret"}, dt.date.min).remaining in (DAY, NEXT)
    forget(keyed, id="secret")
    assert keyed.rows() == []


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
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
