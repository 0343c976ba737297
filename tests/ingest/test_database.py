"""Tables and queries of a database."""

import sqlite3

import pytest

from lambdas.common.errors import SourceError, SourceUnavailable
from tests.ingest.conftest import key


@pytest.fixture
def url(bench):
    path = bench.folder / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE "order" (id INTEGER, at TEXT, name TEXT, "group" REAL, raw BLOB)')
    rows = [
        (1, "2024-01-01 00:00:00", "001", 1.5, b"\x00\xff"),
        (2, "2024-01-02 23:59:59.9", None, None, None),
        (3, "2024-01-03 00:00:00", "c", 2.0, None),
    ]
    connection.executemany('INSERT INTO "order" VALUES (?, ?, ?, ?, ?)', rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_window_of_a_table_is_half_open(bench, url):
    extract = {"sql_database": {"url": url, "table": "order", "window_column": "at"}}
    answer = bench.ingest(extract, "2024-01-01", "2024-01-03")
    assert (answer["rows"], answer["outside"]) == (2, 0)
    assert bench.rows("2024-01-01") == [
        {"id": 1, "at": "2024-01-01 00:00:00", "name": "001", "group": 1.5, "raw": "00ff"}
    ]
    assert [row["id"] for row in bench.rows("2024-01-02")] == [2]


def test_a_table_without_a_window_is_read_whole(bench, url):
    assert bench.ingest({"sql_database": {"url": url, "table": "order"}})["rows"] == 3
    assert list(bench.etags()) == [key(f"2024-01-0{day}") for day in (1, 2, 3)]


def test_a_query_takes_a_window_from_outside_or_by_tokens(bench, url):
    query = 'SELECT id, at, "group" FROM "order" WHERE id > 1'
    by_column = {"url": url, "query": query, "window_column": "at"}
    by_tokens = {"url": url, "query": f"{query} AND at >= '{{start}}' AND at < '{{end}}'"}
    for block in (by_column, by_tokens):
        answer = bench.ingest({"precision": "day", "sql_database": block}, "2024-01-01", "2024-01-03")
        assert answer["rows"] == 1
    assert answer["objects"] == {"put": 0, "unchanged": 2, "emptied": 0}


@pytest.mark.parametrize(
    ("block", "kind", "said"),
    [
        ({"url": "sqlite://", "table": "missing"}, SourceError, "no such table"),
        ({"url": "sqlite://", "query": "SELECT 1 AS a WHERE {"}, SourceError, 'unrecognized token: "{"'),
        ({"url": "sqlite://", "query": "SELECT max(count(*)) AS a"}, SourceError, "misuse of aggregate"),
        ({"url": "sqlite:////no/such/folder/x", "table": "x"}, SourceUnavailable, "unable to open"),
        ({"url": "no url", "table": "x"}, SourceError, "url cannot be read"),
        (
            {"url": "sqlite://", "query": "SELECT 1 AS a, 2 AS b, 3 AS a"},
            SourceError,
            "more than one column is named a;",
        ),
        ({"url": "sqlite://", "table": "x", "query": "y"}, SourceError, "either table or query"),
    ],
)
def test_what_a_database_cannot_answer_is_told(bench, block, kind, said):
    with pytest.raises(kind, match=said):
        bench.ingest({"sql_database": block})


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////no/such:hunter2@folder/x",
        "postgresql+psycopg//me:hunter2@127.0.0.1/x",
        "postgresql://me:hunter2@127.0.0.1:hunter2/x",
        "postgresql://me:p@hunter2@127.0.0.1:9/x",
        "postgresql+nothing://me:hunter2@127.0.0.1:9/x",
        "postgresql+psycopg://me:hunter2@127.0.0.1:9/x",
    ],
)
def test_no_error_shows_the_password_of_a_url(bench, url):
    bench.variables["SHOP"] = url
    for given in (url, "{env:SHOP}"):
        with pytest.raises((SourceError, SourceUnavailable)) as caught:
            bench.ingest({"sql_database": {"url": given, "table": "x"}})
        assert "hunter2" not in f"{caught.value!r}"
        assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def test_colons_of_a_query_are_its_own(bench, url):
    query = "SELECT id, at, ':id :x' AS name, '12:30' AS clock FROM \"order\" WHERE name = '001' OR name LIKE '%:word%'"
    bench.ingest({"sql_database": {"url": url, "query": query, "window_column": "at"}}, "2024-01-01", "2024-01-02")
    assert [(row["name"], row["clock"]) for row in bench.rows("2024-01-01")] == [(":id :x", "12:30")]


def test_a_window_over_numbers_is_refused_and_one_by_epochs_is_read(bench):
    connection = sqlite3.connect(bench.folder / "epochs.sqlite")
    connection.execute("CREATE TABLE seen (id INTEGER, at INTEGER)")
    connection.executemany("INSERT INTO seen VALUES (?, ?)", [(1, 1704067199), (2, 1704067200), (3, 1704153600)])
    connection.commit()
    connection.close()
    url = f"sqlite:///{bench.folder / 'epochs.sqlite'}"
    with pytest.raises(SourceError, match=r"window_column at holds values of type int.*\{start:epoch\}"):
        bench.ingest({"sql_database": {"url": url, "table": "seen", "window_column": "at"}}, "2024-01-01", "2024-01-02")
    where = "WHERE at >= {start:epoch} AND at < {end:epoch}"
    query = f"SELECT id, datetime(at, 'unixepoch') AS at FROM seen {where}"
    assert bench.ingest({"sql_database": {"url": url, "query": query}}, "2024-01-01", "2024-01-02")["rows"] == 1
    assert bench.rows("2024-01-01")[0]["id"] == 2


def test_infinity_stays_a_number_beside_others_and_is_no_null(bench):
    connection = sqlite3.connect(bench.folder / "x.sqlite")
    connection.execute("CREATE TABLE t (id INTEGER, at TEXT, v REAL, name TEXT)")
    values = [(1, float("inf"), None), (2, 1.5, "null"), (3, float("-inf"), "b"), (4, None, None)]
    connection.executemany("INSERT INTO t VALUES (?, '2024-01-01', ?, ?)", values)
    connection.commit()
    connection.close()
    bench.ingest({"sql_database": {"url": f"sqlite:///{bench.folder / 'x.sqlite'}", "table": "t"}})
    assert [row["v"] for row in bench.rows("2024-01-01")] == [float("inf"), 1.5, float("-inf"), None]
    assert [row["name"] for row in bench.rows("2024-01-01")] == [None, "null", "b", None]
