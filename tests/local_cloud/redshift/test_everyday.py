"""Small things that people write every day, and small things that only PostgreSQL takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]


@pytest.fixture
def table(shared_run: Run) -> Run:
    shared_run("create table day (a int, b varchar(9) default 'new', c boolean, t timestamp)")
    shared_run("insert into day values (1, 'x', true, '2024-03-05 10:00'), (2, null, false, '2024-04-06')")
    return shared_run


TAKEN = [
    (
        "select (date '2024-01-10' - row_number() over (order by a))::date from day order by 1 limit 1",
        dt.date(2024, 1, 8),
    ),
    ("select substring(t, 6, 2) from day where a = 1", "03"),
    ("select a from day where a = any (select 2)", 2),
    ("select a from day where a <> /* not in */ all (select 2)", 1),
    ("with recursive n (x) as (select 1 union all select x + 1 from n where x < 3) select max(x) from n", 3),
]
REFUSED = [
    ("with recursive n as (select 1 as x union all select x + 1 from n where x < 3) select x from n", "0A000"),
    ("with recursive n (x) as (select 1 union select x + 1 from n where x < 3) select x from n", "0A000"),
    ("select count(distinct a, b) from day", "42883"),
    ("select Count(Distinct (a, b)) from (select a, b from day) q", "42883"),
    ("select from day", "42601"),
    ("select a from day where a between symmetric 3 and 1", "42601"),
    ("select d.CTID from day d", "42703"),
    ("select a from day where a = any (array[1])", "0A000"),
    ("insert into day (b) select c from day", "42804"),
]


@pytest.mark.parametrize(("sql", "value"), TAKEN)
def test_taken(table: Run, sql: str, value: Any) -> None:
    assert table(sql) == [[value]]


@pytest.mark.parametrize(("sql", "code"), REFUSED)
def test_refused(table: Run, sql: str, code: str) -> None:
    assert fails(table, sql)["C"] == code


def test_update_to_the_default(table: Run) -> None:
    table("update day set b = default where a = 1")
    assert table("select b from day where a = 1") == [["new"]]
