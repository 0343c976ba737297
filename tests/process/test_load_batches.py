"""Batches: what one transaction takes, what happens when one is refused, and what fits the time."""

import datetime as dt
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.common.db import ddl, load
from lambdas.common.db.redshift import autocommit, execute, query, rollback
from lambdas.common.errors import LoadError, WarehouseBusy
from lambdas.common.lake import RawObject, list_days
from lambdas.common.settings import Settings
from lambdas.process import objects, requests, work
from scripts.functions import Function
from tests.process.source import Source
from tests.process.test_load import DAY, NEXT, WEEK, A, B, C, assert_equations_hold, row


def put_days(source: Source, days: int) -> None:
    for day in range(1, days + 1):
        stamp, at = f"2024030{day}T000000000000Z", f"2024-03-0{day}T00:00:00Z"
        source.put(dt.date(2024, 3, day), stamp, [row(f"k{day}", at=at)])


def test_many_days_in_batches_commit_one_by_one(keyed, monkeypatch):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 2)
    for day in range(1, 6):
        stamp, at = f"2024030{day}T000000000000Z", f"2024-03-0{day}T00:00:00Z"
        keyed.put(dt.date(2024, 3, day), stamp, [row(f"k{day}", at=at)])
    assert keyed.load(DAY, WEEK).objects == 5
    assert [e["generation"] for e in keyed.ledger()] == [1, 1, 2, 2, 3]
    assert_equations_hold(keyed)


@pytest.mark.long
def test_three_years_of_days_are_three_transactions_with_a_copy_each(make_source):
    years, first = make_source(), dt.date(2021, 3, 1)
    days = [first + dt.timedelta(days=n) for n in range(3 * 365 + 1)]
    for day in days:
        years.put(day, f"{day:%Y%m%d}T000000000000Z", [row(f"k{day:%y%m%d}", at=f"{day}T00:00:00Z")])
    years.loader.load(work.Request(first, dt.date(2024, 3, 1), "tests", "", time.monotonic() + 600))
    assert len(years.rows()) == len(days)
    assert {entry["generation"] for entry in years.ledger()} == {1, 2, 3}
    copies = "SELECT query_text FROM sys_query_history WHERE query_type = 'COPY' AND query_text LIKE '%%{name}/%%'"
    assert len(years.select(copies)) == 3
    assert_equations_hold(years)


def test_time_that_is_up_leaves_the_rest_to_be_asked_for(keyed, monkeypatch):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 1)
    keyed.put(DAY, A, [row("a")])
    keyed.put(NEXT, "20240302T000000000000Z", [row("b", at="2024-03-02")])
    original = work.commit

    def commit_as_time_runs_out(*args):
        monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: 100.0, sleep=time.sleep))
        return original(*args)

    monkeypatch.setattr(work, "commit", commit_as_time_runs_out)
    request = work.Request(DAY, WEEK, "tests", "", deadline=99.0)
    monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=time.sleep))
    assert keyed.loader.load(request).remaining == NEXT
    monkeypatch.undo()
    assert keyed.load(NEXT, WEEK).objects == 1
    assert keyed.rows() == [("a", 1, 1), ("b", 1, 1)]


def test_files_that_hold_other_numbers_of_rows_than_they_should_do_not_load(keyed, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    original = work.Manifest
    monkeypatch.setattr(work, "Manifest", lambda url, rows: original(url, rows + 1))
    with pytest.raises(LoadError, match="COPY took 1 rows"):
        keyed.load(DAY)
    assert keyed.ledger() == []


def test_server_ends_a_statement_that_outlasts_the_function(keyed, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    limits: list[str] = []
    original = work.commit

    def look_and_commit(connection, *args):
        limits.append(str(query(connection, "SHOW statement_timeout")[0]["statement_timeout"]))
        rollback(connection)
        return original(connection, *args)

    monkeypatch.setattr(work, "commit", look_and_commit)
    keyed.load(DAY)
    assert limits[0] not in ("0", "off"), "no limit is set"


def test_time_that_is_up_while_staging_commits_what_is_staged(keyed, monkeypatch):
    put_days(keyed, 3)
    clock = [0.0]
    split = objects.Stager._split

    def split_slowly(*args):
        clock[0] += 30
        return split(*args)

    monkeypatch.setattr(objects.Stager, "_split", split_slowly)
    for module in (work, objects):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    # Staging ends in time for the commit: after the second object, at 60 s of 50; the third is a batch of its own.
    request = work.Request(DAY, WEEK, "tests", "", deadline=50.0 + work.TIME_TO_COMMIT)
    monkeypatch.setattr(work, "commit", lambda connection, batch, stamp: _unlimited(connection, batch, stamp))
    assert keyed.loader.load(request).remaining is None
    assert [e["generation"] for e in keyed.ledger()] == [1, 1, 2]


def _unlimited(connection: Any, batch: load.Batch, stamp: Any) -> load.Loaded:
    return load.commit(connection, replace(batch, limit=time.monotonic() + 60), stamp)


def test_crash_between_batches_leaves_a_truthful_ledger(keyed, monkeypatch):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 1)
    put_days(keyed, 3)
    original, commits = work.commit, []

    def die_at_the_second(*args):
        commits.append(1)
        if len(commits) == 2:
            raise LoadError("killed")
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(work, "commit", die_at_the_second)
        with pytest.raises(LoadError):
            keyed.load(DAY, WEEK)
    assert [e["raw_day"] for e in keyed.ledger()] == [DAY]
    assert_equations_hold(keyed)
    assert keyed.load(DAY, WEEK).objects == 2
    assert len(keyed.rows()) == 3


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """COPY refuses an id of more than three bytes, which the contract allows."""
    original = ddl.staging_table
    monkeypatch.setattr(ddl, "staging_table", lambda contract: original(contract).replace("varchar(8)", "varchar(3)"))


def test_object_that_copy_refuses_is_found_and_set_aside_and_the_others_load(keyed, narrow):
    refused = keyed.put(DAY, B, [row("b"), row("longer")])
    for stamp, name in ((A, "a"), (C, "c")):
        keyed.put(DAY, stamp, [row(name)])
    keyed.put(NEXT, "20240302T000000000000Z", [row("d", at="2024-03-02")])
    summary = keyed.load(DAY, WEEK)
    assert (summary.objects, summary.bad, summary.rows_accepted) == (4, 1, 3)
    bad = [e for e in keyed.ledger() if e["status"] == "bad"]
    assert [e["raw_key"] for e in bad] == [refused]
    assert "length of the data column id" in bad[0]["reason"]
    assert keyed.rows() == [("a", 1, 1), ("c", 1, 1), ("d", 1, 1)]
    assert keyed.load(DAY, WEEK).skipped == 4
    assert_equations_hold(keyed)


@pytest.mark.long
def test_rows_of_an_object_leave_when_its_new_content_is_refused(keyed, narrow):
    keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    keyed.put(DAY, A, [row("longer")])
    keyed.load(DAY)
    assert keyed.rows() == []
    assert_equations_hold(keyed)


def test_tables_that_do_not_fit_the_contract_stop_the_load_and_no_object_is_to_blame(keyed):
    wider = replace(keyed.contract.columns[0], physical_type="varchar(16)")
    contract = replace(keyed.contract, columns=(wider, *keyed.contract.columns[1:]))
    source = replace(keyed, loader=work.Loader(keyed.s3, Settings("local", keyed.bucket), keyed.warehouse, contract))
    source.put(DAY, A, [row("longer than 8")])
    with pytest.raises(LoadError, match="run migrate"):
        source.load(DAY)
    assert source.ledger() == []


@pytest.mark.long
def test_source_that_was_not_migrated_stops_the_load(keyed):
    keyed.put(DAY, A, [row("a")])
    with keyed.warehouse.session("tests") as connection, autocommit(connection):
        execute(connection, f"ALTER TABLE core.{keyed.contract.name} RENAME TO {keyed.contract.name}_away")
    with pytest.raises(LoadError, match="42P01"):
        keyed.load(DAY)
    assert keyed.ledger() == []


def test_statement_that_was_cancelled_is_tried_once_more(keyed, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    original, calls = work.stage, []

    def sleep_then_stage(connection, *args):
        calls.append(1)
        if len(calls) == 1:
            with autocommit(connection):
                execute(connection, "SET statement_timeout TO 1")
        original(connection, *args)

    monkeypatch.setattr(work, "stage", sleep_then_stage)
    assert keyed.load(DAY).objects == 1
    assert len(calls) == 2


class Listings:
    """An S3 that only lists, and remembers the prefixes."""

    def __init__(self) -> None:
        self.prefixes: list[str] = []

    def get_paginator(self, name: str) -> "Listings":
        return self

    def paginate(self, **options: Any) -> list[dict[str, Any]]:
        self.prefixes.append(options["Prefix"])
        return []


def test_under_the_lock_only_days_of_the_batch_are_listed_and_many_of_a_month_at_once():
    s3 = Listings()
    month = [dt.date(2013, 5, day) for day in range(1, 29)]
    list_days(s3, "lake", "s", {dt.date(2013, 1, 1), dt.date(2015, 12, 31), *month})
    assert sorted(s3.prefixes) == ["raw/s/2013/01/01/", "raw/s/2013/05/", "raw/s/2015/12/31/"]


def test_batch_takes_one_object_at_least_and_no_more_than_one_copy_takes():
    big, small = work.BATCH_BYTES * 2, 1

    def sizes(*found: int) -> int:
        now = dt.datetime.now(dt.UTC)
        return len(work.first_batch([RawObject(str(n), "e", size, now) for n, size in enumerate(found)]))

    assert sizes(big, small) == 1
    assert sizes(small, small, big) == 2
    assert sizes(*[small] * (work.BATCH_OBJECTS + 1)) == work.BATCH_OBJECTS


def test_first_load_of_an_object_looks_for_nothing_to_replace(keyed, monkeypatch):
    sent: list[str] = []
    original: Callable[..., int] = load.execute
    monkeypatch.setattr(
        load, "execute", lambda connection, sql, args=(): (sent.append(sql), original(connection, sql, args))[1]
    )
    keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    assert not [sql for sql in sent if "DELETE" in sql and "history" in sql]
    keyed.put(DAY, A, [row("b")])
    keyed.load(DAY)
    assert [sql for sql in sent if "DELETE" in sql and "history" in sql]
    assert keyed.rows() == [("b", 1, 1)]


@pytest.mark.long
def test_busy_source_comes_out_as_busy(keyed, loader_connection, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    monkeypatch.setattr("lambdas.common.db.lock.PATIENCE_SECONDS", 1)
    execute(loader_connection, f"LOCK ops.lock_{keyed.contract.name}")
    monkeypatch.setattr(work, "TIME_TO_COMMIT", 11)
    with pytest.raises(WarehouseBusy, match="another load of"):
        keyed.loader.load(work.Request(DAY, NEXT, "tests", "", time.monotonic() + 1))
    rollback(loader_connection)


@pytest.mark.parametrize("action", ["load", "rebuild"])
def test_day_that_takes_three_calls_is_brought_to_its_end(keyed, monkeypatch, action: str):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 1)
    for stamp in (A, B, C):
        keyed.put(DAY, stamp, [row(stamp[-4:])])
    original = work.commit

    def commit_as_time_runs_out(*args):
        monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
        return original(*args)

    def invoke(**call: str) -> dict[str, Any]:
        monkeypatch.setattr(work, "time", time)
        answer = requests.load_days(json.loads(call["Payload"]), "r", time.monotonic() + 60)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    monkeypatch.setattr(work, "commit", commit_as_time_runs_out)
    monkeypatch.setattr(requests, "load_source", lambda _: keyed.contract)
    monkeypatch.setattr(requests, "_loader", lambda _: keyed.loader)
    event = {"action": action, "source": keyed.contract.name, "start": str(DAY), "end": str(NEXT)}
    answers = list(Function(SimpleNamespace(invoke=invoke), "process").answers(event))
    assert [answer["objects"] for answer in answers] == [1, 1, 1]
