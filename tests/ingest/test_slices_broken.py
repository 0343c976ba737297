"""What goes wrong, or changes, between two slices of a source that is read whole: raw/ never holds a mix."""

import gzip

import pytest

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest import held as held_back
from lambdas.ingest import slices
from tests.ingest.conftest import all_calls
from tests.ingest.test_slices import csv_of, held, ids, rows_of, write


def all_calls_from(bench, source, pending):
    """Go on with what remains, until nothing does."""
    while pending is not None:
        pending = bench.call(source, remaining=pending)["remaining"]


def test_a_file_that_is_gone_between_two_slices_is_told(bench, small):
    extract = write(bench, "csv")
    source = bench.source(extract)
    first = bench.call(source)
    (bench.folder / "a.data").unlink()
    with pytest.raises(SourceUnavailable, match=r"a\.data is gone since the slice before was read"):
        bench.call(source, remaining=first["remaining"])


def test_a_source_that_fails_half_way_leaves_what_was_there_before(bench, small):
    all_calls(bench, write(bench, "csv", {"a": range(3)}))
    before = bench.etags()
    extract = write(bench, "csv")
    broken = bench.folder / "c.data"
    broken.write_bytes(broken.read_bytes() + b'13,"no end')
    source = bench.source(extract)
    first = bench.call(source)["remaining"]
    with pytest.raises(SourceError, match=r"c\.data: line \d+"):
        all_calls_from(bench, source, first)
    assert bench.etags() == before
    assert held(bench), "not even the first slice was made"
    write(bench, "csv")
    all_calls(bench, extract)
    assert ids(bench) == list(range(13))


def test_a_release_that_breaks_off_is_finished_by_the_same_call_again(bench, small, monkeypatch):
    source, copy, copied = bench.source(write(bench, "csv")), bench.s3.copy_object, []

    def break_off(**given):
        copied.append(given["Key"])
        if len(copied) == 2:
            raise SourceUnavailable("S3 was gone")
        return copy(**given)

    monkeypatch.setattr(held_back, "COPIES_AT_ONCE", 1)
    monkeypatch.setattr(bench.s3, "copy_object", break_off)
    pending = bench.call(source)["remaining"]
    for _ in range(2):
        pending = bench.call(source, remaining=pending)["remaining"]
    with pytest.raises(SourceUnavailable, match="S3 was gone"):
        bench.call(source, remaining=pending)
    assert bench.call(source, remaining=pending)["remaining"] is None
    assert ids(bench) == list(range(13))
    assert held(bench) == []


def test_two_readings_at_once_do_not_touch_what_the_other_holds_back(bench, small):
    source = bench.source(write(bench, "csv"))
    one, other = bench.call(source), bench.call(source)
    all_calls_from(bench, source, one["remaining"])
    assert ids(bench) == list(range(13))
    before = bench.etags()
    all_calls_from(bench, source, other["remaining"])
    assert bench.etags() == before
    assert held(bench) == []


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_file_that_was_replaced_between_two_slices_is_not_read_as_a_mix(bench, small, packed):
    extract, source = write(bench, "csv"), bench.source(write(bench, "csv"))
    path = bench.folder / "c.data"
    path.write_bytes(packed(path.read_bytes()))
    second = bench.call(source, remaining=bench.call(source)["remaining"])
    assert second["remaining"]["slice"]["at"]["file"] == "c.data"
    path.write_bytes(packed(csv_of(rows_of(range(13, 20)))))
    with pytest.raises(SourceUnavailable, match=r"c\.data has changed since the slice before was read"):
        bench.call(source, remaining=second["remaining"])
    all_calls(bench, extract)
    assert ids(bench) == [*range(6), *range(13, 20)]


def test_a_file_of_http_that_changes_between_two_slices_is_not_read_as_a_mix(bench, api, small):
    extract = {"attempts": 1, "filesystem": {"bucket_url": f"{api.url}a.csv", "format": "csv"}}
    answers = [csv_of(rows_of(range(9))), csv_of(rows_of(range(20, 29)))]
    api.answer = lambda _path, _asked, _number: (200, answers[0])
    assert sum(answer["rows"] for answer in all_calls(bench, extract)) == 9
    source = bench.source(extract)
    first = bench.call(source)
    api.answer = lambda _path, _asked, _number: (200, answers[1])
    with pytest.raises(SourceUnavailable, match=r"a\.csv has changed"):
        bench.call(source, remaining=first["remaining"])
    all_calls(bench, extract)
    assert ids(bench) == list(range(20, 29))


def test_passing_over_the_rows_of_former_slices_ends_with_the_time(monkeypatch):
    monkeypatch.setattr(slices, "CHECK_ROWS", 10)
    read = []

    def check_time(_number):
        if len(read) > 10:
            raise SourceUnavailable("the time was up")

    with pytest.raises(SourceUnavailable):
        list(slices.Cut([(read.append(n) for n in range(100))], 90, check_time))
    assert len(read) == 11
