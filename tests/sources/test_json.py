"""NDJSON and JSON: sparse keys, mixed types, envelopes, nested values."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from lambdas.common.errors import SourceError
from tests.sources.pipeline import AT, ID, UTC, prop

DAY = "2024-01-01T00:00:00Z"
# together with the rest of this folder they would take too long for `make test`
pytestmark = pytest.mark.long


def ndjson(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def cents(expression: str) -> dict:
    return prop("cents", "bigint", transformLogic=expression, transformSourceObjects=["price"])


def test_sparse_keys_of_mixed_types_keep_what_was_said(pipeline):
    records = [
        {"id": 1, "at": DAY, "v": 1.5},
        {"at": DAY, "id": 2, "v": "n/a", "extra": True},
        {"id": 3, "at": DAY, "v": None, "extra": {"a": 1}},
        {"id": 4, "at": DAY, "v": "2"},
    ]
    done = pipeline.run(
        pipeline.write("a.ndjson", ndjson(*records), "ndjson"), [ID, AT, prop("v", "double precision")], rows=4
    )
    assert done.raw_values("v") == ["1.5", "n/a", None, "2"]
    assert done.raw_values("extra") == [None, "true", '{"a":1}', None]
    assert done.values("v") == [1.5, None, 2.0]
    assert done.reasons == [("v", "cast", "n/a")]
    assert done.drift == ["new raw column 'extra' (VARCHAR): name it in the contract, or in ignoredColumns"]


def test_column_that_appears_late_is_not_lost(pipeline):
    records = [{"id": n, "at": DAY} for n in range(30_000)] + [{"id": 30_000, "at": DAY, "late": 7}]
    done = pipeline.run(
        pipeline.write("a.ndjson", ndjson(*records), "ndjson"), [ID, AT, prop("late", "integer")], rows=30_001
    )
    assert done.values("late")[-2:] == [None, 7]


def test_what_is_calculated_is_null_on_days_without_a_number_and_a_day_that_is_emptied_is_empty(pipeline):
    ms = {day: 1_704_067_200_000 + day * 86_400_000 for day in range(4)}
    priced = [{"id": day, "ms": ms[day], **more} for day, more in enumerate(({"price": 1.5}, {"price": None}, {}))]
    columns = [
        ID,
        {**AT, "transformLogic": "to_timestamp(ms / 1000)", "transformSourceObjects": ["ms"]},
        cents("price * 100"),
    ]
    undated = {"id": 9, "price": 2}
    done = pipeline.run(pipeline.write("a.ndjson", ndjson(*priced, undated), "ndjson"), columns, rows=4)
    assert [(row["id"], row["cents"]) for row in done.accepted] == [(0, 150), (1, None), (2, None)]
    assert done.reasons == [("at", "required", None)]
    emptied = pipeline.run(pipeline.write("a.ndjson", ndjson(undated), "ndjson"), columns, rows=1)
    assert (list(emptied.days.values()), emptied.accepted) == ([1, 0, 0], [])
    assert emptied.reasons == [("at", "required", None)]


def test_a_day_whose_numbers_are_texts_is_set_aside_where_nobody_casts_and_the_others_load(pipeline):
    days = ("2024-01-01", "2024-01-02", "2024-01-02")
    records = [
        {"id": n, "at": at, "price": price} for n, (at, price) in enumerate(zip(days, (1.5, "n/a", 2), strict=True))
    ]
    extract = pipeline.write("a.ndjson", ndjson(*records), "ndjson")
    plain = pipeline.run(extract, [ID, AT, cents("price * 100")])
    assert [(row["id"], row["cents"]) for row in plain.accepted] == [(0, 150)]
    assert ["cents: transformLogic over price VARCHAR does not bind" in text for text in plain.bad] == [True]
    cast = pipeline.run(extract, [ID, AT, cents("CAST(price AS DOUBLE) * 100")], rows=3)
    assert [(row["id"], row["cents"]) for row in cast.accepted] == [(0, 150), (2, 200)]
    assert (cast.reasons, cast.bad) == ([("cents", "cast", "n/a")], [])


def test_envelope_with_optional_objects_is_read_by_path(pipeline):
    items = [
        {"id": "a", "meta": {"at": DAY, "geo": {"lat": 1.5}}, "tags": ["x", "y"]},
        {"id": "b", "meta": {"at": DAY}},
        {"id": "c", "meta": {"at": DAY, "geo": None}, "tags": []},
        {"id": "d", "meta": {"at": DAY, "geo": {"lat": "north"}}},
    ]
    columns = [
        prop("id", "varchar(8)"),
        {**AT, "transformLogic": "json_extract_string(meta, '$.at')", "transformSourceObjects": ["meta"]},
        prop("lat", "real", transformLogic="json_extract_string(meta, '$.geo.lat')", transformSourceObjects=["meta"]),
        prop("tags", "super"),
    ]
    body = json.dumps({"status": "ok", "data": {"items": items}}, indent=1)
    extract = pipeline.write("a.json", body, "json", json={"data_selector": "data.items"})
    done = pipeline.run(extract, columns, rows=4)
    assert [(row["id"], row["lat"], row["tags"]) for row in done.accepted] == [
        ("a", 1.5, '["x","y"]'),
        ("b", None, None),
        ("c", None, "[]"),
    ]
    assert done.reasons == [("lat", "cast", "north")]


def test_numbers_beyond_what_a_double_holds_stay_exact(pipeline):
    big = [2**53 + 1, 2**63 - 1, 2**64, -(2**63), 10**30 + 1]
    lines = [f'{{"id": {n}, "at": "{DAY}", "big": {value}}}\n' for n, value in enumerate(big)]
    done = pipeline.run(
        pipeline.write("a.ndjson", "".join(lines), "ndjson"), [ID, AT, prop("big", "decimal(38,0)")], rows=5
    )
    assert [int(value) for value in done.values("big")] == big


def test_fraction_keeps_its_digits_where_others_are_whole(pipeline):
    numbers = ["0.1", "3", "0.12345678901234567890", "1e-7"]
    lines = [f'{{"id": {n}, "at": "{DAY}", "p": {number}}}\n' for n, number in enumerate(numbers)]
    done = pipeline.run(
        pipeline.write("a.ndjson", "".join(lines), "ndjson"), [ID, AT, prop("p", "decimal(30,20)")], rows=4
    )
    assert [value.normalize() for value in done.values("p")] == [Decimal(number).normalize() for number in numbers]


@pytest.mark.parametrize("beside", ["1", "123456789012345678901", "NaN", '"\\ud800"'])
def test_nested_numbers_keep_their_digits_as_numbers(pipeline, beside):
    doc = '{"p":[0.12345678901234567890,1.5],"big":98765432109876543210}'
    line = f'{{"id": 1, "at": "{DAY}", "n": 0.12345678901234567890, "x": {beside}, "doc": {doc}}}\n'
    columns = [ID, AT, prop("n", "decimal(30,20)"), prop("doc", "super")]
    done = pipeline.run(pipeline.write("a.ndjson", line, "ndjson"), columns, rows=1)
    assert (done.values("n"), done.values("doc")) == ([Decimal("0.12345678901234567890")], [doc])


def test_array_object_and_blank_lines(pipeline):
    rows = [{"id": 1, "at": DAY}, {"id": 2, "at": DAY}]
    lines = f"\n{json.dumps(rows[0])}\n\n   \n{json.dumps(rows[1])}"
    assert pipeline.run(pipeline.write("a.ndjson", lines, "ndjson"), [ID, AT], rows=2).values("id") == [1, 2]
    assert pipeline.run(pipeline.write("b.json", json.dumps(rows), "json"), [ID, AT], rows=2).values("id") == [1, 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": 1}\n{"id": 2, "at": "x"\n', "line 2"),
        ('{"id": 1, "ID": 2}\n', "'ID' and 'id'|'id' and 'ID'"),
        ("[1, 2]\n", "data_selector"),
        ('{"id": 1}\n'.encode("utf-16"), "a.ndjson is UTF-16; NDJSON is read as UTF-8 alone"),
        ('{"id": 1}\n'.encode("utf-16-le"), "a.ndjson is UTF-16-LE; NDJSON is read as UTF-8 alone"),
        (json.dumps({f"k{n}": n for n in range(2000)}) + "\n", "2,000 different keys"),
    ],
)
def test_what_is_no_table_is_refused(pipeline, content, said):
    with pytest.raises(SourceError, match=said):
        pipeline.run(pipeline.write("a.ndjson", content, "ndjson"), [ID, AT])


@pytest.mark.parametrize("number", ["2", "0.12345678901234567891"], ids=["plain", "exact"])
def test_the_last_value_of_a_key_that_stands_twice_counts(pipeline, number):
    text = f'{{"id": 1, "at": "{DAY}", "v": "old", "v": "new", "j": {{"a": 1, "a": {number}}}}}\n'
    columns = [ID, AT, prop("v", "varchar(9)"), prop("j", "super")]
    (row,) = pipeline.run(pipeline.write("a.ndjson", text, "ndjson"), columns, rows=1).accepted
    assert (row["v"], row["j"]) == ("new", f'{{"a":{number}}}')


def test_infinite_and_odd_texts(pipeline):
    text = (
        f'{{"id": 1, "at": "{DAY}", "v": "Infinity", "t": "a\\u0000b"}}\n{{"id": 2, "at": "{DAY}", "t": "\\ud83d"}}\n'
    )
    columns = [ID, AT, prop("v", "double precision"), prop("t", "varchar(9)")]
    done = pipeline.run(pipeline.write("a.ndjson", text, "ndjson"), columns, rows=2)
    assert done.reasons == [("v", "cast", "Infinity"), ("t", "nul", "a\0b")]
    assert done.values("t") == ["\ufffd"]


def test_rest_api_keeps_types_and_lands_empty_days(pipeline, api):
    records = [{"id": 1, "at": "2024-01-01T10:00:00Z", "n": {"a": None}}, {"id": 2, "at": "2024-01-03T00:00:00+02:00"}]
    extract = api.serve(records)
    done = pipeline.run(extract, [ID, AT, prop("n", "super")], rows=2, window=("2024-01-01", "2024-01-05"))
    assert done.days == {"2024-01-01": 1, "2024-01-02": 1, "2024-01-03": 0, "2024-01-04": 0}
    assert [(row["at"], row["n"]) for row in done.accepted] == [
        (dt.datetime(2024, 1, 1, 10, tzinfo=UTC), '{"a":null}'),
        (dt.datetime(2024, 1, 2, 22, tzinfo=UTC), None),
    ]
