"""In which order rows are read for their objects: the same objects, whatever fits in memory at once."""

import datetime as dt

import pyarrow as pa
import pytest

from lambdas.ingest import days, objects
from lambdas.ingest.days import Day, split_runs
from tests.ingest.conftest import key
from tests.ingest.test_files import files, parquet

ORDERS = {"rising": lambda n: n // 10, "falling": lambda n: 5 - n // 10, "mixed": lambda n: n * 7 % 6}


def made(*sizes, width=100, order=1):
    """Days of so many rows, one after the other in the source (or the last one first), or all among each other (0)."""
    found, row, total = [], 0, sum(sizes)
    for number, count in enumerate(sizes):
        first, last = (row, row + count - 1) if order == 1 else (total - row - count, total - row - 1)
        first, last = (first, last) if order else (0, total)
        found.append(Day(dt.date(2024, 1, 1 + number), count, count * width, first, last, ()))
        row += count
    return found


def lengths(found):
    return [len(run) for run in split_runs(found)]


def test_days_are_read_at_once_in_order_or_narrow_and_else_as_far_as_they_can_be_sorted():
    assert split_runs([]) == []
    assert lengths(made(10**6, 10**6, 10**6, width=4000)) == [3], "in order"
    assert lengths(made(10**6, 10**6, 10**6, order=0)) == [3], "narrow"
    assert lengths(made(10**4, 10**4, 10**4, 10**4, width=3000, order=0)) == [2, 2]
    assert lengths(made(10**4, 10**6, 10**4, width=3000, order=-1)) == [1, 1, 1], "a day alone is not sorted"
    assert lengths([*made(10**6, 10**6, order=0), *made(10**5, width=10**4, order=0)]) == [2, 1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("window", [(), ("2024-01-02", "2024-01-05")])
def test_objects_are_the_same_day_by_day_as_sorted_at_once(bench, monkeypatch, order, window):
    text = "id,at,name\n" + "".join(f"{n},2024-01-0{ORDERS[order](n) + 1},{n:0>9}\n" for n in range(60))
    extract = files(bench.write("a.csv", text), "csv")
    put = bench.ingest(extract, *window)["objects"]["put"]
    assert [row["id"] for row in bench.rows("2024-01-02")] == [str(n) for n in range(60) if ORDERS[order](n) == 1]
    for sorted_bytes, batch_bytes in ((0, 1), (400, 50)):
        monkeypatch.setattr(days, "SORTED_BYTES", sorted_bytes)
        monkeypatch.setattr(days, "BATCH_BYTES", batch_bytes)
        assert bench.ingest(extract, *window)["objects"] == {"put": 0, "unchanged": put, "emptied": 0}


@pytest.mark.parametrize("kind", [pa.binary(), pa.string()])
def test_bytes_of_a_day_are_those_of_texts_and_of_binary_values(bench, monkeypatch, kind):
    monkeypatch.setattr(objects, "PART_BYTES", 1000)
    table = pa.table({"id": [*range(8)], "at": ["2024-01-01"] * 8, "name": pa.array(["x" * 400] * 8, kind)})
    bench.ingest(files(bench.write("a.parquet", parquet(table)), "parquet"))
    assert sorted(bench.etags()) == [key("2024-01-01", part) for part in range(4)]
