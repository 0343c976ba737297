"""Rules beside their former selves: what refuses data that passed, or shows what was hidden, is breaking."""

from pathlib import Path

import pytest
import yaml

from lambdas.common.contract.read import read_contract
from lambdas.common.db.compare import compare_contracts
from tests.common.mistakes import CONTRACT

DRIFT = "      - {property: onDrift, value: warn}\n"
PRICE = "          minimum: 0\n"
TYPE = "physicalType: decimal(9,2)\n"
PATH = Path("assets/sources/things/contract.yaml")


def custom(*values):
    return "".join(f"      - {{property: {name}, value: {value}}}\n" for name, value in values)


def multiple_of(number):
    return f"{PRICE}          multipleOf: {number}\n"


def of_price(name, value):
    return f"{TYPE}        customProperties: [{{property: {name}, value: {value}}}]\n"


HIDDEN = TYPE + "        classification: restricted\n"
WORDS = DRIFT + custom(("nullWords", "[n/a]"))
FAIL = DRIFT.replace("warn", "fail")
READ = "transformLogic: raw_at\n        transformSourceObjects: [raw_at]"
SOME = "mustBeGreaterThan: 0\n"
RULE = "        implementation: price > 0\n"
MORE = RULE + "      - {type: custom, engine: duckdb, name: long, implementation: length(id) > 1}\n"
FATAL = SOME + '      - {type: sql, name: few, query: "SELECT count(*) FROM ${object}", mustBeLessThan: 9}\n'
WARNS = FATAL.replace("mustBeLessThan: 9", "mustBeLessThan: 9, severity: warning")
TABLE = FATAL.replace("{object}", "{table}")
BETWEEN = "mustBeBetween: [1, 5]\n"
ROWS, OBJECTS = "rows that were accepted may be rejected", "objects that were loaded may be refused as a whole"

# what becomes of a part of the contract of things: before and after, whether that breaks, and what is said of it
CHANGES = {
    PRICE: [
        (PRICE, multiple_of(2), True, f"price: multipleOf (none) becomes 2: {ROWS}"),
        (multiple_of(3), multiple_of(2), True, f"multipleOf 3 becomes 2: {ROWS}"),
        (multiple_of(4), multiple_of(2), False, "more rows are accepted"),
        (multiple_of(4), PRICE, False, "multipleOf 4 becomes (none): more rows are accepted"),
    ],
    RULE: [
        (RULE, MORE, True, f": row rule 'long' is new: {ROWS}"),
        (RULE, RULE.replace("> 0", "> 1"), True, f": row rule 'positive' is another: {ROWS}"),
        (MORE, RULE, False, ": row rule 'long' is gone: more rows are accepted"),
    ],
    SOME: [
        (SOME, FATAL, True, f": quality rule 'few' is new: {OBJECTS}"),
        (SOME, WARNS, False, ": quality rule 'few' is new: objects that break it are remarked"),
        (WARNS, FATAL, True, f": quality rule 'few' refuses now: {OBJECTS}"),
        (FATAL, WARNS, False, ": quality rule 'few' only warns now: objects that break it are remarked"),
        (FATAL, SOME, False, ": quality rule 'few' is gone: more objects are loaded"),
        (SOME, TABLE, False, ": quality rule 'few' over the table is new: its check may fail, nothing is refused"),
        (TABLE, TABLE.replace("9", "8"), False, ": quality rule 'few' over the table is another: its check may fail"),
        (TABLE, SOME, False, ": quality rule 'few' over the table is gone: nothing was refused for it"),
        (SOME, SOME.replace("0", "2"), True, f"'some' mustBeGreaterThan 0 becomes mustBeGreaterThan 2: {OBJECTS}"),
        (SOME.replace("0", "2"), SOME, False, "becomes mustBeGreaterThan 0: more objects are loaded"),
        (SOME, "mustBeLessThan: 9\n", True, f"mustBeGreaterThan 0 becomes mustBeLessThan 9: {OBJECTS}"),
        ("mustBeLessThan: 9\n", "mustBeLessThan: 8\n", True, f"becomes mustBeLessThan 8: {OBJECTS}"),
        ("mustBeLessThan: 8\n", "mustBeLessThan: 9\n", False, "becomes mustBeLessThan 9: more objects are loaded"),
        (BETWEEN, BETWEEN.replace("5", "4"), True, f"becomes mustBeBetween [1, 4]: {OBJECTS}"),
        (BETWEEN, BETWEEN.replace("1", "2"), True, f"becomes mustBeBetween [2, 5]: {OBJECTS}"),
        (BETWEEN, BETWEEN.replace("5", "6"), False, "becomes mustBeBetween [1, 6]: more objects are loaded"),
    ],
    "count(*) FROM": [
        ("count(*) FROM", "count(*) + 1 FROM", True, f": quality rule 'some' is another: {OBJECTS}"),
    ],
    DRIFT: [
        (DRIFT, FAIL, True, ": onDrift warn becomes fail: objects whose raw columns differ from"),
        (FAIL, DRIFT, False, ": onDrift fail becomes warn: less is refused"),
        (DRIFT, DRIFT.replace("warn", "ignore"), False, ": onDrift warn becomes ignore: drift is not reported"),
        (FAIL + custom(("ignoredColumns", "[note]")), FAIL, True, ": objects with note are refused"),
        (FAIL + custom(("ignoredColumns", "['*']")), FAIL, True, ": objects with other raw columns are refused"),
        (FAIL, FAIL + custom(("maxRejectedRatio", 0.1)), True, f": maxRejectedRatio (none) becomes 0.1: {OBJECTS}"),
        (custom(("maxRejectedRatio", 0.2)), custom(("maxRejectedRatio", 0.1)), True, OBJECTS),
        (custom(("maxRejectedRatio", 0.1)), custom(("maxRejectedRatio", 0.2)), False, "more objects are loaded"),
        (DRIFT, WORDS, True, ": nullWords of id, at, price gain 'n/a': values that were kept are none from now on, and "
         "rows that have them in id, at are rejected"),
        (WORDS, DRIFT, True, ": nullWords of id, at, price lose 'n/a': rows that have them are rejected"),
    ],
    TYPE: [
        (TYPE, of_price("nullWords", "[x]"), True, "price: nullWords gain 'x': values that were kept are none"),
        (TYPE, of_price("rawType", "text"), False, "price: rawType (none) becomes 'text': another is reported"),
        (of_price("rawType", "text"), TYPE, False, "price: rawType 'text' becomes (none): any that can be read"),
        (HIDDEN, TYPE, True, "price: is restricted no more: the API, schema bi and rejected rows show what"),
    ],
    "varchar(8)": [
        ("varchar(8)\n        customProperties: [{property: nullWords, value: [x]}]", "varchar(8)", False,
         "id: nullWords lose 'x': they are values now"),
    ],
}  # fmt: skip


def contract_with(*pairs):
    text = CONTRACT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return read_contract(yaml.safe_load(text), PATH, "source")


@pytest.mark.parametrize(
    ("place", "before", "after", "breaking", "words"),
    [pytest.param(place, *change, id=change[-1]) for place, changes in CHANGES.items() for change in changes],
)
def test_rule_that_changes_is_told_with_what_becomes_of_data(place, before, after, breaking, words):
    (change,) = compare_contracts(contract_with((place, before)), contract_with((place, after)))
    assert change.breaking == breaking
    assert words in f"{change.column}: {change.text}"


def test_what_is_read_anew_or_of_one_type_alone_is_breaking_where_drift_is_refused():
    before = contract_with((DRIFT, FAIL))
    (change,) = compare_contracts(before, contract_with((DRIFT, FAIL), (TYPE, of_price("rawType", "number"))))
    assert (change.text, change.breaking) == (
        "rawType (none) becomes 'number': objects with another are refused", True)  # fmt: skip
    read = contract_with((DRIFT, FAIL), (READ, READ.replace("raw_at", "Other_At")))
    assert [change.text.split(":")[0] for change in compare_contracts(before, read) if change.breaking] == [
        "objects without other_at are refused",
        "objects with raw_at are refused",
    ]


def test_a_rule_with_another_name_alone_is_no_change():
    renamed = contract_with(("name: positive", "name: above_zero"), ("name: some\n", "name: any\n"))
    assert compare_contracts(contract_with(), renamed) == []
