"""Migration of the marts: made, replaced, and out of the way of a longer varchar for as short as possible."""

import datetime as dt
import os
import subprocess
import sys

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db import ddl, views
from lambdas.common.db.redshift import autocommit, execute, query, session
from lambdas.common.errors import ContractError
from lambdas.process.migrate import migrate_datasets
from tests.cloud import PROJECT
from tests.process.marts import fill, migrate_marts, run, write_mart


@pytest.fixture
def source(keyed):
    """A keyed source that holds one row."""
    fill(keyed)
    yield keyed
    with keyed.warehouse.session("tests") as connection:
        known = views.read_views(connection)
        views.drop_views(connection, known, views.find_standing_on([f"core.{keyed.contract.name}"], known))
        connection.commit()


def mart(source, letter: str, sql: str = "SELECT at, id FROM {core}", more: str = ""):
    """A mart on the source, named after it and the letter; {a} to {d} stand for the marts of these letters."""
    name = source.contract.name
    others = {other: f"mart.{name}_{other}" for other in "abcd"}
    text = sql.format(core=f"core.{name}", **others)
    return write_mart(source.contract.path.parents[1], f"{name}_{letter}", text, more)


def read(source, letter: str) -> list:
    with source.warehouse.session("tests") as connection:
        return [tuple(row.values()) for row in query(connection, f"SELECT * FROM mart.{source.contract.name}_{letter}")]


def widen(source, *known) -> list[str]:
    text = source.contract.path.read_text().replace("varchar(8)", "varchar(16)")
    source.contract.path.write_text(text)
    with source.warehouse.session("tests") as connection:
        contract = load_contract(source.contract.path)
        return ddl.migrate_source(connection, contract, {mart.name: mart for mart in known})


def verbs(ran: list[str]) -> list[str]:
    """What was done to which table or mart: its last part."""
    return [f"{sql.split()[0]} {sql.split('.')[1].split()[0].strip(chr(34)).rpartition('_')[2]}" for sql in ran]


def test_second_migration_leaves_the_views(source):
    first = mart(source, "a")
    assert len(migrate_marts(source, first)) == 2
    assert migrate_marts(source, first) == []


def test_changed_mart_is_replaced_with_those_that_stand_on_it_and_no_other(source):
    made = [
        mart(source, "a"),
        mart(source, "b", "SELECT at, id FROM {a}"),
        mart(source, "c"),
        mart(source, "d", "SELECT at FROM {b}"),
    ]
    migrate_marts(source, *made)
    made[0] = mart(source, "a", "SELECT at, n AS id FROM {core}")
    ran = verbs(migrate_marts(source, *made))
    assert ran == ["DROP d", "DROP b", "DROP a", "CREATE a", "GRANT a", "CREATE b", "GRANT b", "CREATE d", "GRANT d"]
    assert read(source, "b") == [(dt.datetime(2024, 3, 1), 1)]


def test_marts_that_turn_round_are_replaced_by_what_the_views_were_made_from(source):
    migrate_marts(source, mart(source, "a"), mart(source, "b", "SELECT at, id FROM {a}"))
    turned = [mart(source, "a", "SELECT at, id FROM {b}"), mart(source, "b")]
    assert verbs(migrate_marts(source, *turned)) == ["DROP b", "DROP a", "CREATE b", "GRANT b", "CREATE a", "GRANT a"]


def test_replaced_view_keeps_its_readers(source, cloud):
    env = cloud.env
    secret = {"host": env["WAREHOUSE_HOST"], "port": env["WAREHOUSE_PORT"], "dbname": env["WAREHOUSE_DATABASE"],
              "username": env["WAREHOUSE_USER"], "password": env["WAREHOUSE_PASSWORD"]}  # fmt: skip
    user = f"analyst_{os.getpid()}"
    migrate_marts(source, mart(source, "a"))
    name = f"mart.{source.contract.name}_a"
    with session(secret, env["WAREHOUSE_SSLMODE"], name="tests") as admin, autocommit(admin):
        execute(admin, f"CREATE USER {user} PASSWORD 'Some-Password-1'")
        run(source, f"GRANT SELECT ON {name} TO {user}")
        migrate_marts(source, mart(source, "a", "SELECT at, n FROM {core}"))
        held = "SELECT has_table_privilege('{}', '{}', 'select') AS held"
        assert query(admin, held.format(user, name))[0]["held"]
        assert query(admin, held.format("reader", name))[0]["held"]
        execute(admin, f"REVOKE ALL ON ALL TABLES IN SCHEMA mart FROM {user}")
        execute(admin, f"DROP USER {user}")


def test_undeclared_mart_on_a_changed_one_is_not_dropped_unasked(source):
    migrate_marts(source, mart(source, "a"), mart(source, "b", "SELECT at, id FROM {a}"))
    changed = mart(source, "a", "SELECT at FROM {core}")
    with pytest.raises(ContractError, match=f"scripts.analytics retire {source.contract.name}_b --drop"):
        migrate_marts(source, changed)
    assert read(source, "b")


def test_longer_text_replaces_only_the_views_in_its_way(source):
    made = [
        mart(source, "a"),
        mart(source, "b", "SELECT at, id FROM {a}"),
        mart(source, "c", "SELECT at, n FROM {core}"),
    ]
    migrate_marts(source, *made)
    ran = widen(source, *made)
    assert [sql.split(" TYPE ")[-1] for sql in ran if sql.startswith("ALTER")] == ["varchar(16)"] * 2
    assert read(source, "b") == [(dt.datetime(2024, 3, 1), "a")]
    assert widen(source, *made) == []


def test_longer_text_leaves_a_view_that_does_not_read_it(source):
    made = mart(source, "c", "SELECT at, n FROM {core}")
    migrate_marts(source, made)
    assert [sql.split()[0] for sql in widen(source, made)] == ["ALTER", "ALTER"]


def test_view_of_somebody_else_is_not_dropped_and_named_as_the_reason(source):
    name = source.contract.name
    run(source, f"CREATE VIEW core.of_somebody_{name} AS SELECT id FROM core.{name}")
    made = mart(source, "a")
    migrate_marts(source, made)
    with pytest.raises(ContractError, match="A view that is no mart has to be dropped by its owner first"):
        widen(source, made)
    assert read(source, "a"), "the mart did not come back"
    run(source, f"DROP VIEW core.of_somebody_{name}")


def test_mart_that_the_warehouse_refuses_is_named_with_its_file_and_the_former_view_answers(source):
    migrate_marts(source, mart(source, "a"))
    name = f"{source.contract.name}_a"
    refused = mart(source, "a", "SELECT at, LIST(id) AS id FROM {core} GROUP BY at")
    with pytest.raises(ContractError, match=f"^mart {name}: the warehouse refuses assets/marts/{name}/mart.sql: 42883"):
        migrate_marts(source, refused)
    assert read(source, "a") == [(dt.datetime(2024, 3, 1), "a")]


TYPES = [
    # the contract's type, what mart.sql gives, what the refusal says of it
    ("varchar(1)", "'DE'", "varchar(2)"),
    ("varchar(2)", "'DE'", None),
    ("varchar(300)", "MAX(id)", None),
    ("varchar(7)", "MAX(id)", "varchar(8)"),
    ("smallint", "COUNT(*)", "bigint"),
    ("bigint", "MAX(1)", None),
    ("bigint", "SUM(v)", "decimal"),
    ("decimal(38,0)", "SUM(v)", None),
    ("decimal(10,3)", "MAX(CAST(v AS decimal(9,2)))", None),
    ("decimal(9,1)", "CAST(MAX(v) AS decimal(9,2))", "decimal(9,2)"),
    ("decimal(9,3)", "CAST(MAX(v) AS decimal(9,2))", "decimal(9,2)"),
    ("decimal(38,2)", "MAX(CAST(v AS double precision))", "double precision"),
    ("double precision", "MAX(CAST(v AS real))", None),
    ("real", "MAX(CAST(v AS double precision))", "double precision"),
    ("date", "MAX(at)", "timestamp"),
    ("timestamp", "MAX(at)", None),
    ("boolean", "BOOL_OR(v > 1)", None),
    ("integer", "BOOL_OR(v > 1)", "boolean"),
]


def mart_of(source, types):
    """A mart with a column x0, x1 ... of each of these types."""
    given = ", ".join(f"{sql} AS x{n}" for n, (_, sql, _) in enumerate(types))
    more = (f"name: x{n}, logicalType: string, physicalType: '{kind}'" for n, (kind, _, _) in enumerate(types))
    return mart(source, "a", f"SELECT MAX(at) AS at, {given} FROM {{core}}", "}\n      - {".join(more))


def test_view_whose_columns_may_hold_more_than_the_contract_says_is_refused_and_each_named(source):
    made = mart_of(source, TYPES)
    with pytest.raises(ContractError) as refusal:
        migrate_marts(source, made)
    first, *reasons, advice = str(refusal.value).splitlines()
    assert first.startswith(f"mart {made.name}: assets/marts/{made.name}/mart.sql gives other columns")
    wanted = [(n, kind, given) for n, (kind, _, given) in enumerate(TYPES) if given]
    assert reasons == [f"  - x{n} is {given}, the contract says {kind}" for n, kind, given in wanted]
    assert "CAST(... AS <type>)" in advice
    with source.warehouse.session("tests") as connection:
        assert not views.read_views(connection).get(made.name)


def test_view_whose_columns_hold_what_the_contract_says_is_made(source):
    assert len(migrate_marts(source, mart_of(source, [line for line in TYPES if line[2] is None]))) == 2


def test_contract_that_no_longer_fits_the_view_that_is_there_is_refused(source):
    migrate_marts(source, mart(source, "a", "SELECT at, id FROM {core}"))
    changed = mart(source, "a", "SELECT at, id FROM {core}", "name: id, logicalType: string, physicalType: varchar(3)")
    with (
        source.warehouse.session("tests") as connection,
        pytest.raises(ContractError, match=r"- id is varchar\(8\), the contract says varchar\(3\)"),
    ):
        migrate_datasets(connection, {}, {changed.name: changed})


@pytest.mark.long
def test_migration_killed_before_any_statement_is_completed_by_the_next(source, cloud):
    made = [mart(source, "a"), mart(source, "b", "SELECT at, id FROM {a}")]
    migrate_marts(source, *made)
    paths = [str(source.contract.path), *(str(m.path) for m in made)]
    command = [sys.executable, "-m", "tests.process.migrate_crash", str(cloud.root), *paths]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 20, "the crashes did not reach all statements"
