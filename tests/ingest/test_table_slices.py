"""A table that is more than one call can read: slice by slice in the order of its key."""

import sqlite3

import pytest

from lambdas.common.errors import SourceError
from lambdas.ingest import app, slices
from tests.common.test_pipes import messages, pipes_event
from tests.ingest.conftest import all_calls


@pytest.fixture
def shop(bench):
    """A table with a key of two columns, some of whose values are missing or come several times."""
    bench.columns, bench.key = {"id": "bigint", "name": "varchar(8)", "at": "timestamp"}, ("id", "name")
    connection = sqlite3.connect(bench.folder / "shop.sqlite", isolation_level=None)
    connection.execute('CREATE TABLE things ("ID" INTEGER, name TEXT, at TEXT, n INTEGER)')
    values = [(None, "x"), (1, None), (1, "a"), (1, "b"), (2, None), (2, None), (2, "a"), (2, "a"), (3, "a"), (4, "b")]
    for number, (one, other) in enumerate(reversed(values)):
        connection.execute("INSERT INTO things VALUES (?, ?, '2024-01-01', ?)", (one, other, number))
    yield connection
    connection.close()


def numbers(bench):
    return sorted(row["n"] for place in bench.etags() for row in bench.table(place).to_pylist())


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_a_table_comes_in_the_order_of_its_key(bench, shop, small, monkeypatch, rows):
    monkeypatch.setattr(slices, "SLICE_ROWS", rows)
    extract = {"sql_database": {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things"}}
    answers = all_calls(bench, extract)
    assert sum(answer["rows"] for answer in answers) == 10
    assert len(answers) > 2
    assert numbers(bench) == list(range(10))


def test_rows_that_come_and_go_meanwhile_shift_nothing(bench, shop, small):
    def change():
        shop.execute('DELETE FROM things WHERE "ID" IS NULL')
        shop.execute("INSERT INTO things VALUES (0, 'new', '2024-01-01', 99)")

    extract = {"sql_database": {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things"}}
    all_calls(bench, extract, between=change)
    assert numbers(bench) == list(range(10))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_the_database_says_which_keys_are_equal(bench, small, monkeypatch, rows):
    monkeypatch.setattr(slices, "SLICE_ROWS", rows)
    bench.columns, bench.key = {"name": "varchar(8)", "at": "timestamp"}, ("name",)
    connection = sqlite3.connect(bench.folder / "shop.sqlite", isolation_level=None)
    connection.execute("CREATE TABLE things (name TEXT COLLATE NOCASE, at TEXT, n INTEGER)")
    for number, name in enumerate("aBcDdeDf"):
        connection.execute("INSERT INTO things VALUES (?, '2024-01-01', ?)", (name, number))
    connection.close()
    extract = {"sql_database": {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things"}}
    assert len(all_calls(bench, extract)) > 1
    assert numbers(bench) == list(range(8))


def test_a_window_of_a_table_is_read_at_once(bench, shop, small):
    where = {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things", "window_column": "at"}
    assert len(all_calls(bench, {"sql_database": where}, "2024-01-01", "2024-01-02")) == 1
    assert numbers(bench) == list(range(10))


def test_a_table_without_a_key_is_read_at_once(bench, shop, small):
    bench.key = ()
    extract = {"sql_database": {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things"}}
    assert len(all_calls(bench, extract)) == 1
    assert numbers(bench) == list(range(10))


def test_the_log_of_the_function_does_not_show_where_a_slice_begins(bench, shop, small, cloud, monkeypatch, capfd):
    shop.execute("UPDATE things SET name = 'Ann' || n")
    source = bench.source({"sql_database": {"url": f"sqlite:///{bench.folder}/shop.sqlite", "table": "things"}})
    monkeypatch.setattr(app, "load_source", lambda _name: source.contract)
    monkeypatch.setattr(app, "load_source_config", lambda _name: source.config)
    for name, value in {**cloud.env, "LAKE_BUCKET": bench.bucket}.items():
        monkeypatch.setenv(name, value)
    event = {"source": "things", **pipes_event()}
    event |= app.handler(event, None)["remaining"]
    assert "Ann" in str(event["slice"]["at"])
    assert "Ann" in str(app.handler(event, None)["remaining"])
    shop.execute("DROP TABLE things")
    with pytest.raises(SourceError) as caught:
        app.handler(event, None)
    output = "".join(capfd.readouterr())
    told = [one["params"]["payload"] for one in messages(output) if one["method"] == "report_custom_message"]
    assert [answer["remaining"]["slice"]["number"] for answer in told] == [1, 2]
    assert "Ann" not in f"{output}{caught.value}"
