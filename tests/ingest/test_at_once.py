"""Two ingests of one window at once that read different states of the source: the lake holds the later one, whole."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.ingest import held as held_back
from lambdas.ingest import passes, seen
from lambdas.ingest.seen import Overtaken
from tests.ingest.conftest import all_calls
from tests.ingest.test_slices import csv_of, held, ids

WINDOW = ("2024-01-01", "2024-01-04")
# by id, the day of January: days that lose rows, get rows, and stay
OLDER = {1: 1, 2: 1, 3: 2, 4: 3}
NEWER = {1: 1, 2: 1, 5: 2, 6: 2, 7: 2}


def records(state):
    return [{"id": n, "at": f"2024-01-{day:02d}T00:00:00Z", "name": f"n{n}"} for n, day in state.items()]


def lying(bench):
    """The day in whose folder each id lies, in all objects."""
    found = [(int(row["id"]), int(place[8:10])) for place in bench.etags() for row in bench.table(place).to_pylist()]
    assert len(found) == len(dict(found)), f"rows twice: {sorted(found)}"
    return dict(found)


def once_at(monkeypatch, owner, name, number, work):
    """Do `work` before the `number`th call of that function, and not while it is under way itself."""
    plain, calls, busy = getattr(owner, name), [], []

    def wrapped(*given, **named):
        if not busy:
            calls.append(name)
            if len(calls) == number:
                busy.append(True)
                work()
                busy.clear()
        return plain(*given, **named)

    monkeypatch.setattr(owner, name, wrapped)
    return calls


@pytest.fixture
def small_parts(monkeypatch):
    """Objects put one after the other."""
    monkeypatch.setattr("lambdas.ingest.land.PUTS_AT_ONCE", 1)
    monkeypatch.setattr(held_back, "COPIES_AT_ONCE", 1)


PLACES = [
    *[(passes, "date_rows", 1), ("s3", "put_object", 1), ("s3", "put_object", 2), ("s3", "put_object", 3)],
    (passes, "extract", 1),
]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "before", [pytest.param({}, id="nothing", marks=pytest.mark.long), pytest.param({9: 1, 8: 2, 7: 3}, id="rows")]
)
@pytest.mark.parametrize(("owner", "name", "number"), PLACES)
def test_the_state_that_was_read_last_lies_in_the_lake_whole(
    bench, api, monkeypatch, caplog, before, owner, name, number
):
    if before:
        bench.ingest(api.serve(records(before)), *WINDOW)
    extract = api.serve(records(OLDER))

    def other():
        bench.ingest(api.serve(records(NEWER)), *WINDOW)

    calls = once_at(monkeypatch, bench.s3 if owner == "s3" else owner, name, number, other)
    caplog.set_level("INFO")
    bench.ingest(extract, *WINDOW)
    assert len(calls) >= number, "the other ingest was never begun"
    assert lying(bench) == NEWER
    assert "reading again" in caplog.text


@pytest.mark.long
def test_a_day_of_more_objects_loses_those_that_another_ingest_put_beside_them(bench, api, monkeypatch):
    monkeypatch.setattr("lambdas.ingest.objects.PART_BYTES", 40)
    older, newer = dict.fromkeys(range(20), 1), dict.fromkeys(range(3), 1)
    extract = api.serve(records(older), size=50)
    once_at(monkeypatch, bench.s3, "put_object", 1, lambda: bench.ingest(api.serve(records(newer), size=50), *WINDOW))
    bench.ingest(extract, *WINDOW)
    assert lying(bench) == newer


def test_what_another_ingest_put_under_other_keys_is_found_afterwards(bench, api, monkeypatch):
    bench.ingest(api.serve(records({1: 1, 2: 2})), *WINDOW)
    older, newer = {3: 1, 2: 2}, {1: 1, 4: 2}
    extract = api.serve(records(older))
    once_at(monkeypatch, bench.s3, "put_object", 1, lambda: bench.ingest(api.serve(records(newer)), *WINDOW))
    bench.ingest(extract, *WINDOW)
    assert lying(bench) == newer


def test_two_that_read_the_same_do_not_disturb_each_other(bench, api, monkeypatch, caplog):
    extract = api.serve(records(OLDER))
    once_at(monkeypatch, seen, "list_raw", 2, lambda: bench.ingest(extract, *WINDOW))
    caplog.set_level("INFO")
    bench.ingest(extract, *WINDOW)
    assert lying(bench) == OLDER
    assert "reading again" not in caplog.text


@pytest.mark.long
def test_who_is_overtaken_again_and_again_says_so_and_the_caller_may_come_again(bench, api, monkeypatch):
    extract, plain, states = api.serve(records(OLDER)), passes.date_rows, iter(range(100, 200))
    busy = []

    def disturbed(*given):
        dated = plain(*given)
        if not busy:
            busy.append(True)
            bench.ingest(api.serve(records({next(states): 2})), *WINDOW)
            api.serve(records(OLDER))
            busy.clear()
        return dated

    monkeypatch.setattr(passes, "date_rows", disturbed)
    with pytest.raises(Overtaken, match=r"things: raw/things/2024/01/0\d/\S+ was written by another ingest"):
        bench.ingest(extract, *WINDOW)
    assert next(states) == 100 + passes.READINGS
    monkeypatch.setattr(passes, "date_rows", plain)
    bench.ingest(extract, *WINDOW)
    assert lying(bench) == OLDER


@pytest.mark.parametrize("overlapping", [("2024-01-02", "2024-01-03"), ("2024-01-01", "2024-01-10")])
def test_windows_that_overlap_hold_the_later_state_where_they_do(bench, api, monkeypatch, overlapping):
    extract = api.serve(records({1: 1, 2: 2, 3: 3}))
    newer = {11: 1, 12: 2, 13: 3}
    once_at(monkeypatch, bench.s3, "put_object", 2, lambda: bench.ingest(api.serve(records(newer)), *overlapping))
    bench.ingest(extract, *WINDOW)
    assert lying(bench) == newer


def write(bench, state):
    rows = [{"id": n, "at": f"2024-01-{day:02d}", "name": "x"} for n, day in state.items()]
    return {"filesystem": {**bench.write("a.csv", csv_of(rows)), "format": "csv"}}


MANY = {n: n % 3 + 1 for n in range(11)}
OTHERS = {n: n % 2 + 1 for n in range(20, 27)}


@pytest.mark.usefixtures("small", "small_parts")
@pytest.mark.parametrize("owner", ["copy_object", "put_object"])
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_reading_in_slices_that_is_overtaken_leaves_what_the_later_one_said(bench, monkeypatch, owner, number):
    extract = write(bench, MANY)
    source, pending = bench.source(extract), {}
    for _ in range(2):
        pending = bench.call(source, remaining=pending)["remaining"]

    def other():
        all_calls(bench, write(bench, OTHERS))
        write(bench, MANY)

    calls = once_at(monkeypatch, bench.s3, owner, number, other)
    with pytest.raises(Overtaken):
        bench.call(source, remaining=pending)
    assert len(calls) >= number
    all_calls(bench, write(bench, OTHERS))
    assert ids(bench) == sorted(OTHERS)


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_reading_in_slices_that_began_earlier_does_not_replace_what_has_landed_since(bench):
    source = bench.source(write(bench, MANY))
    pending = bench.call(source)["remaining"]
    pending = bench.call(source, remaining=pending)["remaining"]
    all_calls(bench, write(bench, OTHERS))
    before = bench.etags()
    write(bench, MANY)
    with pytest.raises(Overtaken, match="another ingest of the same days"):
        bench.call(source, remaining=pending)
    assert bench.etags() == before
    all_calls(bench, write(bench, MANY))
    assert ids(bench) == sorted(MANY)
    runs = {place.split("/")[1] for place in held(bench)}
    assert runs == {pending["slice"]["run"]}, "what others held back is gone, and nothing but this waits for its end"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_of_many_at_once_what_was_read_last_is_what_lies_there(bench, api, monkeypatch, seed):
    monkeypatch.setattr(passes, "READINGS", 100)
    chance, shown, lock = random.Random(seed), [], threading.Lock()

    def answer(_path, asked, _number):
        with lock:
            if asked["offset"] != "0":
                return 200, {"items": []}
            shown.append({chance.randrange(1000): chance.randint(1, 3) for _ in range(6)})
            return 200, {"items": records(shown[-1])}

    api.answer = answer
    source = bench.source(api.extract(size=50))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bench.call(source, *WINDOW), range(8)))
    assert len(shown) >= 8
    assert lying(bench) == shown[-1]
