"""Taking a source or a mart out of the warehouse, and having it back from what lies under raw/."""

import datetime as dt

import pytest

from lambdas.common.db import columns, ddl, retire, views
from lambdas.common.errors import RequestError
from tests.process.marts import migrate_marts, write_mart

DAY, STAMP = dt.date(2024, 3, 1), "20240301T000000000000Z"


@pytest.fixture
def source(keyed):
    """A keyed source with a mart `a` on it, and a mart `b` on that."""
    folder, name = keyed.contract.path.parents[1], keyed.contract.name
    first = write_mart(folder, f"{name}_a", f"SELECT at, id FROM core.{name}")
    second = write_mart(folder, f"{name}_b", f"SELECT at, id FROM mart.{name}_a")
    migrate_marts(keyed, first, second)
    return keyed


def retire_it(source, name: str, *, drop: bool) -> list[str]:
    with source.warehouse.session("tests") as connection:
        return retire.retire(connection, name, asked_by="tests", drop=drop)


def present(source) -> list[str]:
    """Marts and tables of the source that are there."""
    name = source.contract.name
    with source.warehouse.session("tests") as connection:
        found = [t for t in (f"core.{name}", f"history.{name}") if columns.read_columns(connection, t)]
        return found + sorted(n for n, view in views.read_views(connection).items() if view.present and name in n)


def test_retirement_says_what_it_would_drop_and_drops_nothing(source):
    before = present(source)
    planned = retire_it(source, source.contract.name, drop=False)
    assert [sql.split()[1] for sql in planned] == ["MATERIALIZED", "MATERIALIZED", "TABLE", "TABLE"]
    assert present(source) == before
    assert planned == retire_it(source, source.contract.name, drop=True)
    assert present(source) == []


def test_retired_source_comes_back_from_raw_and_no_entry_is_lost(source):
    source.put(DAY, STAMP, [{"id": "a", "at": "2024-03-01", "n": 1, "v": 1}])
    source.load(DAY)
    retire_it(source, source.contract.name, drop=True)
    assert [e["status"] for e in source.ledger()] == ["loaded", "forgotten"]
    with source.warehouse.session("tests") as connection:
        assert source.contract.name not in retire.list_retired(connection, [])
        ddl.migrate_source(connection, source.contract)
    assert source.load(DAY).objects == 1
    assert source.rows() == [("a", 1, 1)]


def test_what_nobody_declares_any_more_is_listed(source):
    name = source.contract.name
    with source.warehouse.session("tests") as connection:
        listed = [n for n in retire.list_retired(connection, [f"{name}_a"]) if n.startswith(name)]
    assert listed == [name, f"{name}_b"]
    retire_it(source, name, drop=True)


def test_mart_goes_alone_and_not_from_under_another(source):
    name = source.contract.name
    with pytest.raises(RequestError, match=f"the marts {name}_b stand on {name}_a: retire them first"):
        retire_it(source, f"{name}_a", drop=True)
    for letter in "ba":
        retire_it(source, f"{name}_{letter}", drop=True)
    assert present(source) == [f"core.{name}", f"history.{name}"]


def test_name_that_the_warehouse_does_not_have_is_refused(source):
    with pytest.raises(RequestError, match="neither tables of a source 'nope' nor a mart"):
        retire_it(source, "nope", drop=True)
