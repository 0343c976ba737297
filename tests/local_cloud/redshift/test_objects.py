from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redshift_connector

from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.processes import Endpoint
from tests.local_cloud.redshift.test_transactions import in_background, waits

Run = Callable[..., Any]

PASSWORD = "Some-Password-1"

CREATED = [
    "create table {} (a int encode az64 distkey sortkey, b varchar(max) encode lzo) diststyle key",
    "create table {} (a int, b int, primary key (a, b)) diststyle even compound sortkey (a, b)",
    "create table {} (a int not null default 3 encode raw, b decimal) backup no distkey (a) sortkey auto encode auto",
    "CREATE TABLE {} (A INT IDENTITY(0,1), B TEXT) DISTSTYLE AUTO INTERLEAVED SORTKEY (b)",
    "create temp table if not exists {} (a timestamp default sysdate, b timestamptz default getdate())",
    "create table {} distkey (a) sortkey (a, b) as select 1 as a, 'x'::varchar(5) as b",
    "create table {} (a, b) diststyle all as select 1, 2",
    "create local temporary table {} as (with q as (select 1 as a, 2 as b) select * from q)",
]


@pytest.mark.parametrize("sql", CREATED)
def test_tables_take_redshifts_attributes(run: Run, sql: str) -> None:
    run(sql.format("made"))
    assert run("select count(a), count(b) from made")[0][0] in {0, 1}


def test_create_table_like_copies_what_redshift_copies(run: Run) -> None:
    run("create temp table model (a int not null default 5, b varchar(3))")
    run("create temp table bare (like model)")
    run("create temp table full_ (like model including defaults)")
    run("insert into full_ (b) values ('x')")
    assert run("select a from full_") == [[5]]
    assert "NULL" in fails(run, "insert into bare (b) values ('x')")["M"]


def test_alter_table_does_one_thing(run: Run) -> None:
    run("create table plain (a int)")
    run("alter table plain add column b varchar(20) encode zstd default 'x'")
    run("alter table plain rename to renamed")
    run("alter table renamed rename column a to id")
    run("alter table renamed alter diststyle even")
    run("insert into renamed (id) values (1)")
    assert run("select id, b from renamed") == [[1, "x"]]
    run("alter table renamed drop column b")
    run("drop table if exists renamed, nowhere")


def test_delete_using_update_from_and_cte(run: Run) -> None:
    run("create temp table target (id int, v varchar(5))")
    run("create temp table source (id int, v varchar(5))")
    run("insert into target values (1, 'a'), (2, 'b'), (3, 'c')")
    run("insert into source values (1, 'x'), (2, 'y')")
    run("update target set v = source.v from source where target.id = source.id and source.id = 1")
    run("delete from target using source where target.id = source.id and source.id = 2")
    run("insert into target (with n as (select id + 10 as id, v from source) select * from n)")
    assert run("select id, v from target order by id") == [[1, "x"], [3, "c"], [11, "x"], [12, "y"]]


def test_views_are_not_written_through(run: Run, connection: Any) -> None:
    run("create table base (a int)")
    run("create view seen as select a from base")
    connection.commit()
    for sql in ("insert into seen values (1)", "UPDATE seen SET a = 2", "delete from seen"):
        assert fails(run, sql)["C"] == "0A000"
        connection.rollback()
    run("delete base where a = 1")
    run("drop view seen")
    run("drop table base")
    connection.commit()


def test_session_parameters_are_kept(run: Run) -> None:
    run("set query_group to 'api'")
    run("set enable_result_cache_for_session = off")
    run('set search_path to pg_catalog, "$user", public')
    assert run("show query_group") == [["api"]]
    run("reset query_group")
    assert run("show query_group") == [["unset"]]
    assert run("show search_path") == [['pg_catalog, "$user", public']]


def test_cursor_is_read_in_steps(run: Run) -> None:
    run("declare c cursor for select 1 as a union all select 2 order by a")
    assert run("fetch forward 1 from c") == [[1]]
    assert run("fetch all from c") == [[2]]
    run("close c")


@pytest.fixture
def people(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """Connections of admin, loader (owns schema core) and reader, as the platform has them."""
    admin = endpoint.connect()
    admin.autocommit = True
    run = runner(admin)
    for user in ("loader", "reader"):
        run(f"create user {user} password '{PASSWORD}'")
    run("create schema if not exists core authorization loader")
    run("grant usage on schema core to reader")
    run("alter default privileges for user loader in schema core grant select on tables to reader")
    opened = {"admin": admin, **{user: endpoint.connect(user, PASSWORD) for user in ("loader", "reader")}}
    for connection in opened.values():
        connection.autocommit = True
    yield opened
    for connection in (opened["loader"], opened["reader"]):
        connection.close()
    run("drop schema core cascade")
    for user in ("reader", "loader"):
        run(f"drop user {user}")
    admin.close()


def test_materialized_view_belongs_to_its_owner(people: dict[str, Any]) -> None:
    load, read = runner(people["loader"]), runner(people["reader"])
    load("create table core.events (day date, n int)")
    load("insert into core.events values ('2020-01-01', 1), ('2020-01-01', 2)")
    load("""create materialized view core.daily backup no diststyle even sortkey (day) auto refresh no
            as select day, count(*) as events, avg(n) as mean from core.events group by day""")
    load("insert into core.events values ('2020-01-02', 5)")
    assert read("select count(*) from core.daily") == [[1]]
    error = fails(read, "refresh materialized view core.daily")
    assert (error["C"], error["M"]) == ("42501", "must be owner of materialized view daily")
    load("refresh materialized view core.daily")
    assert read("select * from core.daily order by day desc limit 1")[0][1:] == [1, 5]
    load("drop materialized view core.daily")


def test_grants_are_checked(people: dict[str, Any]) -> None:
    load, read = runner(people["loader"]), runner(people["reader"])
    load("create table core.facts (a int)")
    assert read("select count(*) from core.facts") == [[0]]
    assert fails(read, "insert into core.facts values (1)")["C"] == "42501"
    assert fails(read, "create table core.mine (a int)")["C"] == "42501"
    load("grant insert on core.facts to reader")
    read("insert into core.facts values (1)")
    assert fails(read, "delete from core.facts")["C"] == "42501"
    load("revoke insert on table core.facts from reader")
    assert fails(read, "insert into core.facts values (1)")["C"] == "42501"


def test_passwords_are_checked(endpoint: Endpoint, people: dict[str, Any]) -> None:
    for user, password in (("loader", "Wrong-Password-1"), ("nobody_such", PASSWORD), ("rdsdb", ""), ("admin", "x")):
        with pytest.raises(redshift_connector.InterfaceError) as caught:
            endpoint.connect(user, password)
        assert caught.value.args[0]["C"] == "28000"
    runner(people["admin"])("alter user loader password 'Another-Word-2'")
    endpoint.connect("loader", "Another-Word-2").close()


def test_catalog_shows_tables_and_columns(run: Run) -> None:
    run("create table shown (a int, b varchar(7))")
    assert run("select table_type from svv_tables where table_name = 'shown'") == [["BASE TABLE"]]
    columns = "select column_name, data_type, character_maximum_length from {} where table_name = 'shown' order by 1"
    expected = [["a", "integer", None], ["b", "character varying", 7]]
    assert run(columns.format("svv_columns")) == expected
    assert run(columns.format("information_schema.columns")) == expected
    assert run("select tablename from pg_tables where tablename = 'shown'") == [["shown"]]
    assert run("select \"column\", type from pg_table_def where tablename = 'shown'")[1] == [
        "b",
        "character varying(7)",
    ]


def test_connectors_own_metadata_calls_work(connection: Any, run: Run) -> None:
    run("create table shown (a int primary key, b varchar(7))")
    cursor = connection.cursor()
    assert [row[2] for row in cursor.get_tables(schema_pattern="public", table_name_pattern="shown")] == ["shown"]
    names = [row[3] for row in cursor.get_columns(schema_pattern="public", tablename_pattern="shown")]
    assert names == ["a", "b"]
    assert "public" in {row[0] for row in cursor.get_schemas()}


def test_dataframes_go_in_and_out(connection: Any, run: Run) -> None:
    pandas = pytest.importorskip("pandas")
    run("create temp table frame (a int, b varchar(7))")
    cursor = connection.cursor()
    cursor.write_dataframe(pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "frame")
    cursor.execute("select * from frame order by a")
    frame = cursor.fetch_dataframe()
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].tolist() == ["x", "y"]


def test_a_materialized_view_is_swapped_in_one_transaction(people: dict[str, Any]) -> None:
    people["loader"].autocommit = False
    load, read = runner(people["loader"]), runner(people["reader"])
    load("create table core.events (day date, n int)")
    load("create materialized view core.daily as select day, count(*) as events from core.events group by day")
    people["loader"].commit()
    load("drop materialized view core.daily")
    load("create materialized view core.daily as select day, sum(n) as n from core.events group by day")
    load("grant select on core.daily to reader")
    thread, seen = in_background(lambda: read("select count(n) from core.daily"))
    assert waits(thread)
    people["loader"].commit()
    thread.join(5)
    assert seen == [[[0]]]
    people["loader"].autocommit = True
    load("drop materialized view core.daily")


def test_append_moves_the_rows_for_everybody(endpoint: Endpoint) -> None:
    with contextlib.closing(endpoint.connect()) as connection:
        connection.autocommit = True
        run = runner(connection)
        run("create table month (id int, v varchar(5)) distkey (id)")
        run("create table year (v varchar(5), id int) distkey (id)")
        run("insert into month values (1, 'a'), (2, 'b')")
        run("alter table year append from month")
        with contextlib.closing(endpoint.connect()) as other:
            assert runner(other)("select id, v from year order by id") == [[1, "a"], [2, "b"]]
            assert runner(other)("select count(*) from month") == [[0]]
        run("drop table month, year")
