"""Migration of a source's tables: what is missing is made, what is additive is added, the rest is refused."""

import datetime as dt

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db import ddl
from lambdas.common.db.redshift import autocommit, execute, query
from lambdas.common.errors import ContractError

NUMBER = "name: v, logicalType: integer, physicalType: bigint"
TEXT = "name: v, logicalType: string, physicalType: varchar(9)"


def migrate(source, *changes: tuple[str, str]) -> list[str]:
    text = source.contract.path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    source.contract.path.write_text(text)
    with source.warehouse.session("tests") as connection:
        return ddl.migrate_source(connection, load_contract(source.contract.path))


def test_second_migration_changes_nothing(keyed):
    assert migrate(keyed) == []


def test_lost_lock_table_is_made_again(keyed):
    with keyed.warehouse.session("tests") as connection, autocommit(connection):
        execute(connection, f"DROP TABLE ops.lock_{keyed.contract.name}")
    assert migrate(keyed) == [f'CREATE TABLE IF NOT EXISTS "ops"."lock_{keyed.contract.name}" (held boolean)']


def test_new_column_is_appended_and_text_widened_in_both_tables(keyed):
    added = "      - {name: extra, logicalType: string, physicalType: varchar(9)}\n"
    keyed.contract.path.write_text(keyed.contract.path.read_text() + added)
    ran = migrate(keyed, ("varchar(8)", "varchar(16)"))
    assert len(ran) == 4, ran
    with keyed.warehouse.session("tests") as connection:
        assert query(connection, f"SELECT extra FROM history.{keyed.contract.name}") == []


@pytest.mark.parametrize("change", [("varchar(8)", "varchar(4)"), (NUMBER, TEXT)], ids=["narrower", "other type"])
def test_change_that_is_not_additive_is_refused_by_name(keyed, change):
    with pytest.raises(ContractError, match="only new columns and wider varchars"):
        migrate(keyed, change)


def test_key_that_comes_late_is_refused_where_rows_are(make_source):
    day = dt.date(2024, 3, 1)
    source = make_source(keyed=False)
    source.put(day, "20240301T000000000000Z", [{"id": "a", "at": "2024-03-01", "n": 1, "v": 1}])
    source.load(day)
    with pytest.raises(ContractError, match="its history is not known"):
        migrate(source, ("varchar(8), required: true}", "varchar(8), required: true, primaryKey: true}"))
