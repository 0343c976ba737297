"""More objects than one call has time to put: it lands what it can, and says what remains."""

import time

import pytest

from lambdas.ingest import held as held_back
from lambdas.ingest import land, passes, slices
from tests.ingest.conftest import all_calls
from tests.ingest.test_slices import csv_of, held, ids


@pytest.fixture
def hurried(bench, monkeypatch):
    """A bench whose time is up, for landing, once a call has put or released three objects."""
    done, clock = [], time.monotonic
    monkeypatch.setattr(land, "PUTS_AT_ONCE", 1)
    monkeypatch.setattr(held_back, "COPIES_AT_ONCE", 1)
    for module in (land, held_back, passes):
        late = type("Clock", (), {"monotonic": staticmethod(lambda: clock() + 1e6 * (len(done) >= 3))})
        monkeypatch.setattr(module, "time", late)
    for name in ("put_object", "copy_object"):
        plain = getattr(bench.s3, name)
        monkeypatch.setattr(bench.s3, name, lambda plain=plain, **given: done.append(given["Key"]) or plain(**given))
    bench.done = done
    return bench


def calls_of(bench, extract, start=None, end=None):
    """The answers until nothing remains, and how many objects each call has put or released."""
    answers, counts = [], []

    def count():
        counts.append(len(bench.done))
        bench.done.clear()

    answers = all_calls(bench, extract, start, end, between=count)
    return answers, counts


def file_of(bench, days):
    rows = [{"id": n, "at": f"2024-01-{day:02d}", "name": "x"} for n, day in enumerate(days)]
    return {"filesystem": {**bench.write("a.csv", csv_of(rows)), "format": "csv"}}


def test_empty_days_are_landed_call_after_call_and_counted_once(hurried):
    extract = file_of(hurried, [1, 8])
    answers, counts = calls_of(hurried, extract)
    assert counts == [3, 3, 2]
    assert answers[0]["remaining"] == {"slice": {"number": 0, "at": None, "run": None, "put": 3, "released": 0}}
    assert sum(answer["rows"] for answer in answers) == 2
    sums = {name: sum(answer["objects"][name] for answer in answers) for name in answers[0]["objects"]}
    assert sums == {"put": 8, "unchanged": 0, "emptied": 0}
    assert [len(hurried.rows(f"2024-01-{day:02d}")) for day in range(1, 9)] == [1, *[0] * 6, 1]
    again, counts = calls_of(hurried, extract)
    assert (len(again), counts, again[0]["objects"]["unchanged"]) == (1, [0], 8)


@pytest.mark.long
def test_days_that_lost_their_rows_are_emptied_call_after_call(hurried):
    calls_of(hurried, file_of(hurried, range(1, 8)))
    answers, counts = calls_of(hurried, file_of(hurried, [7]))
    assert counts == [3, 3, 1]
    sums = {name: sum(answer["objects"][name] for answer in answers) for name in answers[0]["objects"]}
    assert sums == {"put": 1, "unchanged": 0, "emptied": 6}
    assert [len(hurried.rows(f"2024-01-{day:02d}")) for day in range(1, 8)] == [*[0] * 6, 1]


@pytest.mark.long
@pytest.mark.parametrize("window", [(None, None), ("2024-01-01", "2024-01-09")])
def test_slices_are_held_back_and_released_call_after_call(hurried, monkeypatch, window):
    monkeypatch.setattr(slices, "SLICE_ROWS", 4)
    extract = file_of(hurried, [1, 2, 3, 4, 1, 2, 3, 4, 8])
    answers, counts = calls_of(hurried, extract, *window)
    assert max(counts) == 3
    assert sum(answer["rows"] for answer in answers) == 9
    assert (ids(hurried), held(hurried)) == ([*range(9)], [])
    assert [len(hurried.rows(f"2024-01-{day:02d}")) for day in (5, 6, 7)] == [0, 0, 0]
    before = hurried.etags()
    again, _ = calls_of(hurried, extract, *window)
    assert sum(answer["objects"]["put"] + answer["objects"]["emptied"] for answer in again) == 0
    assert hurried.etags() == before


@pytest.mark.long
def test_days_of_a_window_are_landed_call_after_call(hurried):
    rows = [{"id": day, "at": f"2024-01-{day:02d}", "name": "x"} for day in (1, 6)]
    hurried.write("2024-01-01.csv", csv_of(rows))
    block = {"bucket_url": str(hurried.folder), "file_glob": "{start}.csv", "format": "csv"}
    answers, counts = calls_of(hurried, {"precision": "day", "filesystem": block}, "2024-01-01", "2024-01-09")
    assert (counts, sum(answer["rows"] for answer in answers)) == ([3, 3, 2], 2)
    assert answers[0]["remaining"]["start"] == "2024-01-01"
    assert len(hurried.etags()) == 8
    assert (ids(hurried), hurried.rows("2024-01-08")) == ([1, 6], [])
