"""What lies in the lake after a pass over a windowed source."""

import re
import time

import pytest

from lambdas.common.errors import ContractError, RequestError
from lambdas.ingest import objects
from tests.cloud import PROJECT
from tests.ingest.conftest import key


def record(number, at, **more):
    return {"id": number, "at": at, "name": f"n{number}", **more}


THREE_DAYS = [
    record(1, "2024-01-01T00:00:00Z"),
    record(2, "2024-01-01T23:59:59Z"),
    record(3, "2024-01-01T12:00:00Z", late=1.5),
    record(4, "2024-01-03T08:00:00Z", late="x", deep={"b": [1, {"a": None}]}),
    record(5, "2024-01-03T09:00:00Z", late=2),
]


def test_a_range_lands_in_one_pass_with_an_object_for_every_day(bench, api):
    answer = bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    assert answer == {
        "source": "things",
        "start": "2024-01-01",
        "end": "2024-01-04",
        "rows": 5,
        "outside": 0,
        "unloaded": 0,
        "early": 0,
        "objects": {"put": 3, "unchanged": 0, "emptied": 0},
        "bytes": answer["bytes"],
        "remaining": None,
    }
    assert set(bench.etags()) == {key("2024-01-01"), key("2024-01-02"), key("2024-01-03")}
    assert [row["id"] for row in bench.rows("2024-01-01")] == [1, 2, 3]
    assert [int(asked["offset"]) for asked in api.asked] == [0, 2, 4, 6]
    assert {(asked["start"], asked["end"]) for asked in api.asked} == {("2024-01-01T00:00:00Z", "2024-01-04T00:00:00Z")}


def test_a_range_and_its_days_one_by_one_give_the_same_bytes(bench, api):
    extract = api.serve(THREE_DAYS)
    bench.ingest(extract, "2024-01-01", "2024-01-04")
    whole = bench.etags()
    for day in (1, 2, 3):
        answer = bench.ingest(extract, f"2024-01-0{day}", f"2024-01-0{day + 1}")
        assert answer["objects"] == {"put": 0, "unchanged": 1, "emptied": 0}
    assert bench.etags() == whole


def test_an_empty_day_is_an_object_with_the_raw_columns_and_no_row(bench, api):
    bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    table = bench.table(key("2024-01-02"))
    assert table.num_rows == 0
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("id", "string"),
        ("at", "string"),
        ("name", "string"),
    ]


def test_a_changed_day_is_put_again_and_a_day_that_lost_its_rows_is_emptied(bench, api):
    extract = api.serve(THREE_DAYS)
    bench.ingest(extract, "2024-01-01", "2024-01-04")
    api.serve([record(1, "2024-01-01T00:00:00Z", name="renamed")])
    answer = bench.ingest(extract, "2024-01-01", "2024-01-04")
    assert answer["objects"] == {"put": 1, "unchanged": 1, "emptied": 1}
    assert [row["name"] for row in bench.rows("2024-01-01")] == ["renamed"]
    assert bench.rows("2024-01-03") == []


def test_the_type_of_a_column_comes_from_all_rows_of_its_object(bench, api):
    bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    first, third = bench.table(key("2024-01-01")), bench.table(key("2024-01-03"))
    assert [str(kind) for kind in first.schema.types] == ["int64", "string", "string", "double"]
    assert first.column_names == ["id", "at", "name", "late"]
    assert first["late"].to_pylist() == [None, None, 1.5]
    assert third.column_names == ["id", "at", "name", "deep", "late"]
    assert third["late"].to_pylist() == ["x", "2"]
    assert third["deep"].to_pylist() == ['{"b":[1,{"a":null}]}', None]


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([True, None], "bool", [True, None]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([2**53 + 1, 1], "int64", [2**53 + 1, 1]),
        ([2**53 + 1, 1.5], "string", ["9007199254740993", "1.5"]),
        ([2**63, 1], "string", ["9223372036854775808", "1"]),
        ([2**70, None], "string", ["1180591620717411303424", None]),
        ([1, True], "string", ["1", "true"]),
        ([1, "01"], "string", ["1", "01"]),
        (["NA", ""], "string", ["NA", ""]),
        ([[1], 2], "string", ["[1]", "2"]),
        ([{"a": "\u00e9"}, None], "string", ['{"a":"é"}', None]),
        ([None, None], None, None),
    ],
)
def test_values_keep_what_the_source_said(bench, api, values, kind, kept):
    records = [record(n, "2024-01-01T00:00:00Z", value=value) for n, value in enumerate(values)]
    bench.ingest(api.serve(records, size=10), "2024-01-01", "2024-01-02")
    table = bench.table(key("2024-01-01"))
    assert ("value" in table.column_names) == (kind is not None)
    if kind is not None:
        assert str(table.schema.field("value").type) == kind
        assert table["value"].to_pylist() == kept


def test_a_row_without_a_readable_day_lies_under_the_first_day_of_its_window(bench, api):
    api.answer = lambda _path, asked, _n: (200, {"items": [] if asked["offset"] != "0" else broken})
    broken = [record(1, "soon"), {"id": 2}, record(3, "2024-01-02T00:00:00Z"), record(4, "99999-01-01")]
    answer = bench.ingest(api.extract(size=10), "2024-01-01", "2024-01-03")
    assert answer["rows"] == 4
    assert [row["id"] for row in bench.rows("2024-01-01")] == [1, 2, 4]
    assert [row["id"] for row in bench.rows("2024-01-02")] == [3]


def test_rows_of_days_that_were_not_asked_for_do_not_overwrite_them(bench, api):
    extract = api.serve(THREE_DAYS)
    bench.ingest(extract, "2024-01-01", "2024-01-04")
    before = bench.etags()
    api.answer = lambda _path, asked, _n: (200, {"items": THREE_DAYS[1:4] if asked["offset"] == "0" else []})
    answer = bench.ingest(api.extract(size=10), "2024-01-03", "2024-01-04")
    assert (answer["rows"], answer["outside"], answer["objects"]["put"]) == (1, 2, 1)
    assert {name: etag for name, etag in bench.etags().items() if name != key("2024-01-03")} == {
        name: etag for name, etag in before.items() if name != key("2024-01-03")
    }


def test_files_that_others_dropped_in_the_window_stay(bench, api):
    name = "raw/things/2024/01/02/data_from_a_friend.parquet"
    bench.s3.put_object(Bucket=bench.bucket, Key=name, Body=b"theirs")
    bench.ingest(api.serve(THREE_DAYS), "2024-01-01", "2024-01-04")
    assert bench.s3.get_object(Bucket=bench.bucket, Key=name)["Body"].read() == b"theirs"


def test_a_large_day_has_parts_and_parts_that_are_not_needed_any_more_are_emptied(bench, api, monkeypatch):
    monkeypatch.setattr(objects, "PART_BYTES", 100)
    records = [record(n, "2024-01-01T00:00:00Z") for n in range(10)]
    answer = bench.ingest(api.serve(records, size=20), "2024-01-01", "2024-01-02")
    parts = sorted(bench.etags())
    assert len(parts) == answer["objects"]["put"] > 2
    assert parts == [key("2024-01-01", part) for part in range(len(parts))]
    assert [row["id"] for part in parts for row in bench.table(part).to_pylist()] == list(range(10))
    monkeypatch.undo()
    again = bench.ingest(api.serve(records, size=20), "2024-01-01", "2024-01-02")
    assert again["objects"] == {"put": 1, "unchanged": 0, "emptied": len(parts) - 1}
    assert [bench.table(part).num_rows for part in parts] == [10] + [0] * (len(parts) - 1)


def test_the_page_says_at_which_size_a_day_is_cut():
    page = (PROJECT / "docs" / "sources.md").read_text()
    assert f"a UTC day is\none object up to {objects.PART_BYTES >> 20} MiB of values" in page


def test_what_does_not_fit_in_the_time_remains(bench, api):
    extract = {**api.serve(THREE_DAYS), "pass_days": 1}
    original = api.answer

    def slow(path, asked, number):
        time.sleep(0.3)
        return original(path, asked, number)

    api.answer = slow
    first = bench.ingest(extract, "2024-01-01", "2024-01-04", seconds=2)
    assert first["remaining"] is not None
    assert first["remaining"]["end"] == "2024-01-04"
    rest = first
    while rest["remaining"]:
        rest = bench.ingest(extract, **rest["remaining"], seconds=2)
    assert sum(len(bench.rows(f"2024-01-0{day}")) for day in (1, 2, 3)) == 5


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2024-01-02", "2024-01-02", "must lie before"),
        ("2023-12-31", "2024-01-02", "2024-01-01, the first day"),
        ("2024-01-32", "2024-02-02", "start is '2024-01-32'"),
        ("2024-01-02", None, "end is None"),
        ("2024-01-02", "2999-01-01", "future"),
    ],
)
def test_a_window_that_cannot_be_is_refused(bench, api, start, end, said):
    with pytest.raises(RequestError, match=said):
        bench.ingest(api.serve([]), start, end)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ends": "inclusive"}, "unknown keys ['ends']"),
        ({"end": "maybe"}, "extract.end must be inclusive or exclusive"),
        ({"precision": "minute"}, "extract.precision must be one of day, second"),
        ({"pass_days": 0}, "extract.pass_days must be a number above 0"),
        ({"timeout": "long"}, "extract.timeout must be a number above 0"),
    ],
)
def test_wrong_options_beside_the_extractor_are_refused(bench, api, options, said):
    with pytest.raises(ContractError, match=re.escape(said)):
        bench.ingest({**api.serve([]), **options}, "2024-01-01", "2024-01-02")


@pytest.mark.long
def test_three_years_come_in_ranges_and_not_day_by_day(bench, api):
    extract = api.serve([record(year, f"{year}-07-01T00:00:00Z") for year in (2020, 2021, 2022)])
    source = bench.source(extract, start="2020-01-01")
    answer = bench.call(source, "2020-01-01", "2023-01-01", seconds=600)
    assert (answer["rows"], answer["objects"]["put"], answer["remaining"]) == (3, 1096, None)
    assert len({asked["start"] for asked in api.asked}) == 36  # 31 days each
