"""What BI tools see: views without restricted columns, which follow the contracts, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdas.common.contract import Contract, load_contract
from lambdas.common.db import access, bi, ddl, redshift, retire, views
from lambdas.common.errors import LoadError
from tests.api.warehouse import PASSWORD, Endpoint
from tests.process.marts import write_mart

READINGS = Path(__file__).parent / "assets" / "sources" / "readings" / "contract.yaml"
SHOWN = ["day", "station", "price", "level", "open", "seen_at", "details", "limit"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint with users and schemas as migrate makes them."""
    running = Endpoint(tmp_path_factory.mktemp("bi"))
    try:
        running.start()
        with (
            redshift.session(running.secret("admin"), "disable", name="tests") as connection,
            redshift.autocommit(connection),
        ):
            for user in ("loader", "reader", "bi"):
                access.migrate_user(connection, user, PASSWORD)
            access.migrate_schemas(connection)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def loader(server: Endpoint) -> Iterator[Any]:
    """The owner's connection, the tables of ops made."""
    with redshift.session(server.secret("loader"), "disable", name="tests") as connection:
        ddl.migrate_ops(connection)
        yield connection


@pytest.fixture(autouse=True)
def afresh(loader: Any) -> Iterator[None]:
    """Nothing is left to the next test."""
    yield
    for name in sorted(retire.list_retired(loader, []), key="readings".__eq__):
        retire.retire(loader, name, asked_by="tests", drop=True)


@pytest.fixture
def analyst(server: Endpoint) -> Iterator[Any]:
    """A BI tool's connection."""
    with redshift.session(server.secret("bi"), "disable", name="tests") as connection:
        yield connection


def contract_of(folder: Path, *changes: tuple[str, str]) -> Contract:
    """The contract of readings after these replacements."""
    text = READINGS.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "sources" / "readings" / "contract.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load_contract(path)


def migrate(loader: Any, contract: Contract, *marts: Contract) -> list[str]:
    """Bring tables, marts and BI's views to these contracts, as the migrate function does; what ran of views."""
    known = {mart.name: mart for mart in marts}
    ran = ddl.migrate_source(loader, contract, known) + views.migrate_marts(loader, known)
    return [sql for sql in ran + bi.migrate_views(loader, [contract, *marts]) if '"bi"' in sql]


def columns(analyst: Any, view: str) -> list[str]:
    """The columns of a view as a tool reads them."""
    with analyst.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} LIMIT 0")
        found = [column[0] for column in cursor.description]
    analyst.rollback()  # an open transaction would keep the view from being replaced
    return found


def test_views_show_what_is_not_restricted_and_a_second_migration_changes_nothing(
    loader: Any, analyst: Any, tmp_path: Path
) -> None:
    contract = contract_of(tmp_path)
    mart = write_mart(
        tmp_path, "by_day", "SELECT CAST(day AS timestamp) AS at, COUNT(*) AS many FROM core.readings GROUP BY day"
    )
    migrate(loader, contract, mart)
    assert migrate(loader, contract, mart) == []
    assert columns(analyst, "bi.readings") == SHOWN
    assert columns(analyst, "bi.by_day") == ["at"], "a mart shows what its contract declares"
    found = redshift.query(
        analyst, "SELECT column_name AS name FROM svv_columns WHERE table_schema = 'bi' AND table_name = 'readings'"
    )
    assert {row["name"] for row in found} == set(SHOWN), "tools find the columns in the catalogue"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT secret_note FROM core.readings", "SELECT day FROM core.readings", "SELECT source FROM ops.load_ledger",
        "SELECT secret_note FROM bi.readings", "DELETE FROM bi.readings", "CREATE TABLE bi.own (a int)",
        "CREATE VIEW bi.own AS SELECT 1 AS a", "DROP VIEW bi.readings", "CREATE SCHEMA own",
    ],
)  # fmt: skip
def test_nothing_else_can_be_read_or_changed(loader: Any, analyst: Any, tmp_path: Path, sql: str) -> None:
    migrate(loader, contract_of(tmp_path))
    with pytest.raises(LoadError, match=r"permission denied|must be owner|secret_note|not.*owner|view"):
        redshift.execute(analyst, sql)


def test_a_view_follows_its_contract(loader: Any, analyst: Any, tmp_path: Path) -> None:
    """A new column, a longer text under a mart that reads it, and a column that becomes restricted."""
    contract = contract_of(tmp_path)
    mart = write_mart(tmp_path, "at_station", "SELECT CAST(day AS timestamp) AS at, station FROM core.readings")
    migrate(loader, contract, mart)
    added = "      - name: extra\n        logicalType: string\n        physicalType: varchar(9)\n"
    changed = contract_of(
        tmp_path, ("varchar(16)", "varchar(32)"), ("      - name: details\n", added + "      - name: details\n")
    )
    migrate(loader, changed, mart)
    assert columns(analyst, "bi.readings") == [*SHOWN[:6], "extra", *SHOWN[6:]]
    assert columns(analyst, "bi.at_station") == ["at"]
    hidden = contract_of(
        tmp_path,
        ("varchar(16)", "varchar(32)"),
        ("      - name: details\n", added + "      - name: details\n"),
        ("        physicalType: real\n", "        physicalType: real\n        classification: restricted\n"),
    )
    migrate(loader, hidden, mart)
    assert "level" not in columns(analyst, "bi.readings")


def test_a_mart_is_replaced_under_its_view_and_a_source_retired_with_its_own(
    loader: Any, analyst: Any, tmp_path: Path
) -> None:
    text = ("varchar(16)", "varchar(32)")
    contract = contract_of(tmp_path, text)
    path = write_mart(tmp_path, "swapped", "SELECT CAST(day AS timestamp) AS at FROM core.readings").path
    migrate(loader, contract, load_contract(path, "mart"))
    (path.parent / "mart.sql").write_text("SELECT CAST(day AS timestamp) AS at, station FROM core.readings")
    ran = migrate(loader, contract, load_contract(path, "mart"))
    assert [sql.split()[0] for sql in ran] == ["DROP", "CREATE", "GRANT"]
    assert columns(analyst, "bi.swapped") == ["at"]
    told = retire.retire(loader, "readings", asked_by="tests", drop=False)
    assert 'DROP VIEW "bi"."readings"' in told
    retire.retire(loader, "readings", asked_by="tests", drop=True)
    with pytest.raises(LoadError, match="42P01"):
        redshift.execute(analyst, "SELECT * FROM bi.readings LIMIT 0")
    migrate(loader, contract)
