"""What an expression or a rule may not ask, lest a rebuild give other rows: the clock, chance, the session."""

import duckdb
import pytest

from lambdas.common.contract.check import check_all
from lambdas.common.contract.compile import compile_contract
from lambdas.common.contract.read import load_contract
from lambdas.common.contract.settled import READS
from lambdas.common.errors import ContractError
from tests.common.mistakes import changed, line_of, shown

# it fails, as its caller wants
PURE = {"error"}
FORGETFUL = "stability = 'VOLATILE' OR (stability = 'CONSISTENT_WITHIN_QUERY' AND len(parameters) = 0)"
UNSETTLED = {
    "now()": "now() reads the clock: a rebuild would give other rows",
    "CASE WHEN raw_at IS NULL THEN current_timestamp END": "current_timestamp reads the clock",
    "CAST(raw_at AS TIMESTAMP) + age(TIMESTAMP '2024-01-01')": "age() reads the clock",
    "list_transform([raw_at], lambda x: x || Today())[1]": "today() reads the clock",
    "raw_at || uuid()": "uuid() is left to chance",
    "CAST(random() AS VARCHAR)": "random() is left to chance",
    "current_setting('TimeZone')": "current_setting() depends on the session",
}


def test_the_names_are_those_of_the_duckdb_in_use():
    sql = f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar' AND ({FORGETFUL})"
    assert {name for (name,) in duckdb.execute(sql).fetchall()} - PURE <= READS.keys()


@pytest.mark.parametrize("sql", UNSETTLED)
def test_an_expression_is_refused_by_the_check_and_by_a_load(assets, sql):
    path = changed(assets, "contract.yaml", "transformLogic: raw_at", f'transformLogic: "{sql}"')
    (told,) = check_all(assets)
    assert told.startswith(f"{shown(path)}:{line_of(path, 'transformLogic')}: at: transformLogic: {UNSETTLED[sql]}")
    with duckdb.connect() as connection, pytest.raises(ContractError, match="at: transformLogic: "):
        compile_contract(connection, load_contract(path), {"id": "VARCHAR", "raw_at": "VARCHAR", "price": "VARCHAR"})


RULES = [
    ("implementation: price > 0", 'implementation: now() >= "at"', "name: positive", "now() reads the clock"),
    ("count(*) FROM ${object}", 'count(*) FROM ${object} WHERE "at" <= current_date', "name: some", "reads the clock"),
]


@pytest.mark.parametrize(("old", "new", "mark", "words"), RULES)
def test_a_rule_is_refused_by_the_check_and_by_a_load(assets, old, new, mark, words):
    path = changed(assets, "contract.yaml", old, new)
    (told,) = check_all(assets)
    assert told.startswith(f"{shown(path)}:{line_of(path, mark)}: ")
    assert words in told
    with (
        duckdb.connect() as connection,
        pytest.raises(ContractError, match=words.replace("(", r"\(").replace(")", r"\)")),
    ):
        compile_contract(connection, load_contract(path), {"id": "VARCHAR", "raw_at": "VARCHAR", "price": "VARCHAR"})


def test_what_changes_no_table_may_read_the_clock(assets):
    changed(assets, "contract.yaml", "count(*) FROM ${object}", 'count(*) FROM ${object} WHERE "at" <= now()')
    changed(assets, "contract.yaml", "mustBeGreaterThan: 0", "mustBeGreaterThan: 0\n        severity: warning")
    assert check_all(assets) == []


def test_a_column_may_be_called_as_the_clock_is(assets):
    changed(assets, "contract.yaml", "transformLogic: raw_at", "transformLogic: substr(current_date, 1)")
    path = changed(assets, "contract.yaml", "[raw_at]", "[current_date]")
    assert check_all(assets) == []
    contract = load_contract(path)
    with duckdb.connect() as connection:
        types = dict.fromkeys(("id", "current_date", "price"), "VARCHAR")
        assert compile_contract(connection, contract, types).rules
