"""What happens beside a load: other loaders, objects that change meanwhile, connections that are lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lambdas.common.db.ledger import Entry, Stamp, append
from lambdas.common.db.redshift import execute, rollback
from lambdas.common.errors import WarehouseBusy
from lambdas.common.lake import list_raw
from lambdas.process import work
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager
from lambdas.process.work import Warehouse
from tests.process.test_load import DAY, NEXT, A, B, assert_equations_hold, row


def test_two_loaders_at_once_load_once(keyed):
    keyed.put(DAY, A, [row(str(i), n=1) for i in range(50)])
    threads = [threading.Thread(target=keyed.load, args=(DAY,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keyed.rows()) == 50
    assert len(keyed.ledger()) == 1
    assert_equations_hold(keyed)


def test_loader_waits_for_the_lock_and_then_sees_what_was_committed(keyed, loader_connection):
    keyed.put(DAY, A, [row("a")])
    execute(loader_connection, f"LOCK ops.lock_{keyed.contract.name}")
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(keyed.load(DAY).objects))
    waiting.start()
    waiting.join(timeout=1.5)
    assert waiting.is_alive(), "the load did not wait for the lock"
    rollback(loader_connection)
    waiting.join(timeout=30)
    assert results == [1]


def test_what_another_loader_commits_while_one_waits_is_seen_at_once(keyed, loader_connection, monkeypatch):
    """The lock comes before the snapshot: one attempt is enough, no conflict has to save the day."""
    key = keyed.put(DAY, A, [row("a")])
    etag = keyed.s3.head_object(Bucket=keyed.bucket, Key=key)["ETag"].strip('"')
    attempts: list[int] = []
    original = work.commit
    monkeypatch.setattr(work, "commit", lambda *args: (attempts.append(1), original(*args))[1])
    execute(loader_connection, f"LOCK ops.lock_{keyed.contract.name}")
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(keyed.load(DAY).skipped))
    waiting.start()
    waiting.join(timeout=1.5)
    stamp = Stamp(keyed.contract.name, "another", 1, "another loader")
    append(loader_connection, stamp, [Entry(key, DAY, etag, keyed.contract.hash, "loaded")])
    loader_connection.commit()
    waiting.join(timeout=30)
    assert (results, attempts) == ([1], [1])


def test_object_is_read_only_as_it_was_listed(keyed, tmp_path):
    keyed.put(DAY, A, [row("a")])
    listed = list_raw(keyed.s3, keyed.bucket, keyed.contract.name, DAY, NEXT)
    keyed.put(DAY, A, [row("b")])
    with open_engine(tmp_path) as connection:
        engine = Engine(connection, keyed.contract)
        stager = Stager(keyed.s3, keyed.bucket, keyed.contract, engine, tmp_path)
        assert stager.stage(listed).staged == []


def test_object_overwritten_while_it_is_staged_is_loaded_as_it_is_at_the_end(keyed, monkeypatch):
    keyed.put(DAY, A, [row("a", n=1)])
    keyed.put(DAY, B, [row("z")])
    original = work.stage

    def overwrite_then_stage(*args):
        monkeypatch.setattr(work, "stage", original)
        keyed.put(DAY, A, [row("b", n=2)])
        original(*args)

    monkeypatch.setattr(work, "stage", overwrite_then_stage)
    keyed.load(DAY)
    assert keyed.rows() == [("b", 2, 1), ("z", 1, 1)]
    assert_equations_hold(keyed)


@pytest.mark.parametrize("reply", ["before", "after"])
def test_connection_lost_around_the_commit_neither_loses_nor_doubles(keyed, monkeypatch, reply: str):
    keyed.put(DAY, A, [row("a"), row("b")])
    original: Callable = work.commit
    calls = []

    def lose_once(*args):
        calls.append(reply)
        if len(calls) > 1:
            return original(*args)
        if reply == "after":
            original(*args)
        args[0].close()
        raise WarehouseBusy("server socket closed")

    monkeypatch.setattr(work, "commit", lose_once)
    summary = keyed.load(DAY)
    assert len(calls) == 2
    assert (summary.objects, summary.rows_accepted) == (1, 2)
    assert keyed.rows() == [("a", 1, 1), ("b", 1, 1)]
    assert len(keyed.ledger()) == 1


def test_content_that_comes_back_while_it_is_staged_is_decided_by_the_latest_entry(keyed, monkeypatch):
    """A is staged, B is loaded by another, A lies there again: the entry of A in between counts no more."""
    keyed.put(DAY, A, [row("a", n=1)])
    keyed.load(DAY)
    keyed.put(DAY, A, [row("b", n=2)])
    keyed.load(DAY)
    keyed.put(DAY, A, [row("a", n=1)])
    original = work.stage

    def another_loads_then_stage(*args):
        monkeypatch.setattr(work, "stage", original)
        keyed.put(DAY, A, [row("c", n=3)])
        keyed.load(DAY)
        keyed.put(DAY, A, [row("a", n=1)])
        original(*args)

    monkeypatch.setattr(work, "stage", another_loads_then_stage)
    keyed.load(DAY)
    assert keyed.rows() == [("a", 1, 1)]
    assert [e["generation"] for e in keyed.ledger()] == [1, 2, 3, 4]
    assert_equations_hold(keyed)


def test_older_listing_that_arrives_late_changes_nothing(keyed, monkeypatch):
    keyed.put(DAY, A, [row("old")])
    original = work.list_raw
    listed = original(keyed.s3, keyed.bucket, keyed.contract.name, DAY, NEXT)
    keyed.put(DAY, A, [row("new")])
    keyed.load(DAY)
    listings = iter([listed])
    monkeypatch.setattr(work, "list_raw", lambda *args: next(listings, None) or original(*args))
    assert keyed.load(DAY).objects == 0
    assert keyed.rows() == [("new", 1, 1)]


def test_object_deleted_while_it_is_staged_does_not_load_and_nothing_fails(keyed, monkeypatch):
    key = keyed.put(DAY, A, [row("a")])
    original = work.stage

    def delete_then_stage(*args):
        keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
        original(*args)

    monkeypatch.setattr(work, "stage", delete_then_stage)
    assert keyed.load(DAY).objects == 0
    assert keyed.rows() == keyed.ledger() == []


def test_reply_that_was_lost_counts_also_when_the_object_was_overwritten_meanwhile(keyed, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    original, calls = work.commit, []

    def lose_once_and_overwrite(*args):
        calls.append(1)
        done = original(*args)
        if len(calls) == 1:
            keyed.put(DAY, A, [row("b")])
            args[0].close()
            raise WarehouseBusy("server socket closed")
        return done

    monkeypatch.setattr(work, "commit", lose_once_and_overwrite)
    assert keyed.load(DAY).objects == 2, "the first content was loaded as well as the second"
    assert keyed.rows() == [("b", 1, 1)]


def test_connection_lost_while_it_looks_what_there_is_to_do_is_opened_anew(keyed, monkeypatch):
    original = Warehouse.session
    looks: list[str] = []

    @contextmanager
    def session(self: Warehouse, name: str, seconds: float | None = None) -> Iterator[Any]:
        with original(self, name, seconds) as connection:
            looks.extend([name] if name.startswith("look ") else [])
            if len(looks) == 1 and name.startswith("look "):
                connection.close()
            yield connection

    monkeypatch.setattr(Warehouse, "session", session)
    keyed.put(DAY, A, [row("a")])
    assert keyed.load(DAY).objects == 1
    assert len(looks) == 3, "once in vain, once before the load, once after it"
