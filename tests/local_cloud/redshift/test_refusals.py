from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.processes import Endpoint

REFUSED = [
    ("0A000", "insert into t (a) values (1) on conflict do nothing"),
    ("0A000", "INSERT INTO t(a) SELECT a FROM t ON /* x */ CONFLICT (a) DO UPDATE SET a = 2"),
    ("0A000", "insert into t (a) values (1) returning a"),
    ("0A000", "DELETE FROM t WHERE a = 1 Returning *"),
    ("0A000", "update t set a = 2 returning a"),
    ("0A000", "create index i on t (a)"),
    ("0A000", "CREATE /* hidden */ UNIQUE INDEX i ON t (a)"),
    ("42601", "create table x (a int check (a > 1))"),
    ("42601", "CREATE TABLE x (a int, CHECK (a > 1))"),
    ("42601", "create table x (a date) partition by range (a)"),
    ("42601", "create table x (a int, constraint k primary key (a))"),
    ("42704", "create table x (a jsonb)"),
    ("42704", "select cast('{}' as /* */ JSONB)"),
    ("42704", "create temp table x (a uuid)"),
    ("42704", "with q as (select '1'::UUID as u) select u from q"),
    ("42704", "create table x (a serial)"),
    ("42704", "create table x (a bytea)"),
    ("42704", "select a::money from t"),
    ("0A000", "create table x (a int[])"),
    ("0A000", "create table x (a int array)"),
    ("0A000", "savepoint a"),
    ("0A000", "SavePoint \"a\""),
    ("0A000", "rollback to a"),
    ("0A000", "select * from t, lateral (select t.a) q"),
    ("0A000", "select 1 from t left join LATERAL (select 1) q on true"),
    ("0A000", "select count(*) filter (where a > 1) from t"),
    ("0A000", "with q as (select sum(a) FILTER(WHERE b = 'x') from t) select * from q"),
    ("0A000", "select distinct on (a) a, b from t"),
    ("0A000", "select * from (select DISTINCT ON(b) b from t) q"),
    ("0A000", "select array[1, 2]"),
    ("0A000", "select a from t where a = any (array[1, 2])"),
    ("0A000", "select a from t where (a, b) < (1, 'x')"),
    ("0A000", "select a from (select a from t where (a,b) >= ($1, $2)) q"),
    ("0A000", "select generate_series(1, 3) from t"),
    ("0A000", "select a from t where a in (select GENERATE_SERIES(1, 3))"),
    ("0A000", "select now() from t"),
    ("0A000", "select a from t where c < current_timestamp"),
    ("0A000", "select sum(a) over (order by a) from t"),
    ("0A000", "select * from (select max(a) OVER (PARTITION BY b ORDER BY c) m from t) q"),
    ("0A000", "select last_value(a) over (order by c) from t"),
    ("0A000", "select sum(a) over (order by a range unbounded preceding) from t"),
    ("0A000", "select a from t where a is distinct from 1"),
    ("0A000", "select a from t where not (a IS NOT DISTINCT FROM 1)"),
    ("0A000", "select a from t for update"),
    ("0A000", "select a from t FOR SHARE"),
    ("0A000", "select a from t tablesample bernoulli (10)"),
    ("0A000", "alter table t add column x int, add column y int"),
    ("42601", "alter table t add column if not exists x int"),
    ("0A000", "ALTER TABLE t DROP COLUMN a, DROP COLUMN b"),
    ("0A000", "alter table t alter column a type bigint"),
    ("0A000", "select b -> 'x' from t"),
    ("0A000", "select b ->> 'x' from t"),
    ("42883", "select string_agg(b, ',') from t"),
    ("42883", "select array_agg(a) from t"),
    ("42883", "select regexp_matches(b, 'x') from t"),
    ("42883", "select pg_sleep(1)"),
    ("42883", "select jsonb_build_object('a', 1)"),
    ("42883", "select pg_advisory_lock(1)"),
    ("42883", "select concat('a', 'b', 'c')"),
    ("0A000", "values (1), (2)"),
    ("0A000", "select * from (values (1), (2)) as v (x)"),
    ("0A000", "with d as (delete from t) select 1"),
    ("0A000", "create sequence s"),
    ("0A000", "do $$ begin end $$"),
    ("0A000", "merge into t using u on t.a = u.a when matched then delete"),
    ("0A000", "unload ('select 1') to 's3://lake/x' iam_role default"),
    ("0A000", "create materialized view m as select now() as n from t"),
    ("0A000", "create view v as select string from (values ('x')) s (string)"),
    ("42704", "set no_such_parameter to 1"),
    ("0A000", "set enable_case_sensitive_identifier to true"),
    ("42601", "copy t from stdin"),
    ("42601", "copy t to '/tmp/x'"),
    ("42601", "selekt 1"),
    ("42601", "select a from t where"),
    ("42601", "create table x (a int) tablespace y"),
    ("42601", "insert into t default values"),
    ("22023", "create table x (a varchar(70000))"),
    ("22023", "create table x (a decimal(40, 2))"),
    ("22023", "create user weak password 'short'"),
    ("22023", "select datediff(parsec, c, c) from t"),
]  # fmt: skip


@pytest.fixture(scope="module")
def session(endpoint: Endpoint) -> Iterator[Any]:
    connection = endpoint.connect()
    connection.autocommit = True
    runner(connection)("create table t (a integer, b varchar(10), c timestamp)")
    yield connection
    runner(connection)("drop table t")
    connection.close()


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[sql[:60] for _, sql in REFUSED])
def test_what_redshift_lacks_is_refused(session: Any, code: str, sql: str) -> None:
    assert fails(runner(session), sql)["C"] == code


@pytest.mark.parametrize(
    "sql",
    [
        "select 'on conflict do nothing returning *' as a /* for update */ -- lateral",
        'select a as "returning" from t',
        "select count(distinct a) as filter_count from t",
        "select generate_series(1, 2)",
        "select rank() over (order by a) from t",
        "select sum(a) over (order by a rows unbounded preceding) from t",
        "select row_number() over (partition by a order by c desc nulls last) from t",
    ],
)
def test_what_only_looks_like_it_passes(session: Any, sql: str) -> None:
    runner(session)(sql)


def test_refusal_leaves_the_transaction_failed(run: Callable[..., Any], connection: Any) -> None:
    run("create temp table x (a int)")
    assert fails(run, "create index i on x (a)")["C"] == "0A000"
    assert fails(run, "select 1")["C"] == "25P02"
    connection.rollback()
    assert run("select 1") == [[1]]
