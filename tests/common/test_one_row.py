"""What a load could not run, or would run over other rows than its own, is told before anything lands."""

import json

import pytest

from lambdas.common.contract.check import check_all
from tests.common.mistakes import changed, line_of, shown

EXPRESSIONS = {
    "row_number() over ()": "no expression over one row: window functions are not allowed",
    "(select 1)": "no expression over one row: TRY can not be used in combination with a scalar subquery",
    "unnest([1,2])": "no expression over one row: UNNEST not supported here; what looks at more than a row is a mart",
    "max(raw_at)": "no expression over one row: aggregates are not allowed",
    "CAST(sum(raw_at / 1000) AS VARCHAR)": "no expression over one row: aggregates are not allowed",
    "string_agg(raw_at, ',')": "no expression over one row: aggregates are not allowed",
    "error(raw_at)": "no expression over one row: TRY can not be used in combination with a volatile function",
    "*": "* reads whatever columns an object has; name those that are meant",
    "COLUMNS(*)": "* reads whatever columns an object has; name those that are meant",
    "(raw_at, raw_at)": "transformLogic gives a TUPLE(VARCHAR, VARCHAR): timestamp holds one value",
    "string_split(raw_at, ';')": "transformLogic gives a VARCHAR[]: timestamp holds one value",
    "raw_at; SELECT 1": "no expression of DuckDB's as it is written",
}
RULES = {
    "max(price) > 0": "no rule over one row: WHERE clause cannot contain aggregates",
    "row_number() over () > 0": "no rule over one row: WHERE clause cannot contain window functions",
    "price IN (SELECT 1)": "no rule over one row: TRY can not be used in combination with a scalar subquery",
    "unnest([true])": "no rule over one row: UNNEST not supported here; over more it is type: sql",
}


@pytest.mark.parametrize("sql", EXPRESSIONS)
def test_an_expression_is_told_with_its_line(assets, sql):
    path = changed(assets, "contract.yaml", "transformLogic: raw_at", f"transformLogic: {json.dumps(sql)}")
    (told,) = check_all(assets)
    assert told.startswith(f"{shown(path)}:{line_of(path, 'transformLogic')}: at: transformLogic")
    assert EXPRESSIONS[sql] in told


@pytest.mark.parametrize("sql", RULES)
def test_a_rule_is_told_with_its_line(assets, sql):
    path = changed(assets, "contract.yaml", "implementation: price > 0", f"implementation: {json.dumps(sql)}")
    (told,) = check_all(assets)
    assert told.startswith(f"{shown(path)}:{line_of(path, 'name: positive')}: quality rule 'positive' is ")
    assert RULES[sql] in told
