"""What the contract decides over objects that others dropped: bad ones, drift, limits, unique values, its own rules."""

import datetime as dt
import json

import pyarrow as pa
import pytest

from lambdas.common.errors import ContractError
from tests.sources.pipeline import AT, ID, prop
from tests.sources.test_tables import parquet, table

KEY = "2024/01/01/data_x.parquet"
SECRET = prop("pin", "varchar(8)", classification="restricted")


def numbers(*values) -> bytes:
    return parquet(table(v=pa.array(values)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no readable Parquet"),
        (numbers(1)[:-9], "no readable Parquet"),
        (b"PARE" + bytes(40) + b"PARE", "no readable Parquet"),
        (parquet(pa.table({f"c{n}": [1] for n in range(10_000)})), "10,000 columns; an object has at most 1,600"),
        (parquet(pa.table({"id": [1], "File_row_number": [2]})), "File_row_number"),
        (parquet(pa.table({"id": [1], "§row": [2]})), "§row"),
    ],
    ids=["zero bytes", "truncated", "encrypted", "10,000 columns", "the reader's name", "the reader's mark"],
)
def test_bad_object_is_set_aside_and_the_others_load(pipeline, body, reason):
    pipeline.put(KEY, body)
    pipeline.put("2024/01/01/data_y.parquet", numbers(1, 2))
    done = pipeline.run(None, [ID, AT, prop("v", "integer")], rows=2)
    assert done.values("v") == [1, 2]
    assert len(done.bad) == 1
    assert reason in done.bad[0]


def test_columns_named_as_the_platform_s_own_are_only_data(pipeline):
    rows = {"_raw_row": [7, 8], "_raw_key": ["a", "b"], "raw:id": ["x", "y"], "_loaded_at": [1, 2]}
    pipeline.put(KEY, parquet(table(**{name: pa.array(values) for name, values in rows.items()})))
    columns = [ID, AT, prop("row", "integer", transformLogic="_raw_row", transformSourceObjects=["_raw_row"])]
    done = pipeline.run(None, columns, rows=2, custom={"ignoredColumns": ["*"]})
    assert done.values("row") == [7, 8]
    assert done.drift == []


@pytest.mark.parametrize(
    ("column", "drift"),
    [
        (pa.array([1, 2]), []),
        (pa.array(["1", "2"]), []),
        (pa.array([True, False]), ["raw column 'v' is now boolean (BOOLEAN); v is read from number or text"]),
        (pa.array([dt.date(2024, 1, 1)] * 2), ["raw column 'v' is now time (DATE); v is read from number or text"]),
        (None, ["raw column 'v' is lost: the contract reads it"]),
    ],
    ids=["number", "text", "boolean", "date", "lost"],
)
def test_changed_and_lost_columns_are_reported(pipeline, column, drift):
    pipeline.put(KEY, parquet(table(v=column) if column is not None else table()))
    done = pipeline.run(None, [ID, AT, prop("v", "integer")], rows=2)
    assert done.drift == drift


def test_type_that_the_contract_expects_is_told_from_another_that_casts(pipeline):
    pipeline.put(KEY, parquet(table(v=pa.array(["1", "2"]), w=pa.nulls(2, pa.string()))))
    columns = [ID, AT, *(prop(name, "integer", custom={"rawType": "number"}) for name in "vw")]
    done = pipeline.run(None, columns, rows=2)
    assert done.drift == ["raw column 'v' is now text (VARCHAR); v is read from number"]
    assert done.values("v") == [1, 2]


@pytest.mark.parametrize(("policy", "bad", "reported"), [("warn", 0, 1), ("fail", 1, 0), ("ignore", 0, 0)])
def test_drift_warns_fails_or_is_ignored(pipeline, policy, bad, reported):
    pipeline.put(KEY, parquet(table(v=pa.array([1]), surprise=pa.array(["x"]))))
    done = pipeline.run(None, [ID, AT, prop("v", "integer")], custom={"onDrift": policy})
    assert (len(done.bad), len(done.drift)) == (bad, reported)
    assert all("surprise" in text for text in done.bad + done.drift)


def test_first_row_of_a_unique_value_stays(pipeline):
    pipeline.put(KEY, numbers(5, None, 5, 6, None, 5, -1, -1))
    column = prop("v", "integer", unique=True, logicalTypeOptions={"minimum": 0})
    done = pipeline.run(None, [ID, AT, column], rows=8)
    assert done.values("id") == [0, 1, 3, 4]
    assert done.reasons == [
        ("v", "unique", "5"), ("v", "unique", "5"), ("v", "minimum", "-1"), ("v", "minimum", "-1")
    ]  # fmt: skip


def test_texts_that_differ_in_trailing_blanks_alone_are_one_unique_value(pipeline):
    texts = ["a", "a ", " a", "A"]
    pipeline.put(KEY, parquet(table(v=pa.array(texts))))
    done = pipeline.run(None, [ID, AT, prop("v", "varchar(4)", unique=True)], rows=4)
    assert (done.values("v"), done.reasons) == (["a", " a", "A"], [("v", "unique", "a ")])


def test_row_rules_see_typed_values_and_pass_where_one_is_missing(pipeline):
    body = parquet(table(low=pa.array(["1", "10", None, "x"]), high=pa.array([2, 9, 1, 5]), pin=pa.array(["0"] * 4)))
    pipeline.put(KEY, body)
    rule = {"type": "custom", "engine": "duckdb"}
    quality = [
        {**rule, "name": "low_below_high", "implementation": "low < high"},
        {**rule, "name": "pin_fits", "implementation": "pin <> '0' OR high < 9"},
    ]
    even = [{**rule, "name": "even", "implementation": "high % 2 = 0 OR high > 4"}]
    columns = [ID, AT, prop("low", "integer"), prop("high", "bigint", quality=even), SECRET]
    done = pipeline.run(None, columns, rows=4, quality=quality)
    assert done.values("id") == [0]
    assert [(row["raw_row"], r["column"], r["rule"], r["value"]) for row in done.rejected for r in row["reasons"]] == [
        (1, "low, high", "low_below_high", '{"low":10,"high":9}'),
        (1, "pin, high", "pin_fits", '{"pin":"***","high":9}'),
        (2, "high", "even", "1"),
        (3, "low", "cast", "x"),
    ]


@pytest.mark.parametrize("sql", ["hight > 1", "v +", "v + 1"])
def test_row_rule_that_means_nothing_is_the_contract_s_mistake(pipeline, sql):
    pipeline.put(KEY, numbers(1))
    rule = {"type": "custom", "engine": "duckdb", "name": "odd", "implementation": sql}
    with pytest.raises(ContractError, match="odd"):
        pipeline.run(None, [ID, AT, prop("v", "integer")], quality=[rule])


@pytest.mark.parametrize(("limit", "bad"), [(0.5, 0), (0.49, 1), (0, 1)])
def test_too_many_rejected_rows_refuse_the_object(pipeline, limit, bad):
    pipeline.put(KEY, parquet(table(v=pa.array(["1", "x", "3", "y"]))))
    done = pipeline.run(None, [ID, AT, prop("v", "integer")], custom={"maxRejectedRatio": limit})
    assert len(done.bad) == bad
    for reason in done.bad:
        assert reason.startswith("2 of 4 rows are rejected, more than maxRejectedRatio")
        assert "v cast (2)" in reason


@pytest.mark.parametrize(
    ("rule", "bad", "warned"),
    [
        ({"mustBeGreaterThan": 1}, 0, 0),
        ({"mustBeGreaterThan": 2}, 1, 0),
        ({"mustBeBetween": [3, 9], "severity": "warning"}, 0, 1),
    ],
)
def test_rules_over_an_object_refuse_it_or_warn(pipeline, rule, bad, warned):
    pipeline.put(KEY, numbers(1, 2))
    pipeline.put("2024/01/02/data_x.parquet", numbers())
    query = {"type": "sql", "name": "enough", "query": "SELECT count(${property}) FROM ${object} WHERE id >= 0", **rule}
    done = pipeline.run(None, [ID, AT, prop("v", "integer", quality=[query])])
    assert (len(done.bad), len(done.warnings)) == (bad, warned)
    assert all("'enough': the query gives 2" in text for text in done.bad + done.warnings)


def test_values_of_restricted_columns_are_masked_everywhere(pipeline):
    body = parquet(table(pin=pa.array(["123456789", "1", "1"]), Code=pa.array(["99", "x", "7"])))
    pipeline.put(KEY, body)
    unique = {**SECRET, "unique": True}
    code = prop("code", "integer", classification="restricted")
    done = pipeline.run(None, [ID, AT, unique, code], rows=3, custom={"maxRejectedRatio": 1})
    assert done.reasons == [("pin", "bytes", "***"), ("code", "cast", "***")]
    assert [json.loads(row["raw"])["Code"] for row in done.rejected] == ["***", "***"]
    assert "123456789" not in str(done.rejected)
