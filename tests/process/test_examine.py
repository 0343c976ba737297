"""What the tables hold, in numbers: each is true after a change that somebody made behind the load's back."""

import datetime as dt
from dataclasses import replace

import pytest
import yaml

from lambdas.common.contract.quality import read_rules
from lambdas.common.db.prove import EVER
from lambdas.common.db.redshift import execute, query
from lambdas.common.db.sql import statement
from lambdas.common.errors import RequestError
from lambdas.common.lake import raw_key
from lambdas.process.examine import _examine as examine
from lambdas.process.examine import _examine_ledger as examine_ledger
from lambdas.process.examine import _read_mart as read_mart
from lambdas.process.examine import examine_source
from tests.process.test_prove import DAY, NEXT, A, B, C, row

END = dt.date(2024, 3, 3)


@pytest.fixture(scope="module")
def loaded(make_source):
    """Two keys on one day, one with a rejected row on the next."""
    source = make_source(version=True)
    source.put(DAY, A, [row("a"), row("b")])
    source.put(NEXT, C, [row("c"), row("d", n=101)])
    source.load(DAY, END)
    return source


def lake(source):
    """Where its raw objects lie."""
    return source.s3, source.bucket


def numbers(source, *changes: str, days=EVER) -> dict:
    """The numbers after these statements, which go with their transaction."""
    with source.warehouse.session("tests") as connection:
        for sql in changes:
            execute(connection, sql.format(core=f"core.{source.contract.name}"))
        return examine(source.contract, days, lake(source), connection)


def test_what_was_loaded_is_well(loaded):
    found = numbers(loaded)
    assert (found["rows"], found["nulls"], found["doubled"]) == (3, {"id": 0, "at": 0}, {"id": 0})
    assert found["newest"] == "2024-03-01T10:00:00"
    assert [(d["day"], d["rows_accepted"], d["rows_rejected"]) for d in found["days"]] == [
        ("2024-03-01", 2, 0),
        ("2024-03-02", 1, 1),
    ]


def test_a_key_that_stands_twice_is_counted_once(loaded):
    double = "INSERT INTO {core} SELECT * FROM {core} WHERE id = 'a'"
    assert numbers(loaded, double, double)["doubled"] == {"id": 1}


def test_days_bound_what_is_examined(loaded):
    double = "INSERT INTO {core} SELECT * FROM {core} WHERE id = 'a'"
    found = numbers(loaded, double, days=(NEXT, END))
    assert (found["rows"], found["doubled"]) == (1, {"id": 0})
    assert found["doubled_days"] == found["nulls_days"] == []
    first = numbers(loaded, double, days=(DAY, NEXT))
    assert (first["doubled"], first["doubled_days"]) == ({"id": 1}, ["2024-03-01/2024-03-01"])
    assert [[d["day"] for d in numbers["days"]] for numbers in (found, first)] == [["2024-03-02"], ["2024-03-01"]]


def test_rows_that_share_a_value_have_all_their_days_told(loaded):
    double = "UPDATE {core} SET id = 'a' WHERE id = 'c'"
    for days in ((DAY, NEXT), (NEXT, END), EVER):
        assert numbers(loaded, double, days=days)["doubled_days"] == ["2024-03-01/2024-03-02"]


def test_a_required_value_that_is_missing_is_counted(loaded):
    columns = tuple(replace(c, required=True) if c.name == "n" else c for c in loaded.contract.columns)
    strict = replace(loaded, contract=replace(loaded.contract, columns=columns))
    assert numbers(strict)["nulls"]["n"] == 0
    lost = numbers(strict, "UPDATE {core} SET n = NULL WHERE id = 'c'")
    assert (lost["nulls"], lost["nulls_days"]) == ({"id": 0, "at": 0, "n": 1}, ["2024-03-02/2024-03-02"])


RULES = [
    # a query over the three rows, its bound, whether it holds, what is said
    ("SELECT COUNT(*) FROM ${table}", "mustBe: 3", True, "its query gives 3, mustBe 3"),
    ("SELECT COUNT(*) FROM ${table} WHERE id LIKE 'a%'", "mustBe: 0", False, "its query gives 1, mustBe 0"),
    ("SELECT MAX(n) FROM ${table} WHERE id = 'nobody'", "mustBeLessThan: 5", False, "its query gives None"),
    ("SELECT id FROM ${table}", "mustBe: 1", False, "its query does not run: "),
    (
        "SELECT COUNT(DISTINCT ${property}) FROM ${table}",
        "mustBeBetween: [3, 4]",
        True,
        "gives 3, mustBeBetween [3, 4]",
    ),
]


def ruled(source, rules: list, **column: object):
    """The source with these rules over its table, stated by its key, which is changed so."""
    stated = [
        {"type": "sql", "name": f"rule {n}", "query": query, **yaml.safe_load(bound)}
        for n, (query, bound, *_) in enumerate(rules)
    ]
    document = {"name": source.contract.name, "properties": [{"name": "id", "quality": stated}]}
    columns = tuple(replace(c, **column) if c.name == "id" else c for c in source.contract.columns)
    found = read_rules(document, source.contract.path).tables
    return replace(source, contract=replace(source.contract, columns=columns, table_rules=found))


def test_rules_over_the_table_are_asked_of_the_warehouse_each_by_itself(loaded):
    found = numbers(ruled(loaded, RULES))["rules"]
    assert [(told["rule"], told["holds"]) for told in found] == [(f"rule {n}", r[2]) for n, r in enumerate(RULES)]
    assert all(words in told["text"] for told, (*_, words) in zip(found, RULES, strict=True))


def test_a_rule_over_the_table_sees_what_no_object_shows(loaded):
    source = ruled(loaded, [("SELECT COUNT(*) - COUNT(DISTINCT n) FROM ${table}", "mustBe: 0")])
    assert [told["holds"] for told in numbers(source, "UPDATE {core} SET n = 7")["rules"]] == [False]


def test_what_a_rule_finds_in_a_restricted_column_is_not_told(loaded):
    rules = [("SELECT MAX(id) FROM ${table}", "mustBe: 0"), ("SELECT COUNT(*) FROM ${table}", "mustBe: 3")]
    found = numbers(ruled(loaded, rules, classification="restricted"))["rules"]
    assert [told["text"] for told in found] == ["its query does not run: ***", "its query gives ***, mustBe 3"]


def test_what_the_ledger_remarks_of_objects_in_force_is_told(loaded):
    assert numbers(loaded)["remarks"] == []
    remark = "UPDATE ops.load_ledger SET reason = '[drift rule] put in other words' WHERE raw_key = '{key}'"
    found = numbers(loaded, remark.replace("{key}", raw_key(loaded.contract.name, NEXT, C)))
    (told,) = found["remarks"]
    assert (told["status"], told["reason"], told["objects"]) == ("loaded", "put in other words", 1)
    assert told["kinds"] == ["drift", "rule"]
    assert (told["first"], told["last"]) == ("2024-03-02", "2024-03-02")


def test_of_a_load_s_days_the_ledger_says_what_it_says_of_many(loaded):
    key = raw_key(loaded.contract.name, DAY, A)
    with loaded.warehouse.session("tests") as connection:
        execute(connection, f"UPDATE ops.load_ledger SET reason = '[drift] new' WHERE raw_key = '{key}'")
        ranges = ((NEXT, END), (DAY, NEXT), (END - dt.timedelta(days=7), END))
        after, load, week = (examine_ledger(loaded.contract, days, connection) for days in ranges)
    assert load["remarks"] == week["remarks"]
    assert [remark["kinds"] for remark in load["remarks"]] == [["drift"]]
    assert after["remarks"] == []
    assert [*load["days"], *after["days"]] == week["days"]
    assert load.keys() == {"source", "remarks", "days"}, "a load waits for nothing that its checks do not read"


def test_the_latest_day_is_over_and_loaded_whatever_days_are_asked_for(make_source):
    source, today = make_source(), dt.datetime.now(dt.UTC).date()
    yesterday, before, first = (today - dt.timedelta(days=n) for n in (1, 2, 40))
    for day, rows in ((first, 3), (before, 2), (yesterday, 4), (today, 1)):
        source.put(day, A, [row(f"r{n}") for n in range(rows)])
    source.load(first, today + dt.timedelta(days=1))

    def latest(days=EVER):
        with source.warehouse.session("tests") as connection:
            return examine(source.contract, days, lake(source), connection)["latest"]

    assert latest() == latest((first, first)) == {"day": str(yesterday), "rows": 4, "before": [3, 2]}
    source.put(yesterday, B, [row("more")])
    assert latest() == {"day": str(before), "rows": 2, "before": [3]}, "half of yesterday is not loaded"
    source.load(yesterday)
    assert latest() == {"day": str(yesterday), "rows": 5, "before": [3, 2]}


def test_a_source_without_a_day_that_is_over_has_no_latest_day(make_source):
    source = make_source()
    with source.warehouse.session("tests") as connection:
        assert examine(source.contract, EVER, lake(source), connection)["latest"] is None


def test_only_the_ledger_can_be_asked_for_alone():
    with pytest.raises(RequestError, match="only is 'tables'; expected ledger"):
        examine_source({"source": "earthquakes", "only": "tables"}, 0)


@pytest.mark.parametrize(("number", "doubled"), [(1, 0), (2, 1)])
def test_a_mart_s_key_that_stands_twice_is_counted(loaded, number, doubled):
    rows = " UNION ALL ".join(["SELECT DATE '2024-01-01' AS event_day"] * number)
    sql = statement("examine_grain").format(columns="event_day", mart=f"({rows}) AS m")
    with loaded.warehouse.session("tests") as connection:
        assert int(query(connection, sql)[0]["doubled"]) == doubled


@pytest.mark.parametrize(("sla", "newest"), [({"freshness": (1, "d")}, "2024-03-01T10:00:00"), ({}, None)])
def test_how_new_a_mart_is_is_looked_at_where_its_contract_says_how_new_it_has_to_be(loaded, sla, newest):
    mart = replace(loaded.contract, kind="mart", sla=sla)
    with loaded.warehouse.session("tests") as connection:
        execute(connection, f"CREATE TABLE mart.{mart.name} AS SELECT * FROM core.{mart.name}")
        assert read_mart(mart, connection) == {
            "mart": mart.name,
            "doubled": {"id": 0},
            "newest": newest,
            "rules": [],
        }
