"""What drivers do on the wire: statements without a name, pipelines, binary results, portals, and what they look up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest

from tests.local_cloud.redshift import wirelike
from tests.local_cloud.redshift.conftest import BUCKET, fails, runner
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

Run = Callable[..., Any]


@pytest.fixture
def raw(endpoint: Endpoint) -> Iterator[wirelike.Client]:
    client = wirelike.Client(endpoint.port, "admin", ADMIN_PASSWORD)
    yield client
    client.close()


def test_statements_without_a_name_survive_what_runs_around_them(connect: Callable[..., Any]) -> None:
    connection = connect(max_prepared_statements=0)
    run = runner(connection)
    run("create table nameless (a int)")
    for number in (1, 2):
        run("insert into nameless values (%s)", (number,))
    assert run("select sum(a) from nameless") == [[3]]
    connection.rollback()
    connection.autocommit = True
    run("create temp table nameless (a int)")
    run("insert into nameless values (%s)", (5,))
    assert run("select a from nameless") == [[5]]


@pytest.mark.usefixtures("s3")
def test_an_unload_without_a_name(connect: Callable[..., Any]) -> None:
    run = runner(connect(max_prepared_statements=0))
    run("create table unloaded (a int)")
    run("insert into unloaded values (1), (2)")
    run(f"unload ('select a from unloaded') to 's3://{BUCKET}/nameless/' iam_role default format csv")
    assert run("select pg_last_unload_count()") == [[2]]


def test_a_pipeline_is_one_transaction_up_to_its_sync(raw: wirelike.Client) -> None:
    raw.query("create table piped (a int)")
    good, bad = "insert into piped values (1)", "insert into piped values (1 / 0)"
    assert raw.pipeline([good, good]) == ["INSERT 0 1", "INSERT 0 1", "ready I"]
    assert raw.pipeline([good, bad, good])[:2] == ["INSERT 0 1", "error 22012"]
    assert raw.pipeline(["begin", good, "rollback"]) == ["BEGIN", "INSERT 0 1", "ROLLBACK", "ready I"]
    assert raw.pipeline(["begin", good]) == ["BEGIN", "INSERT 0 1", "ready T"]
    assert raw.pipeline(["select count(*) from piped", "rollback"]) == ["row 3", "SELECT 1", "ROLLBACK", "ready I"]
    assert raw.pipeline(["select count(*) from piped", "drop table piped"])[0] == "row 2"


def test_a_flush_after_a_sync_holds_nothing_up(raw: wirelike.Client) -> None:
    assert raw.pipeline(["select 1"], flush_after=True) == ["row 1", "SELECT 1", "ready I"]
    assert raw.query("select 2") == ["row 2", "SELECT 1", "ready I"]


def test_binary_results_of_types_that_go_as_text(raw: wirelike.Client) -> None:
    sql = "select timestamp '2026-01-03' - timestamp '2026-01-01', 7"
    assert raw.pipeline([sql], binary=True)[0] == "row 2 days,\x00\x00\x00\x07"


def test_a_portal_gives_its_rows_in_portions(raw: wirelike.Client) -> None:
    raw.query("begin")
    raw.query("create temp table many as select 1 as a union all select 2 union all select 3")
    first, second = raw.portions("select a from many order by a", 2)
    assert first == ["row 1", "row 2", "suspended", "ready T"]
    assert second == ["row 3", "SELECT 1", "ready T"]


def test_backslashes_are_escapes_and_clients_know_it(endpoint: Endpoint) -> None:
    dsn = f"host=127.0.0.1 port={endpoint.port} dbname=analytics user=admin sslmode=disable"
    connection = psycopg2.connect(dsn, password=ADMIN_PASSWORD)
    cursor = connection.cursor()
    cursor.execute("select %s::varchar", ("a\\b'c",))
    assert cursor.fetchall() == [("a\\b'c",)]
    connection.close()


def test_the_catalog_schema_may_be_named(run: Run) -> None:
    assert run("select pg_catalog.version() = version()") == [[True]]
    assert run("select 'pg_class'::pg_catalog.regclass::varchar") == [["pg_class"]]
    assert run("select count(*) from pg_catalog.pg_class where relname operator(pg_catalog.~) '^pg_class$'") == [[1]]
    assert run("select 'pg_catalog.version()'") == [["pg_catalog.version()"]]


def test_columns_that_only_redshifts_catalog_has(run: Run) -> None:
    run("create table laid (k int encode raw distkey, s date sortkey, v varchar(9) default 'x' encode lzo)")
    found = run("select reldiststyle from pg_class where relname = 'laid'")
    assert found == [[1]]
    columns = run(
        "select att.attname, format_encoding(att.attencodingtype::integer), att.attisdistkey, att.attsortkeyord"
        " from pg_catalog.pg_attribute att join pg_class c on c.oid = att.attrelid"
        " where c.relname = 'laid' and att.attnum > 0 order by att.attnum"
    )
    assert columns == [["k", "none", True, 0], ["s", "none", False, 1], ["v", "lzo", False, 0]]
    assert (
        run("select adsrc from pg_attrdef d join pg_class c on c.oid = d.adrelid where relname = 'laid'")[0][0][:3]
        == "'x'"
    )
    info = 'select "table", diststyle, sortkey1, max_varchar from svv_table_info where "table" = \'laid\''
    assert run(info) == [["laid", "KEY(k)", "s", 9]]


def test_conditions_on_the_catalog_as_clients_write_them(run: Run) -> None:
    run("create table asked (a int)")
    sql = 'select n.nspname as "schema", relname from pg_class c join pg_namespace n on n.oid = c.relnamespace'
    assert run(f"{sql} where 1 and schema = 'public' and relname = 'asked'") == [["public", "asked"]]
    assert run(f"{sql} where 0 and relname = 'asked'") == []


def test_a_view_that_is_not_there_is_named(run: Run) -> None:
    error = fails(run, "select * from svl_query_summary")
    assert error["C"] == "42P01"
    assert "svl_query_summary" in error["M"]
    assert "does not have this system view" in error["H"]


def test_sessions_are_seen_as_they_are_now(connect: Callable[..., Any]) -> None:
    watcher = runner(connect())
    seen = "select count(*) from sys_connection_log where application_name = 'later'"
    assert watcher(seen) == [[0]]
    connect(application_name="later")
    assert watcher(seen) == [[1]]


def test_users_see_their_own_sessions(connect: Callable[..., Any]) -> None:
    admin = connect()
    admin.autocommit = True
    run = runner(admin)
    run("create user watched password 'Watched-123'")
    own = connect("watched", "Watched-123")
    assert runner(own)("select distinct user_name from stv_sessions") == [["watched"]]
    assert ["watched"] in run("select user_name from stv_sessions")
    assert run("select session_timeout, superuser from svv_user_info where user_name = 'watched'") == [[0, False]]
    own.close()
    run("drop user watched")


def test_privileges_are_listed(run: Run) -> None:
    run("create table granted (a int)")
    run("create user listed password 'Listed-1234'")
    run("grant select on granted to listed")
    columns = "relation_name, privilege_type, identity_type"
    found = run(f"select {columns} from svv_relation_privileges where identity_name = 'listed'")
    assert found == [["granted", "SELECT", "user"]]
