"""Tables of a PostgreSQL server: exact types, UTC days whatever the server's zone, rows in batches."""

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from infrastructure.local.redshift.postgres import BOOTSTRAP_USER, Postgres
from lambdas.common.errors import SourceError
from lambdas.ingest import database, passes, slices, spool
from lambdas.ingest.records import write_records
from tests.ingest.conftest import all_calls, key

TABLE = """
CREATE TABLE shop.orders (
    id bigint, at timestamptz, name text, amount numeric(30, 10), flag boolean, day date, doc jsonb, tags int[],
    uid uuid, raw bytea, span interval
);
INSERT INTO shop.orders VALUES
    (1, '2024-01-01 23:30:00+00', '007', 12345678901234567890.0123456789, true, '2024-02-29', '{"a": [1, null]}',
     '{1,2}', '00000000-0000-0000-0000-000000000001', '\\x00ff', '1 day'),
    (2, '2024-01-02 00:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (3, '2024-01-03 00:00:00+00', 'out', 1, false, '2024-01-01', '7', '{}', NULL, '', '2 hours')
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    """A server that thinks in another zone, with a table."""
    server = Postgres(tmp_path_factory.mktemp("pg"))
    server.start()
    found = f"postgresql+psycopg2://{BOOTSTRAP_USER}@/postgres?host={Path(server.socket).parent}"
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE postgres SET timezone TO 'Pacific/Auckland'"))
        connection.execute(text("CREATE SCHEMA shop"))
        connection.exec_driver_sql(TABLE)
    engine.dispose()
    yield found
    server.stop()


def test_a_window_of_a_table_is_utc_days_and_values_stay_exact(bench, url):
    extract = {"sql_database": {"url": url, "table": "shop.orders", "window_column": "at"}}
    answer = bench.ingest(extract, "2024-01-01", "2024-01-03")
    assert (answer["rows"], answer["outside"]) == (2, 0)
    assert bench.rows("2024-01-01") == [
        {
            "id": 1,
            "at": "2024-01-01T23:30:00+00:00",
            "name": "007",
            "amount": "12345678901234567890.0123456789",
            "flag": True,
            "day": "2024-02-29",
            "doc": '{"a": [1, null]}',
            "tags": "[1,2]",
            "uid": "00000000-0000-0000-0000-000000000001",
            "raw": "00ff",
            "span": "1 day",
        }
    ]
    assert [row["id"] for row in bench.rows("2024-01-02")] == [2]


@pytest.mark.long
def test_a_large_table_lands_in_parts(bench, url):
    query = "SELECT n AS id, TIMESTAMP '2024-01-01' AS at, repeat('x', 1000) AS name FROM generate_series(1, 100000) n"
    answer = bench.ingest({"sql_database": {"url": url, "query": query}})
    assert answer["rows"] == 100_000
    parts = [bench.table(name).num_rows for name in bench.etags()]
    assert (sum(parts), len(parts) > 1) == (100_000, True)


def test_rows_are_handed_on_while_the_server_has_most_of_them_still_to_make(bench, url, monkeypatch):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    made = []

    def write(path, records, check_time):
        first = next(records)
        with engine.connect() as connection:
            made.append(connection.execute(text("SELECT last_value FROM made")).scalar())
        return write_records(path, itertools.chain([first], records), check_time)

    with engine.connect() as connection:
        connection.execute(text("CREATE SEQUENCE made"))
    monkeypatch.setattr(spool, "write_records", write)
    query = "SELECT nextval('made') AS id, TIMESTAMP '2024-01-01' AS at FROM generate_series(1, 30000)"
    assert bench.ingest({"sql_database": {"url": url, "query": query}})["rows"] == 30_000
    engine.dispose()
    assert 0 < made[0] <= database.BATCH


@pytest.mark.parametrize("names", [("at", "uid"), ("amount", "day")])
def test_a_table_is_read_slice_by_slice_behind_exact_keys(bench, url, monkeypatch, names):
    """Keys are instants, UUIDs, days and numbers of many digits, some of them missing; a call reads one row."""
    monkeypatch.setattr(slices, "SLICE_ROWS", 1)
    monkeypatch.setattr(passes, "_time_for_another", lambda *_: False)
    bench.columns, bench.key = (
        {"at": "timestamp", "uid": "varchar(36)", "amount": "decimal(38,10)", "day": "date"},
        names,
    )
    source, pending, found = bench.source({"sql_database": {"url": url, "table": "shop.orders"}}), {}, []
    while pending is not None and len(found) < 9:
        found.append(bench.call(source, remaining=pending))
        pending = json.loads(json.dumps(found[-1]["remaining"]))
    assert [answer["rows"] for answer in found] == [1, 1, 1]
    assert sorted(row["id"] for name in bench.etags() for row in bench.table(name).to_pylist()) == [1, 2, 3]


def test_what_the_server_refuses_is_told(bench, url):
    with pytest.raises(SourceError, match="no_such"):
        bench.ingest({"sql_database": {"url": url, "table": "no_such"}})
    assert bench.etags() == {}


def test_two_columns_of_one_name_are_refused(bench, url):
    with pytest.raises(SourceError, match="more than one column is named id;"):
        bench.ingest({"sql_database": {"url": url, "query": "SELECT 1 AS id, 2 AS id, '1'::text AS x"}})


def test_an_empty_window_proves_its_days_empty(bench, url):
    extract = {"sql_database": {"url": url, "table": "shop.orders", "window_column": "at"}}
    bench.ingest(extract, "2024-02-01", "2024-02-03")
    assert {name: bench.table(name).num_rows for name in bench.etags()} == {
        key(day.isoformat()): 0 for day in (dt.date(2024, 2, 1), dt.date(2024, 2, 2))
    }


SERIES = "SELECT at AS utc, {column} AS at FROM generate_series({first}, {last}, INTERVAL '1 hour') AS at"
BOUNDS = {"first": "TIMESTAMPTZ '2024-03-29 22:00Z'", "last": "TIMESTAMPTZ '2024-04-01 02:00Z'"}


@pytest.mark.parametrize(
    ("column", "reading"),
    [
        ("at", {}),
        ("timezone('UTC', at)", {}),
        ("timezone('Europe/Berlin', at)", {"defaultTimezone": "Europe/Berlin"}),
        ("to_char(timezone('Asia/Kolkata', at), 'YYYY-MM-DD HH24:MI:SS\"+05:30\"')", {}),
    ],
)
def test_a_window_holds_its_own_utc_days_whatever_the_column_holds(bench, url, column, reading):
    """Two days in Berlin's night without two o'clock, each of which then has all its 24 hours."""
    bench.reading = reading
    block = {"url": url, "query": SERIES.format(column=column, **BOUNDS), "window_column": "at"}
    for first, beyond in (("2024-03-30", "2024-03-31"), ("2024-03-31", "2024-04-01")):
        answer = bench.ingest({"sql_database": block}, first, beyond)
        assert (answer["rows"], answer["outside"]) == (24, 0)
        assert {row["utc"][:10] for row in bench.rows(first)} == {first}


MANY = "0.12345678901234567890"
KEPT = [
    ("timestamp 'infinity'", "infinity"),
    ("timestamptz '-infinity'", "-infinity"),
    ("date 'infinity'", "infinity"),
    ("date '9999-12-31'", "9999-12-31"),
    ("timestamp '9999-12-31 23:59:59.999999'", "9999-12-31T23:59:59.999999"),
    ("timestamptz '10000-01-01 00:00:00.5Z'", "10000-01-01 00:00:00.5+00"),
    ("date '0044-03-15 BC'", "0044-03-15 BC"),
    ("timestamptz '0001-12-31 23:00Z BC'", "0001-12-31 23:00:00+00 BC"),
    ("timestamptz '0001-01-01 00:00Z'", "0001-01-01T00:00:00+00:00"),
    ("ARRAY[timestamp '2024-01-01', '-infinity', NULL]", '["2024-01-01T00:00:00","-infinity",null]'),
    ("ARRAY[date '2024-01-01', '10000-01-01']", '["2024-01-01","10000-01-01"]'),
    ("daterange('2024-01-01', 'infinity')", "[2024-01-01, infinity)"),
    ("time '24:00'", "24:00:00"),
    ("timetz '23:59:59.5+02'", "23:59:59.500000+02:00"),
    ("ARRAY[timetz '24:00+02']", '["24:00:00+02"]'),
    ("interval 'infinity'", "infinity"),
    ("interval '1 month'", "1 mon"),
    ("interval '100000000 years'", "100000000 years"),
    ("ARRAY[interval '1 month', '30 days']", '["1 mon","30 days"]'),
    (f"""'{{"p": {MANY}, "b": 1.10}}'::jsonb""", f'{{"b": 1.10, "p": {MANY}}}'),
    ("""'{"a":1,"a":2, "x":1e400}'::json""", '{"a":1,"a":2, "x":1e400}'),
    (f"""ARRAY['{{"p": {MANY}}}', 'null', NULL]::jsonb[]""", f'[{{"p": {MANY}}},null,null]'),
    ("'null'::jsonb", "null"),
    (f"ARRAY[1.10, {MANY}, 12345678901234567890123, 'NaN']", f'[1.10,{MANY},12345678901234567890123,"NaN"]'),
]


def test_what_python_has_not_stays_as_the_server_says_it(bench, url):
    values = ", ".join(f"{sql} AS v{number}" for number, (sql, _) in enumerate(KEPT))
    bench.ingest({"sql_database": {"url": url, "query": f"SELECT 1 AS id, '2024-01-01' AS at, {values}"}})
    (row,) = bench.rows("2024-01-01")
    assert [row[f"v{number}"] for number in range(len(KEPT))] == [kept for _, kept in KEPT]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_a_window_is_found_whatever_time_the_first_row_has(bench, url, kind):
    query = f"SELECT 1 AS id, {{}}::{kind} AS at UNION ALL SELECT 2, '2024-01-01'"
    for first in ("'infinity'", "'10000-01-01'", "'0044-03-15 BC'"):
        block = {"url": url, "query": query.format(first), "window_column": "at"}
        answer = bench.ingest({"sql_database": block}, "2024-01-01", "2024-01-02")
        assert (answer["rows"], answer["outside"], bench.rows("2024-01-01")[0]["id"]) == (1, 0, 2)


def test_slices_go_on_behind_times_that_python_has_not(bench, url, small, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", 1)
    bench.key = ("at",)
    times = ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "2024-01-01"]
    values = ", ".join(f"({number}, timestamptz '{time}')" for number, time in enumerate(times))
    query = f"SELECT * FROM (VALUES {values}) AS t (id, at)"
    answers = all_calls(bench, {"sql_database": {"url": url, "query": query}})
    assert [answer["rows"] for answer in answers] == [1] * len(times)
    assert sorted(row["id"] for name in bench.etags() for row in bench.table(name).to_pylist()) == [0, 1, 2, 3, 4]
