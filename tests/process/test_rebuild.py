"""Rebuilding: what is in force is loaded once more, by today's contract."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

from lambdas.common.settings import Settings
from lambdas.process import work
from tests.process.test_load import DAY, NEXT, WEEK, A, assert_equations_hold, row
from tests.process.test_load_batches import put_days


def test_rebuild_loads_what_is_in_force_once_more_and_each_object_once(keyed, monkeypatch):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 1)
    put_days(keyed, 3)
    keyed.load(DAY, WEEK)

    def rebuild(former: work.Summary | None = None) -> work.Summary:
        goes_on = {"load_id": former.load_id, "since": former.since} if former else {}
        return keyed.loader.load(work.Request(DAY, WEEK, "tests", "", time.monotonic() + 60, anew=True, **goes_on))

    original = work.commit

    def commit_as_time_runs_out(*args):
        monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
        return original(*args)

    monkeypatch.setattr(work, "commit", commit_as_time_runs_out)
    first = rebuild()
    assert (first.objects, first.remaining) == (1, NEXT)
    monkeypatch.undo()
    second = rebuild(first)
    assert (second.objects, second.skipped, second.remaining) == (2, 1, None)
    assert [e["load_id"] for e in keyed.ledger()][3:] == [first.load_id] * 3
    assert len(keyed.rows()) == 3
    assert_equations_hold(keyed)


def test_two_rebuilds_at_once_do_not_undo_each_other(keyed, monkeypatch):
    monkeypatch.setattr(work, "BATCH_OBJECTS", 1)
    put_days(keyed, 6)
    keyed.load(DAY, WEEK)

    since = keyed.ledger()[-1]["generation"]

    def rebuild(_number: int) -> work.Summary:
        return keyed.loader.load(work.Request(DAY, WEEK, "tests", "", time.monotonic() + 60, anew=True, since=since))

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(rebuild, range(2)))
    assert [summary.remaining for summary in done] == [None, None]
    before, after = keyed.ledger()[:6], keyed.ledger()[6:]
    assert sorted(e["raw_key"] for e in after) == sorted(e["raw_key"] for e in before), "by one of the two alone"
    assert_equations_hold(keyed)


def test_rebuild_goes_by_todays_contract(keyed):
    keyed.put(DAY, A, [row("a", n=1), row("b", n=50)])
    keyed.load(DAY)
    stricter = replace(keyed.contract.columns[2], maximum=10)
    contract = replace(
        keyed.contract, columns=(*keyed.contract.columns[:2], stricter, keyed.contract.columns[3]), hash="0" * 12
    )
    loader = work.Loader(keyed.s3, Settings("local", keyed.bucket), keyed.warehouse, contract)
    request = work.Request(DAY, NEXT, "tests", "", time.monotonic() + 60, anew=True)
    assert (loader.load(request).rows_rejected, keyed.rows()) == (1, [("a", 1, 1)])
    assert_equations_hold(keyed)


def test_curated_file_of_another_engine_keeps_its_bytes_and_the_new_one_gets_a_name_of_its_own(keyed):
    keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    name = keyed.ledger()[0]["curated_key"]
    keyed.s3.put_object(Bucket=keyed.bucket, Key=name, Body=b"what an older engine wrote")
    keyed.loader.load(work.Request(DAY, NEXT, "tests", "", time.monotonic() + 60, anew=True))
    assert keyed.ledger()[1]["curated_key"] not in (name, None)
    assert keyed.s3.get_object(Bucket=keyed.bucket, Key=name)["Body"].read() == b"what an older engine wrote"
    assert keyed.rows() == [("a", 1, 1)]
