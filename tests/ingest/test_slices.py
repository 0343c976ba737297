"""A source that is read whole and is more than one call can read: slice by slice, nothing lost and nothing doubled."""

import gzip
import hashlib
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import RequestError
from lambdas.ingest import passes, slices
from lambdas.ingest.slices import read_slice
from tests.ingest.conftest import all_calls, key

# ids by file; days 1 to 4 come round and round, and nothing is of day 3
FILES = {"a": range(5), "b": range(5, 6), "c": range(6, 13)}


def rows_of(ids):
    return [{"id": n, "at": f"2024-01-0{(1, 2, 4)[n % 3]}", "name": f"n{n}"} for n in ids]


def csv_of(rows):
    return "".join(["id,at,name\n", *(f"{row['id']},{row['at']},{row['name']}\n" for row in rows)]).encode()


def arrow_of(rows, write):
    target = io.BytesIO()
    write(pa.Table.from_pylist(rows), target)
    return target.getvalue()


def ndjson_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


FORMATS = {
    "csv": csv_of,
    "ndjson": ndjson_of,
    "json": lambda rows: json.dumps(rows).encode(),
    "parquet": lambda rows: arrow_of(rows, pq.write_table),
    "arrow": lambda rows: arrow_of(rows, feather.write_feather),
}


def write(bench, kind, files=FILES):
    for path in bench.folder.glob("*.data"):
        path.unlink()
    for name, ids in files.items():
        (bench.folder / f"{name}.data").write_bytes(FORMATS[kind](rows_of(ids)))
    return {"filesystem": {"bucket_url": str(bench.folder), "file_glob": "*.data", "format": kind}}


def held(bench):
    """The keys of what is held back."""
    return [i["Key"] for i in bench.s3.list_objects_v2(Bucket=bench.bucket, Prefix="landing/").get("Contents", [])]


def ids(bench):
    """The ids of all rows in the lake."""
    return sorted(int(row["id"]) for place in bench.etags() for row in bench.table(place).to_pylist())


@pytest.mark.parametrize(
    "kind", ["csv", "ndjson", *(pytest.param(k, marks=pytest.mark.long) for k in ("json", "parquet", "arrow"))]
)
def test_files_come_slice_by_slice_and_reading_again_changes_nothing(bench, small, kind):
    extract = write(bench, kind)
    answers = all_calls(bench, extract)
    assert sum(answer["rows"] for answer in answers) == 13
    assert [answer["rows"] for answer in answers[:3]] == [4, 4, 4]
    digest = hashlib.sha256((bench.folder / "a.data").read_bytes()).hexdigest()[:32]
    at = {"file": "a.data", "digest": digest, "member": 0, "row": 4}
    run = answers[0]["remaining"]["slice"]["run"]
    assert answers[0]["remaining"] == {"slice": {"number": 1, "at": at, "run": run}}
    assert ids(bench) == list(range(13))
    assert bench.rows("2024-01-03") == []  # the day without rows is proved empty
    assert key("2024-01-01", 1000) in bench.etags()
    before = bench.etags()
    again = all_calls(bench, extract)
    assert sum(answer["objects"]["put"] + answer["objects"]["emptied"] for answer in again) == 0
    assert bench.etags() == before


@pytest.mark.parametrize("calls", ["one", "one a slice"])
def test_a_dry_run_of_several_slices_says_what_the_run_then_lands(bench, small, monkeypatch, calls):
    if calls == "one":
        monkeypatch.setattr(passes, "_time_for_another", lambda *_: True)
    for files in (FILES, {"a": range(5), "b": range(6, 9)}):
        extract, before = write(bench, "csv", files), bench.etags()
        said = all_calls(bench, extract, dry_run=True)
        assert (bench.etags(), held(bench)) == (before, [])
        done = all_calls(bench, extract)
        after = bench.etags()
        for name in ("rows", "outside", "bytes", "objects"):
            assert [answer[name] for answer in said] == [answer[name] for answer in done]
        changed = {f"raw/things/{k}": bench.table(k).num_rows for k in after if before.get(k) != after[k]}
        told = [(one["key"], one["rows"]) for answer in said for one in answer["changes"]]
        assert (len(told), dict(told)) == (len(changed), changed)


@pytest.mark.parametrize("kind", ["csv"])
def test_a_source_that_shrank_leaves_nothing_of_the_slices_that_are_no_more(bench, small, kind):
    all_calls(bench, write(bench, kind))
    extract = write(bench, kind, {"a": range(2, 6)})
    answers = all_calls(bench, extract)
    assert sum(answer["rows"] for answer in answers) == 4
    assert ids(bench) == [2, 3, 4, 5]


def test_members_of_archives_are_gone_through_one_by_one(bench, small):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, numbers in FILES.items():
            archive.writestr(f"{name}.csv", csv_of(rows_of(numbers)))
    (bench.folder / "1.data").write_bytes(packed.getvalue())
    (bench.folder / "2.data").write_bytes(gzip.compress(csv_of(rows_of(range(13, 20)))))
    extract = {"filesystem": {"bucket_url": str(bench.folder), "file_glob": "*.data", "format": "csv"}}
    answers = all_calls(bench, extract)
    assert "member" in str(answers[1]["remaining"])
    assert ids(bench) == list(range(20))


def test_a_slice_also_ends_after_so_many_bytes(bench, small, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", 1000)
    monkeypatch.setattr(slices, "SLICE_BYTES", 10)
    answers = all_calls(bench, write(bench, "csv"))
    assert [answer["rows"] for answer in answers] == [5, 1, 7]
    assert ids(bench) == list(range(13))


def test_days_of_a_source_read_whole_go_on_as_days(bench, small):
    answers = all_calls(bench, write(bench, "csv"), "2024-01-01", "2024-01-03")
    assert answers[0]["remaining"]["end"] == "2024-01-03"
    assert ids(bench) == [n for n in range(13) if n % 3 < 2]
    assert sum(answer["outside"] for answer in answers) == 4


def test_one_call_does_as_many_slices_as_it_has_time_for(bench, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", 4)
    answer = bench.ingest(write(bench, "csv"))
    assert (answer["rows"], answer["remaining"]) == (13, None)
    assert ids(bench) == list(range(13))


def in_windows(bench, days):
    """A file for each window, found by its token; `days` are the ids of each."""
    for day, numbers in days.items():
        rows = [row | {"at": f"{day}T05:00:00Z"} for row in rows_of(numbers)]
        (bench.folder / f"{day}.csv").write_bytes(csv_of(rows))
    block = {"bucket_url": str(bench.folder), "file_glob": "{start}.csv", "format": "csv"}
    return {"precision": "day", "pass_days": 1, "filesystem": block}


def test_a_window_of_many_rows_comes_slice_by_slice_and_whole(bench, small):
    extract = in_windows(bench, {"2024-01-02": range(11), "2024-01-03": range(11, 14), "2024-01-04": range(14, 20)})
    answers = all_calls(bench, extract, "2024-01-02", "2024-01-05")
    assert [answer["rows"] for answer in answers] == [4, 4, 3, 3, 4, 2]
    assert answers[1]["remaining"]["start"] == "2024-01-02"
    assert answers[2]["remaining"] == {"start": "2024-01-03", "end": "2024-01-05"}
    assert ids(bench) == list(range(20))
    before = bench.etags()
    assert list(before) == [
        key(f"2024-01-0{day}", part) for day, part in [(2, 0), (2, 1000), (2, 2000), (3, 0), (4, 0), (4, 1000)]
    ]
    all_calls(bench, extract, "2024-01-02", "2024-01-03")
    assert bench.etags() == before


def test_one_call_reads_all_slices_of_a_window_and_a_window_that_shrank_leaves_nothing(bench, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", 4)
    answer = bench.ingest(in_windows(bench, {"2024-01-02": range(11)}), "2024-01-02", "2024-01-03")
    assert (answer["rows"], answer["remaining"]) == (11, None)
    assert ids(bench) == list(range(11))
    answer = bench.ingest(in_windows(bench, {"2024-01-02": range(3)}), "2024-01-02", "2024-01-03")
    assert (answer["rows"], answer["objects"]["emptied"]) == (3, 2)
    assert ids(bench) == [0, 1, 2]


RUN = "0" * 32
NO_SLICES = [
    *(3, {}, {"number": 0, "at": {}, "run": RUN}, {"number": 2, "run": RUN}, {"number": "2", "at": {}, "run": RUN}),
    *({"number": 2, "at": {}}, {"number": 2, "at": {}, "run": "../raw"}),
    *({"number": 0, "at": None, "run": RUN, "put": 0}, {"number": 0, "at": {}, "run": None, "put": 1}),
    *({"number": 0, "at": None, "run": "", "put": 1}, {"number": 2, "at": {}, "run": RUN, "put": "1"}),
]


@pytest.mark.parametrize("given", NO_SLICES)
def test_a_slice_that_no_answer_named_is_refused(given):
    with pytest.raises(RequestError, match="it must be what `remaining` of an answer says"):
        read_slice({"slice": given})


def test_a_slice_that_is_refused_does_not_show_its_position():
    given = {"number": 0, "at": {"after": ["u3@example.org"]}, "run": RUN}
    with pytest.raises(RequestError, match=f"slice is .*{RUN}") as caught:
        read_slice({"slice": given})
    assert "example.org" not in str(caught.value)
