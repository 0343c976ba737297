"""Aggregate and window functions beyond PostgreSQL's, and QUALIFY (DG/c_Aggregate_Functions, DG/c_Window_functions)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]

D = Decimal
# id, seller, quantity, note; the notes 'a' and 'a ' are one value, '' and NULL are none for LISTAGG
SALES = """
insert into sales values (1, 1, 10, 'b'), (2, 1, 10, 'a'), (3, 1, 30, 'a '), (4, 2, 20, ''), (5, 2, null, null),
(6, 3, 15, 'c'), (7, 3, null, 'd'), (8, 3, 30, null)
"""
QUERIES = [
    # DG/r_LISTAGG
    ("select listagg(quantity, ',') within group (order by id) from sales", [["10,10,30,20,15,30"]]),
    ("select listagg(note) within group (order by id desc) from sales", [["dca ab"]]),
    ("select listagg(distinct note, '|') within group (order by id) from sales", [["b|a|c|d"]]),
    ("select listagg(distinct quantity, ',') within group (order by quantity desc) from sales", [["30,20,15,10"]]),
    ("select seller, listagg(note, ',') within group (order by id) from sales group by seller order by 1",
     [[1, "b,a,a "], [2, None], [3, "c,d"]]),
    # DG/r_WF_LISTAGG
    ("select id, listagg(quantity, ',') within group (order by id desc) over (partition by seller) from sales"
     " where seller > 1 order by id", [[4, "20"], [5, "20"], [6, "30,15"], [7, "30,15"], [8, "30,15"]]),
    ("select distinct listagg(distinct note, ',') within group (order by note, id) over () from sales", [["a,b,c,d"]]),
    # DG/r_MEDIAN, DG/r_PERCENTILE_CONT and their window forms: NULLs do not count
    ("select median(quantity), percentile_cont(0.25) within group (order by quantity) from sales",
     [[D("17.5"), D("11.25")]]),
    ("select percentile_cont(0.25) within group (order by quantity desc) from sales", [[D("27.5")]]),
    ("select median(quantity::float) from sales where seller = 3", [[22.5]]),
    ("select median(quantity::decimal(8,2)), median(null::int) from sales where seller = 1", "same"),
    ("select seller, median(quantity) from sales group by seller order by 1", [[1, D(10)], [2, D(20)], [3, D("22.5")]]),
    ("select id, median(quantity) over (partition by seller) from sales where seller <> 1 order by id",
     [[4, D(20)], [5, D(20)], [6, D("22.5")], [7, D("22.5")], [8, D("22.5")]]),
    ("select distinct percentile_cont(0.5) within group (order by quantity) over () from sales", [[D("17.5")]]),
    ("select distinct percentile_disc(0.5) within group (order by quantity) over (partition by seller) from sales"
     " order by 1", [[10], [15], [20]]),
    ("select distinct percentile_disc(0.4) within group (order by quantity desc) over () from sales", [[20]]),
    ("select approximate percentile_disc(0.5) within group (order by quantity) from sales", [[15]]),
    ("select approximate percentile_disc(0.4) within group (order by quantity desc) from sales", [[20]]),
    ("select approximate percentile_disc(0) within group (order by quantity), "
     "approximate percentile_disc(1) within group (order by quantity) from sales where id > 99", [[None, None]]),
    ("select approximate count(distinct quantity) from sales", [[4]]),
    # DG/r_WF_RATIO_TO_REPORT
    ("select id, ratio_to_report(quantity) over (partition by seller) from sales where seller < 3 order by id",
     [[1, 0.2], [2, 0.2], [3, 0.6], [4, 1.0], [5, None]]),
    # DG/r_WF_LAG, DG/r_WF_LEAD
    ("select id, lag(quantity) over (order by id), lag(quantity) ignore nulls over (order by id) from sales"
     " where id > 3 order by id", [[4, None, None], [5, 20, 20], [6, None, 20], [7, 15, 15], [8, None, 15]]),
    ("select id, lag(quantity, 2) ignore nulls over (order by id) from sales where id > 3 order by id",
     [[4, None], [5, None], [6, None], [7, 20], [8, 20]]),
    ("select id, lead(quantity, 1) ignore nulls over (order by id), lead(quantity) respect nulls over (order by id)"
     " from sales where id > 3 order by id",
     [[4, 15, None], [5, 15, 15], [6, 30, None], [7, 30, 30], [8, None, None]]),
    ("select id, lead(quantity, 2) ignore nulls over (partition by seller order by id desc) from sales"
     " where seller = 3 order by id", [[6, None], [7, None], [8, None]]),
    # DG/r_WF_first_value, DG/r_WF_NTH
    ("select id, last_value(quantity ignore nulls) over (order by id rows between unbounded preceding and current row),"
     " first_value(quantity ignore nulls) over (order by id desc rows unbounded preceding) from sales where id > 4"
     " order by id", [[5, None, 30], [6, 15, 30], [7, 15, 30], [8, 30, 30]]),
    ("select id, last_value(quantity) over (order by id rows between unbounded preceding and current row) from sales"
     " where id in (4, 5) order by id", [[4, 20], [5, None]]),
    ("select distinct nth_value(quantity, 2) ignore nulls over (order by id rows between unbounded preceding and"
     " unbounded following) from sales where id > 4", [[30]]),
    ("select distinct nth_value(quantity, 2) over (order by id rows between unbounded preceding and unbounded"
     " following) from sales where id > 3", [[None]]),
    # DG/r_AVG, DG/r_SUM
    ("select avg(quantity), sum(quantity), avg(quantity::decimal(5,2)), avg(quantity::float) from sales",
     [[19, 115, D("19.16"), 115 / 6]]),
    ("select id, avg(quantity) over (partition by seller) from sales where seller = 3 order by id",
     [[6, 22], [7, 22], [8, 22]]),
    # DG/r_QUALIFY_clause
    ("select * from sales qualify row_number() over (partition by seller order by quantity desc nulls last, id) = 1"
     " order by id", [[3, 1, 30, "a "], [4, 2, 20, ""], [8, 3, 30, None]]),
    ("select s.*, id + 1 as next from sales s qualify rank() over (order by quantity desc nulls last) = 1"
     " order by id desc limit 1", [[8, 3, 30, None, 9]]),
    ("select a.*, b.seller from sales a join sales b on a.id = b.id + 1 where a.seller = 3"
     " qualify row_number() over (order by a.id) = 2", [[7, 3, None, "d", 3]]),
    ("select seller, sum(quantity) as total from sales group by seller qualify rank() over (order by total desc) = 1",
     [[1, 50]]),
    ("select id, row_number() over (order by id desc) as place from sales qualify place <= 2 and id < 8", [[7, 2]]),
    ("select distinct seller from sales qualify count(*) over (partition by seller) = 3 order by seller", [[1], [3]]),
    ("with q as (select * from sales qualify row_number() over (order by id) <= 2) select count(*) from q", [[2]]),
    ("select id from sales qualify row_number() over (order by id) = 1 union all select 9 order by 1", [[1], [9]]),
    ("select id from sales qualify row_number() over (partition by seller order by id) = 1 order by quantity, seller",
     [[1], [6], [4]]),
]  # fmt: skip
REFUSED = [
    ("0A000", "select median(quantity)"),
    ("0A000", "select listagg(quantity) from (select 1 as quantity) q"),
    ("0A000", "select median(quantity), percentile_cont(0.6) within group (order by id) from sales"),
    ("0A000", "select listagg(note) within group (order by id) over (order by id) from sales"),
    ("0A000", "select median(quantity) over (order by id rows unbounded preceding) from sales"),
    ("0A000", "select percentile_disc(0.5) within group (order by id) from sales"),
    ("42601", "select percentile_cont(0.5) from sales"),
    ("0A000", "select lag(quantity, 1, 0) over (order by id) from sales"),
    ("42601", "select sum(quantity) ignore nulls over () from sales"),
    ("0A000", "select lag(quantity, id) ignore nulls over (order by id) from sales"),
    ("0A000", "select median('2020-01-01'::date) from sales"),
    ("42601", "select approximate sum(id) from sales"),
    ("42601", "select count(*) from sales qualify 1 = 1"),
    ("42601", "select listagg(distinct) from sales"),
    ("42883", "select lag() over (order by id) from sales"),
    ("0A000", "select * from sales a join sales b using (id) qualify row_number() over (order by id) = 1"),
]


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.fixture
def sales(run: Run) -> Run:
    run("create temp table sales (id int, seller int, quantity int, note varchar(10))")
    run(SALES)
    return run


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql[7:70] for sql, _ in QUERIES])
def test_aggregates_and_windows_are_redshifts(sales: Run, sql: str, expected: Any) -> None:
    if expected == "same":
        assert "must be the same" in fails(sales, sql)["M"]
    else:
        assert sales(sql) == expected


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[sql[7:70] for _, sql in REFUSED])
def test_what_redshifts_aggregates_cannot_do_is_refused(sales: Run, code: str, sql: str) -> None:
    assert fails(sales, sql)["C"] == code


def test_listagg_ends_at_65535_bytes(sales: Run) -> None:
    sales("create temp table words (w varchar(max))")
    sales("insert into words select repeat('é', 16383) from sales where id < 3")
    assert sales("select octet_length(listagg(w, '123') within group (order by w)) from words") == [[65535]]
    assert fails(sales, "select listagg(w, '1234') from words")["M"] == "Result size exceeds LISTAGG limit"


def test_lag_over_many_rows_takes_linear_time(sales: Run) -> None:
    sales("create temp table many as select a.id + 8 * b.id + 64 * c.id + 512 * d.id as n, a.quantity as q"
          " from sales a, sales b, sales c, sales d")  # fmt: skip
    sales("insert into many select n + 10000, null from many")
    found = sales("select count(*) from (select lag(q) ignore nulls over (order by n) as p from many) x where p = 30")
    assert found[0][0] > 4096
