"""Precision and scale of decimal computations (DG/r_numeric_computations201, DG/r_Numeric_types201)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]

# id, price decimal(8,2), part decimal(8,2), quantity smallint, n bigint, f float, d19 decimal(19,2), v varchar
TABLE = (
    "create table {} (id int, price decimal(8,2), part decimal(8,2), quantity smallint, n bigint, f float,"
    " d19 decimal(19,2), v varchar(10))"
)
QUERIES = [
    # DECIMAL(8,2) / DECIMAL(8,2) is DECIMAL(17,9): the page's own example
    ("select price / part from {t}", "33.333333333"),
    # DECIMAL(8,2) / SMALLINT has eight places: DG/declare, costperticket
    ("select price / quantity from {t}", "14.28571428"),
    ("select max(price / quantity) from {t}", "14.28571428"),
    ("select s.price / s.n from {t} s", "9.0909090909090909090909"),
    ("select 1 / price from {t}", "0.0100000"),
    ("select quantity / 2, n / quantity from {t}", "3|1"),
    ("select price / 3.0 from {t}", "33.3333"),
    ("select 2.00 / 3", "0.6666666666666"),
    ("select 1.0 / 3 * 3", "0.999999999999"),
    ("select -2.00 / 3", "-0.6666666666666"),
    ("select price::decimal(10,4) / 7::decimal(3,0) from {t}", "14.28571428"),
    # more than 38 digits: the scale gives way, to four places at least
    ("select d19 / n::decimal(19,0) from {t}", "9.090909090909090909090"),
    ("select d19 / (n::decimal(19,0) / n::decimal(19,0)) from {t}", "100.0000"),
    ("select sum(price) / count(*) from {t}", "100.0000"),
    ("select avg(price) / sum(part) from {t}", "33.3333"),
    ("select 100.0 * quantity / n from {t}", "63.636363636363636363636"),
    # what is around and below the operands
    ("select q.x / q.y from (select price as x, quantity as y from {t}) q", "14.28571428"),
    ("with q as (select price as x, part from {t}) select x / part from q", "33.333333333"),
    ("with q (a, b) as (select price, part from {t}) select a / b from q", "33.333333333"),
    ("select price / y from {t}, (select quantity as y from {t}) q", "14.28571428"),
    ("select x / 7 from (select price as x from {t} union all select 1.5 from {t}) q order by 1 desc limit 1",
     "14.2857142857142"),
    ("select * from (select price / part from {t}) q", "33.333333333"),
    ("select z.price / z.part from (select * from {t}) z", "33.333333333"),
    ("select (select max(price) from {t}) / quantity from {t}", "14.28571428"),
    ("select case when id = 1 then price else part end / quantity from {t}", "14.28571428"),
    ("select nvl(price, 0) / quantity from {t}", "14.28571428"),
    ("select price / quantity / 2 from {t}", "7.1428571400000000000"),
    ("select (price + part) / quantity from {t}", "14.71428571"),
    ("select id from {t} where price / part > 33.3333333329", "1"),
    ("select round(price / part, 2) from {t}", "33.33"),
    ("select sum(price) over () / quantity from {t}", "14.2857"),
    ("select lag(price, 0) over (order by id) / quantity from {t}", "14.28571428"),
    # floats
    ("select price / f, f / 3 from {t}", "50.0|0.6666666666666666"),
    ("select price / 3.0::float from {t}", "33.333333333333336"),
    # casts of what comes from a table cut off; constants are rounded
    ("select (price / part)::decimal(8,2), (-price / 6)::decimal(8,1) from {t}", "33.33|-16.6"),
    ("select (price / 6)::decimal(8,1), 16.666::decimal(8,1) from {t}", "16.6|16.7"),
    ("select (part + 0.4)::int, round(price / 6)::int, n::int, v::varchar(1), f::int from {t}", "3|17|11|x|2"),
    ("select 2.5::int, 2.4::int, -2.5::int, '2'::int", "3|2|-3|2"),
]  # fmt: skip
REFUSED = [
    ("0A000", "select round(price, 1) / part from {t}"),
    ("0A000", "select sum(n) / count(*) from {t}"),
    ("0A000", "select price / 0.5 from {t}"),
    ("0A000", "select nvl(sum(price), 0) / quantity from {t} group by quantity"),
    ("22012", "select price / 0 from {t}"),
    ("22012", "select price / (part - part) from {t}"),
    ("22003", "select price::decimal(4,3) from {t}"),
    ("0A000", "select (price / 6)::int from {t}"),
    ("42846", "select (id = 1)::varchar from {t}"),
    ("42846", "select cast(true as varchar(5))"),
    ("42703", "select nothing / part from {t}"),
    ("42P01", "select a / b from no_such_table"),
]


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.fixture(params=["temp", "schema", "view"])
def table(run: Run, request: pytest.FixtureRequest) -> str:
    """The table under the three kinds of names that its columns are looked up by."""
    if request.param == "temp":
        name = source = "t"
        run(TABLE.replace("create table", "create temp table").format("t"))
    else:
        run("create schema division")
        run(TABLE.format("division.t"))
        source = name = "division.t"
    run(f"insert into {source} values (1, 100, 3, 7, 11, 2, 100, 'x')")
    if request.param == "view":
        name = "division.v"
        run("create view division.v as select * from division.t")
    return name


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql[7:70] for sql, _ in QUERIES])
def test_quotients_have_redshifts_scale(run: Run, sql: str, expected: str) -> None:
    run(TABLE.replace("create table", "create temp table").format("t"))
    run("insert into t values (1, 100, 3, 7, 11, 2, 100, 'x')")
    assert "|".join(str(value) for value in run(sql.format(t="t"))[0]) == expected


def test_columns_are_found_by_every_kind_of_name(run: Run, table: str) -> None:
    assert str(run(f"select price / part from {table}")[0][0]) == "33.333333333"


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[sql[7:70] for _, sql in REFUSED])
def test_a_quotient_of_unknown_scale_is_refused(run: Run, code: str, sql: str) -> None:
    run(TABLE.replace("create table", "create temp table").format("t"))
    run("insert into t values (1, 100, 3, 7, 11, 2, 100, 'x')")
    assert fails(run, sql.format(t="t"))["C"] == code


def test_a_view_and_a_table_keep_the_type_of_a_quotient(run: Run) -> None:
    run(TABLE.replace("create table", "create temp table").format("t"))
    run("insert into t values (1, 100, 3, 7, 11, 2, 100, 'x')")
    run("create temp table q as select price / part as x from t")
    assert str(run("select x / 2 from q")[0][0]) == "16.66666666650000000000"


def test_values_can_be_written_with_quotients(run: Run) -> None:
    run(TABLE.replace("create table", "create temp table").format("t"))
    run("insert into t values (1, 100, 3, 7, 11, 2, 100, 'x')")
    run("update t set f = price / part where price / part > 33")
    run("insert into t (id, price) select id + 1, price / part from t where quantity / 2 = 3")
    assert run("select id, price, f from t order by id")[0][2] == 33.333333333
    assert str(run("select price from t where id = 2")[0][0]) == "33.33"


def test_a_quotient_of_bound_values_divides(run: Run) -> None:
    assert run("select %s / 2, 7 / %s", (7, 2)) == [[3, 3]]


def test_a_statement_that_writes_locks_before_it_looks_up_columns(connect: Callable[..., Any], endpoint: Any) -> None:
    """The look-up takes the snapshot: taken before the lock it would make the statement fail with error 1023."""
    first, second = connect(), connect()
    cursor = first.cursor()
    cursor.execute("create table public.race (a decimal(8,2))")
    cursor.execute("insert into race values (10)")
    first.commit()
    cursor.execute("update race set a = a + 1")
    waiting = threading.Thread(target=lambda: second.cursor().execute("update race set a = a / 2"))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    first.commit()
    waiting.join(10)
    second.commit()
    cursor.execute("select a from race")
    assert str(cursor.fetchone()[0]) == "5.50"
    cursor.execute("drop table race")
    first.commit()
