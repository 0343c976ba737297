from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]

THREE = "(select 1 as x, 'a' as y union all select 2, 'b' union all select 4, 'a') q"
VALUES = [
    ("select 1::smallint, 2::int, 3::bigint", [1, 2, 3]),
    ("select 1.5::decimal(5,2), 1.25::float, 0.5::real", [Decimal("1.50"), 1.25, 0.5]),
    ("select true, null::boolean", [True, None]),
    ("select date '2020-02-29'", [dt.date(2020, 2, 29)]),
    ("select timestamp '2020-02-29 12:30:00.5'", [dt.datetime(2020, 2, 29, 12, 30, 0, 500000)]),
    ("select '2020-01-01 00:00:00+01'::timestamptz", [dt.datetime(2019, 12, 31, 23, tzinfo=dt.UTC)]),
    ("select 'é€'::varchar, 'a'::char(3)", ["é€", "a  "]),
    ("select 'a\\tb', 'it''s'", ["a\tb", "it's"]),
    ("select datediff(year, '2008-12-31', '2009-01-01')", [1]),
    ("select datediff(day, '2020-01-01 23:59:59'::timestamp, '2020-01-02'::timestamp)", [1]),
    ("select datediff('hours', '2020-01-01 00:59'::timestamp, '2020-01-01 01:00'::timestamp)", [1]),
    ("select datediff(mon, '2020-01-31'::date, '2020-03-01'::date), datediff(qtr, '2019-12-31', '2020-01-01')", [2, 1]),
    ("select datediff(week, '2024-01-07'::date, '2024-01-08'::date)", [1]),
    ("select datediff(second, '2020-01-01 00:00:00.9'::timestamp, '2020-01-01 00:00:01.0'::timestamp)", [1]),
    ("select dateadd(month, 1, '2020-01-31'::date)", [dt.datetime(2020, 2, 29)]),
    ("select dateadd(hr, -2, timestamp '2020-01-01 01:00:00')", [dt.datetime(2019, 12, 31, 23)]),
    ("select date_trunc('week', date '2024-01-07')", [dt.datetime(2024, 1, 1)]),
    ("select extract(epoch from timestamp '1970-01-02'), extract(year from date '2020-05-01')", [86400, 2020]),
    ("select last_day(date '2024-02-05')", [dt.date(2024, 2, 29)]),
    ("select add_months('2024-02-29'::date, 1)", [dt.datetime(2024, 3, 31)]),
    ("select convert_timezone('US/Eastern', timestamp '2020-07-01 12:00')", [dt.datetime(2020, 7, 1, 8)]),
    ("select concat('a', null), 'a' || null", [None, None]),
    ("select nvl(concat(nvl(null, 'a'), null), 'n'), concat(concat('a', null), 'b')", ["n", None]),
    ("select cast(cast('ééé' || '' as varchar(5)) as varchar(2)), nvl(datediff(year, '2008-12-31', '2009-01-01'), 9)",
     ["é", 1]),
    ("select nvl(null, 2), nvl2(null, 1, 2), coalesce(null, 3)", [2, 2, 3]),
    ("select decode(2, 1, 'a', 2, 'b', 'c'), decode(null, null, 'n', 'x'), decode(5, 1, 'a')", ["b", "n", None]),
    ("select avg(x), sum(x), count(*) from (select 1 as x union all select 2 union all select 2) q", [1, 5, 3]),
    ("select avg(x) from (select -1 as x union all select -2) q", [-1]),
    ("select avg(x) from (select 1.5::float as x union all select 2) q", [1.75]),
    ("select approximate count(distinct x) from (select 1 as x union all select 1) q", [1]),
    ("select timestamp '2020-01-03 12:00' - timestamp '2020-01-01'", ["2 days 12:00:00"]),
    ("select 7 / 2, 7 % 2, -7 / 2", [3, 1, -3]),
    ("select len('héé'), octet_length('héé'), charindex('l', 'hello')", [3, 5, 3]),
    ("select cast('ééé' || '' as varchar(4))", ["éé"]),
    ("select json_extract_path_text('{\"a\":{\"b\":1}}', 'a', 'b')", ["1"]),
    ("select is_valid_json('{'), is_valid_json('{}'), can_json_parse('1')", [False, True, True]),
    ("select json_parse('[1, \t2]')", ["[1,2]"]),
    ("select json_serialize(json_parse('{\"b\": \"x, y: \\\\\" z\", \"a\": 1.50}'))", ['{"b":"x, y: \\" z","a":1.50}']),
    ("select strtol('ff', 16), regexp_replace('banana', 'a', 'o'), split_part('a-b', '-', 2)", [255, "bonono", "b"]),
    ("select MixedCase from (select 1 as \"MixedCase\") q", [1]),
    ("select top 1 x from (select 1 as x union all select 2) q order by x desc", [2]),
    ("select x from (select 1 as x union all select null) q order by x desc", [None]),
    (f"select x from {THREE} qualify row_number() over (partition by y order by x desc) = 1 order by x desc", [4]),
    ("select getdate() = date_trunc('second', getdate()), sysdate > '2020-01-01'", [True, True]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), VALUES, ids=[sql[7:60] for sql, _ in VALUES])
def test_values_are_redshifts(run: Run, sql: str, expected: list[Any]) -> None:
    assert run(sql)[0] == expected


def test_bound_values_come_back_as_they_went(run: Run) -> None:
    run(
        "create temp table x (a bigint, b varchar(20), c decimal(12,3), d timestamp, e date, f float8, g boolean,"
        " h timestamptz)"
    )
    row = [
        2**40, "tē'xt", Decimal("12.345"), dt.datetime(2020, 1, 1, 1, 2, 3, 4), dt.date(2020, 1, 1), 1.5, True,
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    ]  # fmt: skip
    for _ in range(3):
        run("insert into x values (%s, %s, %s, %s, %s, %s, %s, %s)", row)
    run("insert into x (a) values (%s)", (None,))
    assert run("select * from x where a = %s", (2**40,)) == [row] * 3
    assert run("select count(*), count(a) from x") == [[4, 3]]


@pytest.mark.parametrize("style", ["qmark", "numeric", "named", "format", "pyformat"])
def test_every_paramstyle_binds(connection: Any, style: str) -> None:
    cursor = connection.cursor()
    cursor.paramstyle = style
    text, arguments = {
        "qmark": ("?", (5,)), "numeric": (":1", (5,)), "named": (":x", {"x": 5}),
        "format": ("%s", (5,)), "pyformat": ("%(x)s", {"x": 5}),
    }[style]  # fmt: skip
    cursor.execute(f"select {text}::int + 1", arguments)
    assert cursor.fetchone()[0] == 6


def test_column_names_are_folded_and_calls_keep_theirs(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute('select count(*), avg(1), nvl(1, 2), getdate(), 1 as "MiXed", datediff(day, sysdate, sysdate)')
    assert [column[0] for column in cursor.description] == ["count", "avg", "coalesce", "getdate", "mixed", "datediff"]


def test_varchar_counts_bytes(run: Run) -> None:
    run("create temp table x (a varchar(10), b char(3), c text)")
    run("insert into x values ('ééééé', 'abc', 'x')")
    error = fails(run, "insert into x (a) values ('éééééé')")
    assert (error["C"], error["M"]) == ("22001", "value too long for type character varying(10)")


def test_text_is_varchar_256(run: Run) -> None:
    run("create temp table x (c text)")
    run("insert into x select repeat('a', 256)")
    assert fails(run, "insert into x select repeat('a', 257)")["C"] == "22001"


def test_bytes_are_counted_in_copied_and_widened_tables(run: Run, connection: Any) -> None:
    connection.autocommit = True
    run("create table wide (a varchar(4))")
    run("create temp table x (like wide)")
    assert fails(run, "insert into x values ('ééé')")["C"] == "22001"
    run("alter table wide alter column a type varchar(6)")
    run("insert into wide values ('ééé')")
    assert fails(run, "insert into wide values ('éééé')")["C"] == "22001"
    run("alter table wide add column b varchar(2)")
    assert fails(run, "update wide set b = 'éé'")["C"] == "22001"
    run("drop table wide")


def test_super_keeps_json(run: Run) -> None:
    run("create temp table x (s super)")
    run("""insert into x select json_parse('{"a": [1, {"b": null}]}')""")
    assert run("select s from x") == [['{"a":[1,{"b":null}]}']]


def test_version_says_redshift(connection: Any, run: Run) -> None:
    (version,) = re.findall(r"Redshift (1\.0\.\d+)$", run("select version()")[0][0])
    assert (b"server_version", b"8.0.2") in connection.parameter_statuses
    assert (b"padb_version", version.encode()) in connection.parameter_statuses


def test_a_name_of_the_select_list_may_be_used_again_unless_a_column_has_it(run: Run) -> None:
    """DG/r_SELECT_list, lateral alias reference."""
    run("create temp table raw_data (clicks int, impressions decimal(8,2), clash int)")
    run("insert into raw_data values (1, 4, 7)")
    sql = "select clicks / impressions as probability, round(100 * probability, 1) as percentage from raw_data"
    assert [str(value) for value in run(sql)[0]] == ["0.2500000", "25.0"]
    assert run("select clicks + 1 as clash, clash * 2, clicks as a, a + 1 as b, b + 1 from raw_data") == [
        [2, 14, 1, 2, 3]
    ]
    assert run("select 1 as a, (select max(clicks) as a from raw_data) + a from raw_data") == [[1, 2]]
    assert fails(run, "select later + 1, 2 as later from raw_data")["C"] == "42703"


def test_strings_of_literals_and_functions_are_varchar(shared: Any, shared_run: Run) -> None:
    shared_run("create temp table made as select 'abc' as a, upper('x') || 'y' as b, null as c")
    types = [["character varying(3)"], ["character varying(2)"], ["character varying(65535)"]]
    assert shared_run("select type from pg_table_def where tablename = 'made'") == types
    shared_run("create view seen as select lower('X') as a")
    assert shared_run("select data_type from svv_columns where table_name = 'seen'") == [["character varying"]]
    cursor = shared.cursor()
    cursor.execute("select a, b, c, 'z', (select s.a from seen s) from made")
    assert [column[1] for column in cursor.description] == [1043] * 5
    assert list(cursor.fetchone()) == ["abc", "Xy", None, "z", "x"]
