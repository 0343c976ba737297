"""Trailing blanks do not count in comparisons (DG/r_Character_types); LIKE and lengths see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]

VALUES = [
    ("select 'a'::varchar = 'a '::varchar, 'a ' <> 'a', 'a ' in ('b', 'a'), 'a'::char(3) = 'a'::varchar",
     [True, False, True, True]),
    ("select 'a ' < 'a', 'a ' > 'a', 'a  ' <= 'a', 'b' between 'a' and 'b ', ' a' = 'a'",
     [False, False, True, True, False]),
    ("select upper('a ') = 'A', 'a' || ' ' = 'a', case 'x ' when 'x' then 1 end, decode('x ', 'x', 1)",
     [True, True, 1, 1]),
    ("select nullif('   ', ''), nullif('a ', 'a')", [None, None]),
    ("select 'a ' like 'a', 'a ' like 'a ', 'a' ilike 'A ', 'a'::char(3) like 'a'", [False, True, False, False]),
    ("select len('cat   '), len('cat'::char(6)), octet_length('cat  '), len('français')", [6, 3, 5, 8]),
]  # fmt: skip


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.mark.parametrize(("sql", "expected"), VALUES, ids=[sql[7:60] for sql, _ in VALUES])
def test_comparisons_ignore_trailing_blanks(run: Run, sql: str, expected: list[Any]) -> None:
    assert run(sql)[0] == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) from x a join x b on a.k = b.k", 8),
        ("select count(*) from x where k in (select k || '  ' from x)", 4),
        ("select count(distinct k) from x", 2),
        ("select count(*) from (select distinct k from x) q", 2),
        ("select count(*) from (select k from x group by k) q", 2),
        ("select count(*) from (select k from x union select k || ' ' from x) q", 2),
        ("select max(n) from (select row_number() over (partition by k order by i) as n from x) q", 2),
        ("select count(*) from x a where exists (select 1 from x b where b.k = a.k and b.i <> a.i)", 4),
    ],
)
@pytest.mark.parametrize("rows", ["few", "many"])
def test_joins_groups_and_sets_ignore_trailing_blanks(run: Run, sql: str, expected: int, rows: str) -> None:
    """With many rows the backend hashes and sorts in other ways than with four."""
    run("create temp table x (k varchar(20), i int)")
    run("insert into x values ('a', 1), ('a ', 2), ('b  ', 3), ('b', 4)")
    if rows == "many":
        run("create temp table n (i int)")
        run("insert into n values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
        run("insert into x select 'k' || cast(a.i * 100 + b.i * 10 + c.i as varchar), 1 from n a, n b, n c")
        run("insert into x select k || ' ', 2 from x where k like 'k%'")
        run("analyze x")
        expected = {8: 4008, 4: 2004, 2: 2 if "row_number" in sql else 1002}[expected]
    assert run(sql) == [[expected]]


def test_a_varchar_keeps_the_blanks_that_it_was_given(run: Run) -> None:
    run("create temp table x (k varchar(5), c char(5))")
    run("insert into x values ('a  ', 'a  ')")
    assert run("select k, len(k), len(c), k || '|', c || '|' from x") == [["a  ", 3, 1, "a  |", "a|"]]
