"""SUPER: paths, unnesting, dynamic types (DG/query-super, DG/limitations-super, DG/c_Array_Functions)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]

ORDERS = """
create temp table customers as select 1 as id, json_parse('
{"name": "Ann", "Mixed": 1, "tags": ["a", "b"],
 "orders": [{"key": 10, "status": "P", "price": 12.50, "lines": [{"part": 7}, {"part": "A55"}]},
            {"key": 11, "status": "O ", "price": null, "lines": []}]}') as data
union all select 2, json_parse('{"name": 5, "orders": "none"}')
"""

QUERIES = [
    ("select c.data.orders[0].key from customers c where id = 1", [["10"]]),
    ("select data.orders[1].status, data.tags[1] from customers where id = 1", [['"O "', '"b"']]),
    ("select data.name::varchar, data.name::int from customers order by id", [["Ann", None], ["5", 5]]),
    ("select c.data.nothing.at.all, c.data.orders[9].key, c.data.tags['x'::int] from customers c where id = 2",
     "0A000"),
    ("select c.data.nothing.at.all, c.data.orders[9].key from customers c where id = 1", [[None, None]]),
    ("select c.data.mixed, c.data.\"Mixed\" from customers c where id = 1", [[None, None]]),
    ("select c.id, o.key from customers c, c.data.orders as o order by 2", [[1, "10"], [1, "11"]]),
    ("select o.key, i from customers c, c.data.orders o at i order by i", [["10", 0], ["11", 1]]),
    ("select l.part from customers c, c.data.orders o, o.lines l order by l.part", [["7"], ['"A55"']]),
    ("select t from customers c, c.data.tags t where t = 'b'", [['"b"']]),
    ("select l.part from customers c, c.data.orders[0].lines l order by l.part desc", [['"A55"'], ["7"]]),
    ("select c.id, o.key from customers c left join c.data.orders o on true order by 1, 2",
     [[1, "10"], [1, "11"], [2, None]]),
    ("select id, (select count(*) from c.data.orders o) from customers c order by 1", [[1, 2], [2, 0]]),
    ("select attr, json_typeof(val) from customers c, unpivot c.data as val at attr where id = 1 order by 1",
     [["Mixed", "number"], ["name", "string"], ["orders", "array"], ["tags", "array"]]),
    ("select o.status from customers c, c.data.orders o where o.status = 'O' and o.key > 10", [['"O "']]),
    ("select count(*) from customers c where c.data.name = '5'", [[0]]),
    ("select count(*) from customers c where c.data.name = 5 or c.data.name in ('Ann', 'Bob')", [[2]]),
    ("select count(*) from customers c where c.data.name <= 'B'", [[1]]),
    ("select c.data.name <= 'B', c.data.name = 'B' from customers c where id = 2", [[None, False]]),
    ("select data.name like 'A%' from customers order by id", [[True], [None]]),
    ("select a.id from customers a join customers b on a.data.name = b.data.name order by 1", [[1], [2]]),
    ("select data.orders[0].status, count(*) from customers group by data.orders[0].status order by 1",
     [['"P"', 1], [None, 1]]),
    ("select data.name, data.orders[0].key + 1, 2 * data.orders[0].price from customers where id = 1",
     [['"Ann"', "11", "25.00"]]),
    ("select count(*) from customers where data.orders[0].key is not null", [[1]]),
    ("select data.orders::varchar is null, json_serialize(data.tags) from customers where id = 1",
     [[True, '["a","b"]']]),
    ("select data.orders[0].price::decimal(5,1), data.orders[0].price::decimal(2,1) from customers where id = 1",
     [[Decimal("12.5"), None]]),
    ("select x.data.name from (select data from customers) x order by x.data.name", [["5"], ['"Ann"']]),
    ("select arr from (select json_parse('[[1.1, 1.2], [2.1]]') as m) f, f.m as arr, arr as e where e > 1.15",
     [["[1.1,1.2]"], ["[2.1]"]]),
]  # fmt: skip
VALUES = [
    ("select 5::super::bool, 5.0::super::bool, true::super::bool", [True, None, True]),
    ("select '2001-09-08'::super::date, 'x'::super::date", [dt.date(2001, 9, 8), None]),
    ("select 'Good'::super::integer, 2.7::super::int, 70000::super::smallint, '12'::super::int", [None, 3, None, 12]),
    ("select 'abc'::super, 1.50::super, true::super", ['"abc"', "1.50", "true"]),
    ("select array(1, 50, null, 100), array(1, 'abc', true, 3.14), array()",
     ["[1,50,null,100]", '[1,"abc",true,3.14]', "[]"]),
    ("select object('a', 1, 'b', true, 'c', 3.14), object()", ['{"a":1,"b":true,"c":3.14}', "{}"]),
    ("select object('a', object('aa', 1), 'b', array(2, 3), 'c', json_parse('{}'))",
     ['{"a":{"aa":1},"b":[2,3],"c":{}}']),
    ("select array_concat(array(10001, 10002), array(10003)), subarray(array('a', 'b', 'c', 'd', 'e', 'f'), 2, 3)",
     ["[10001,10002,10003]", '["c","d","e"]']),
    ("select split_to_array('12|345|6', '|'), split_to_array('a,b')", ['["12","345","6"]', '["a","b"]']),
    ("select get_array_length(array(1, 2)), get_array_length(json_parse('{}'))", [2, None]),
    ("select is_array(array(1)), is_object(object()), is_scalar(json_parse('1')), is_varchar('x'::super), "
     "is_integer(json_parse('1.5')), is_decimal(json_parse('1.5')), is_array(null)",
     [True, True, True, True, False, True, False]),
    ("select json_typeof(json_parse('null')), json_typeof(1.5::super), json_typeof('a'::super)",
     ["null", "number", "string"]),
    ("select json_extract_path_text('{\"f2\":{\"f3\":1},\"f4\":{\"f6\":\"star\"}}', 'f4', 'f6')", ["star"]),
    ("select json_extract_path_text('{\"a\":1}', 'b'), json_extract_path_text('{\"a\":', 'a', true)", ["", None]),
    ("select json_extract_array_element_text('[111,112,113]', 2), json_extract_array_element_text('[1]', 9)",
     ["113", ""]),
    ("select json_extract_array_element_text('[1,', 0, true), json_array_length('[11,12,13,{\"f1\":1},[2]]')",
     [None, 5]),
    ("select can_json_parse('{\"a\":1,\"a\":2}'), is_valid_json('{\"a\":1}'), is_valid_json_array('[1]')",
     [False, True, True]),
]  # fmt: skip
REFUSED = [
    ("42846", "select '2019-09-09'::date::super"),
    ("22030", """select json_parse('{"a":1,"a":2}')"""),
    ("22P05", r"""select json_parse('{"a":"\\u0000"}')"""),
    ("XX000", """select json_extract_path_text('{"a":', 'a')"""),
    ("0A000", "select count(*) from customers c where c.data.orders[1].price is null"),
    ("0A000", "select c.id from customers c right join c.data.orders o on true"),
    ("42883", "select a.id from customers a join customers b on a.data = b.data"),
    ("0A000", "select o.* from customers c, c.data.orders o"),
    ("0A000", "select c.data.orders[0, 1] from customers c"),
]


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql[7:70] for sql, _ in QUERIES])
def test_paths_lead_where_redshifts_lead(run: Run, sql: str, expected: Any) -> None:
    run(ORDERS)
    if isinstance(expected, str):
        assert fails(run, sql)["C"] == expected
    else:
        assert run(sql) == expected


@pytest.mark.parametrize(("sql", "expected"), VALUES, ids=[sql[7:70] for sql, _ in VALUES])
def test_super_values_are_redshifts(run: Run, sql: str, expected: list[Any]) -> None:
    assert run(sql)[0] == expected


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[sql[7:70] for _, sql in REFUSED])
def test_what_super_cannot_do_is_refused(run: Run, code: str, sql: str) -> None:
    run(ORDERS)
    assert fails(run, sql)["C"] == code


def test_order_of_types_is_boolean_number_string_array_object(run: Run) -> None:
    run("create temp table r (n super)")
    for value in (
        "'AWS'::super",
        "1::super",
        "array(1, 'abc', null)",
        "(-2.5)::super",
        "'Amazon'::super",
        "object()",
        "true::super",
    ):
        run(f"insert into r select {value}")
    assert [row[0] for row in run("select n from r order by n")] == [
        "true", "-2.5", "1", '"AWS"', '"Amazon"', '[1,"abc",null]', "{}",
    ]  # fmt: skip


def test_super_has_its_own_type_number(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("select json_parse('[1]') as a, array(1) as b")
    assert [column[1] for column in cursor.description] == [4000, 4000]


def test_a_path_column_is_named_after_its_last_attribute(shared: Any, run: Run) -> None:
    run(ORDERS)
    cursor = shared.cursor()
    cursor.execute("select c.data.orders[0].key, data.tags[0], c.data.name from customers c")
    assert [column[0] for column in cursor.description] == ["key", "tags", "name"]
