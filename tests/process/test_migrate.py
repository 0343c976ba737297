"""Migration of a source's tables: what is missing is made, what is additive is added, the rest is refused."""

import datetime as dt
from dataclasses import replace

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db import changes, ddl
from lambdas.common.db import columns as warehouse_columns
from lambdas.common.db.redshift import query
from lambdas.common.errors import ContractError
from lambdas.common.settings import Settings
from lambdas.process.migrate import migrate_datasets
from lambdas.process.work import Loader
from tests.process.marts import fill, run

NUMBER = "name: v, logicalType: integer, physicalType: bigint"
DAY, STAMP = dt.date(2024, 3, 1), "20240301T000000000000Z"
ROW = {"id": "a", "at": "2024-03-01", "n": 1, "v": 1}


def change(source, *changes: tuple[str, str], added: str = ""):
    """The source's contract after these replacements and a further property."""
    text = source.contract.path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    source.contract.path.write_text(text + (f"      - {{{added}}}\n" if added else ""))
    return load_contract(source.contract.path)


def migrate(source, *changes: tuple[str, str], added: str = "") -> list[str]:
    contract = change(source, *changes, added=added)
    with source.warehouse.session("tests") as connection:
        return ddl.migrate_source(connection, contract)


def columns(source, table: str = "core") -> dict:
    with source.warehouse.session("tests") as connection:
        return warehouse_columns.read_columns(connection, f"{table}.{source.contract.name}")


def test_second_migration_changes_nothing(keyed):
    assert migrate(keyed) == []


def test_every_type_of_a_contract_is_found_again_as_it_was_made(make_source):
    source = make_source()
    kinds = ("smallint", "integer", "real", "double precision", "decimal(12, 3)", "boolean", "date", "timestamptz")
    for number, kind in enumerate((*kinds, "char(3)", "varchar(max)", "super")):
        change(source, added=f"name: c{number}, logicalType: string, physicalType: '{kind}'")
    assert len(migrate(source)) == 22
    assert migrate(source) == []


def test_lost_lock_table_is_made_again(keyed):
    run(keyed, f"DROP TABLE ops.lock_{keyed.contract.name}")
    assert migrate(keyed) == [f'CREATE TABLE IF NOT EXISTS "ops"."lock_{keyed.contract.name}" (held boolean)']


def test_new_column_is_appended_and_text_widened_in_both_tables(keyed):
    ran = migrate(
        keyed, ("varchar(8)", "varchar(16)"), added="name: extra, logicalType: string, physicalType: varchar(9)"
    )
    assert len(ran) == 4, ran
    for table in ("core", "history"):
        found = columns(keyed, table)
        assert (found["extra"].kind, found["id"].kind) == ("varchar(9)", "varchar(16)")


def test_required_column_is_appended_where_rows_are(keyed):
    fill(keyed)
    migrate(keyed, added="name: w, logicalType: integer, physicalType: bigint, required: true")
    assert keyed.select("SELECT w FROM {core}") == [{"w": None}]


def test_only_what_may_never_be_missing_is_not_null_in_the_tables(keyed):
    run(keyed, f"DROP TABLE core.{keyed.contract.name}")
    migrate(keyed, added="name: w, logicalType: integer, physicalType: bigint, required: true")
    assert {name for name, found in columns(keyed).items() if not found.nullable} == {
        "id", "at", "_raw_key", "_raw_row", "_loaded_at",
    }  # fmt: skip


def test_rule_that_a_not_null_column_cannot_follow_is_refused(keyed):
    name = keyed.contract.name
    run(keyed, f"CREATE TABLE core.old_{name} (id varchar(8) NOT NULL, at timestamp NOT NULL, n bigint NOT NULL)")
    run(keyed, f"DROP TABLE core.{name}")
    run(keyed, f"ALTER TABLE core.old_{name} RENAME TO {name}")
    with pytest.raises(ContractError, match=f"core.{name}.n is NOT NULL, the contract says that it may be missing"):
        migrate(keyed)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("varchar(8)", "varchar(4)", r"core.{name}.id is varchar\(8\), the contract says varchar\(4\)"),
        (NUMBER, "name: v, logicalType: string, physicalType: varchar(9)", "history.{name}.v is bigint"),
        (f"      - {{{NUMBER}}}\n", "", "core.{name}.v is no column of the contract"),
        ("value: v}", "value: n}", r"with version column \(v\), the contract says \(n\)"),
        (
            f"{NUMBER}}}",
            f"{NUMBER}, required: true, primaryKey: true, primaryKeyPosition: 2}}",
            r"with primary key \(id\).* says \(id,v\)",
        ),
    ],
    ids=["narrower", "other type", "column gone", "other version", "other key"],
)
def test_change_that_is_not_additive_is_refused_with_a_plan_and_nothing_changes(keyed, old, new, said):
    fill(keyed)
    name, before = keyed.contract.name, columns(keyed)
    if new == "":
        change(keyed, ("{property: versionColumn, value: v}", ""))
    with pytest.raises(ContractError, match=said.format(name=name)) as caught:
        migrate(keyed, (old, new), added="name: extra, logicalType: string, physicalType: varchar(9)")
    assert f"scripts.analytics retire {name} --drop" in str(caught.value)
    assert columns(keyed) == before


def test_key_that_comes_late_is_refused_where_rows_are(make_source):
    source = make_source(keyed=False)
    fill(source)
    with pytest.raises(ContractError, match=r"with primary key \(none\), the contract says \(id\)"):
        migrate(source, ("varchar(8), required: true}", "varchar(8), required: true, primaryKey: true}"))


def test_key_may_change_while_there_are_no_rows(make_source):
    source = make_source(keyed=False)
    ran = migrate(source, ("varchar(8), required: true}", "varchar(8), required: true, primaryKey: true}"))
    assert len(ran) == 1
    assert "history" in ran[0]
    assert migrate(source) == []


def test_rows_are_not_loaded_by_a_key_that_migrate_has_not_accepted(keyed):
    keyed.put(DAY, STAMP, [ROW])
    contract = change(keyed, ("value: v}", "value: n}"))
    loader = Loader(keyed.s3, Settings("local", keyed.bucket), keyed.warehouse, contract)
    with pytest.raises(ContractError, match="version column .*Deploy again"):
        replace(keyed, contract=contract, loader=loader).load(DAY)
    assert keyed.ledger() == []


def test_column_that_the_contract_has_lost_is_not_emptied_by_a_load(keyed):
    keyed.put(DAY, STAMP, [ROW])
    keyed.load(DAY)
    line = "      - {name: n, logicalType: integer, physicalType: bigint, logicalTypeOptions: {maximum: 100}}\n"
    contract = change(keyed, (line, ""))
    loader = Loader(keyed.s3, Settings("local", keyed.bucket), keyed.warehouse, contract)
    keyed.put(DAY, STAMP, [ROW | {"v": 2}])
    with pytest.raises(ContractError, match="n is no column of the contract.*Deploy again"):
        replace(keyed, contract=contract, loader=loader).load(DAY)
    assert query_one(keyed, f"SELECT n FROM core.{keyed.contract.name}") == 1


def query_one(source, sql: str):
    with source.warehouse.session("tests") as connection:
        return next(iter(query(connection, sql)[0].values()))


def test_retired_column_is_loaded_no_more_and_left_to_a_person(keyed):
    keyed.put(DAY, STAMP, [ROW])
    keyed.load(DAY)
    line = "name: n, logicalType: integer, physicalType: bigint"
    contract = change(keyed, (line, f"customProperties: [{{property: retired, value: true}}], {line}"))
    loader = Loader(keyed.s3, Settings("local", keyed.bucket), keyed.warehouse, contract)
    after = replace(keyed, contract=contract, loader=loader)
    assert migrate(after) == []
    after.put(DAY, "20240301T000000000001Z", [ROW | {"id": "b"}])
    after.load(DAY)
    assert after.rows() == [("a", 1, 1), ("b", None, 1)]
    table = f"core.{keyed.contract.name}"
    (drop,) = changes.drop_retired(contract, table, columns(after))
    run(after, drop)
    assert "n" not in columns(after)
    assert migrate(after) == []


def test_distribution_key_is_declared_and_can_be_changed(make_source):
    source = make_source()
    spread = "customProperties: [{property: distributionKey, value: id}]"
    contract = change(source, ("customProperties: []", spread))
    assert 'DISTSTYLE KEY DISTKEY ("id")' in ddl.create_table(contract, "core.x")
    assert [sql.split('" ')[-1] for sql in migrate(source)] == ['ALTER DISTKEY "id"'] * 2
    assert len(migrate(source, (spread, "customProperties: []"))) == 2
    assert migrate(source) == []


def test_distribution_by_event_time_is_refused(make_source):
    with pytest.raises(ContractError, match="distributionKey must be neither the partition column"):
        change(make_source(), ("customProperties: []", "customProperties: [{property: distributionKey, value: at}]"))


def test_tables_of_ops_get_the_columns_that_they_lack(keyed):
    run(keyed, "ALTER TABLE ops.mart_definition DROP COLUMN readers")
    with keyed.warehouse.session("tests") as connection:
        assert ddl.migrate_ops(connection) == ['ALTER TABLE "ops"."mart_definition" ADD COLUMN "readers" varchar(4096)']
        assert query(connection, "SELECT readers FROM ops.mart_definition LIMIT 0") == []


def test_all_refused_contracts_are_named_before_any_table_is_touched(make_source):
    """What the migrate function does with the contracts of assets/."""
    good, *bad = (make_source(version=True) for _ in range(3))
    extra = "name: extra, logicalType: string, physicalType: varchar(9)"
    contracts = [change(good, added=extra), *(change(s, ("varchar(8)", "varchar(4)")) for s in bad)]
    with good.warehouse.session("tests") as connection:
        with pytest.raises(ContractError) as caught:
            migrate_datasets(connection, {c.name: c for c in contracts}, {})
        assert all(f"core.{source.contract.name}.id is varchar(8)" in str(caught.value) for source in bad)
        assert "extra" not in columns(good)
        assert len(migrate_datasets(connection, {good.contract.name: contracts[0]}, {})) == 2


def test_definition_is_not_replaced_under_a_load_that_was_decided_by_the_former(make_source):
    source = make_source(version=True)
    former = source.contract
    wanted = change(source, ("value: v}", "value: n}"))
    with source.warehouse.session("tests") as connection:
        assert ddl.check_source(connection, wanted) == []
        # the function of the former deploy loads between migrate's check and its change
        source.put(DAY, STAMP, [ROW, {**ROW, "n": 2, "v": 0}])
        assert source.load(DAY).objects == 1
        with pytest.raises(ContractError, match="version column"):
            ddl.extend_source(connection, wanted)
        ddl.require_defined(connection, former)
