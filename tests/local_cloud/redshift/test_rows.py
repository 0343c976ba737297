"""Statements of many rows: what passes by the parser means the same, and what is too large is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.local.redshift.dialect import rows
from infrastructure.local.redshift.dialect.translate import translate
from infrastructure.local.redshift.errors import RedshiftError
from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]

PLAIN = [
    r"1, 'it''s; (x), values (1)', 1.50, true, '2024-01-31'::date",
    r"-2, 'tab\tnew\nline\\n \'quoted\' \d', .5, null, null",
    r"+3, E'e\\x', 1e3, FALSE, '2024-02-29'",
    r"4, '', default, default, default",
    r"5, 'é ', -0.125, null, '2024-01-31' :: date",
]


def _insert(table: str, values: list[str]) -> str:
    return f'insert into {table} (a, "b", c, d, e) values ' + ",\n ".join(f"( {row} )" for row in values)


@pytest.fixture
def tables(shared_run: Run) -> Run:
    for name in ("many", "few"):
        shared_run(f"create table {name} (a int, b varchar(40), c decimal(8,2) default 7, d boolean, e date)")
    return shared_run


def test_many_rows_are_the_rows_that_single_ones_are(tables: Run) -> None:
    values = [*PLAIN[:4], PLAIN[0]] * 100
    sql = _insert("many", values) + " ;\n"
    assert rows.further(sql)[1]
    tables(sql)
    for row in PLAIN[:4]:
        tables(_insert("few", [row]))
    distinct = "select distinct * from {} order by a"
    assert tables(distinct.format("many")) == tables(distinct.format("few"))
    assert tables("select count(*) from many") == [[500]]


@pytest.mark.parametrize(
    "other",
    [
        "1, 'x', 123456789012345678901234567890123456789, true, null",
        "1, upper('x'), 1, true, null",
        "1, 'x' 'y', 1, true, null",
        "(select 1), 'x', 1, true, null",
        "1, 'x', 1, true, null) on conflict do nothing --",
    ],
)
def test_other_rows_are_parsed(other: str) -> None:
    sql = _insert("many", [PLAIN[0]] * 400 + [other] + [PLAIN[1]])
    assert rows.further(sql) == (sql, "")


def test_what_comes_behind_many_rows_is_read(tables: Run) -> None:
    sql = _insert("many", [PLAIN[0]] * 500)
    assert fails(tables, f"{sql} on conflict do nothing")["C"] == "0A000"
    assert fails(tables, f"{sql}; create index i on many (a)")["C"] == "0A000"


def test_five_megabytes_are_read_in_seconds() -> None:
    sql = _insert("many", PLAIN[:4] * 26_000)
    assert len(sql) > 5_000_000
    begun = time.process_time()
    (plan,) = translate(sql)
    assert time.process_time() - begun < 3
    assert plan.locks == ('"many"',)
    assert plan.source == sql


def test_a_statement_has_sixteen_megabytes_at_most(tables: Run) -> None:
    sql = "select '" + "é" * (8 * 1024 * 1024) + "'"
    told = "Statement is too large. Statement Size: 16777225 bytes. Maximum Allowed: 16777216 bytes"
    with pytest.raises(RedshiftError) as caught:
        translate(sql)
    assert (caught.value.code, caught.value.message) == ("42601", told)
    assert fails(tables, sql)["M"] == told
