"""NaN and the infinities, which JSON has not: raw objects keep them, and the contract rejects them by name."""

import math
import sqlite3

import pytest

from tests.ingest.test_postgresql import url
from tests.sources.pipeline import AT, ID, prop

__all__ = ["url"]

INFINITE = [("v", "cast", "inf"), ("v", "cast", "-inf")]
FROM = "FROM (VALUES (1, '2024-01-01'), (2, '2024-01-01'), (3, '2024-01-02'), (4, '2024-01-02')) AS t (id, at)"
OF_POSTGRESQL = f"""
SELECT id, at, ('{{1.5, Infinity, -Infinity, NaN}}'::float8[])[id] AS v, ('{{1, 2, NaN, 3}}'::real[])[id] AS w,
    ('{{1, NaN, 2, 3}}'::numeric[])[id] AS n, ('{{1.5, NULL, NaN, 2}}'::float8[])[id:id] AS l, NULL AS nothing {FROM}
"""


@pytest.mark.long
def test_floats_of_sqlite_that_are_no_numbers_are_rejected_and_not_lost(pipeline):
    with sqlite3.connect(pipeline.folder / "floats.sqlite") as connection:
        connection.execute("CREATE TABLE t (id INTEGER, at TEXT, v REAL, w REAL)")
        values = [(1, math.inf, None), (2, 1.5, 2.5), (3, -math.inf, None), (4, None, None)]
        rows = [(number, "2024-01-01", *floats) for number, *floats in values]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.close()
    extract = {"sql_database": {"url": f"sqlite:///{pipeline.folder / 'floats.sqlite'}", "table": "t"}}
    properties = [ID, AT, prop("v", "double precision", required=True), prop("w", "real")]
    done = pipeline.run(extract, properties, rows=4)
    assert done.raw_values("v") == [math.inf, 1.5, -math.inf, None]
    assert done.reasons == [*INFINITE, ("v", "required", None)]
    assert done.values("w") == [2.5]


@pytest.mark.long
def test_floats_of_postgresql_that_are_no_numbers_are_rejected_and_not_lost(pipeline, url):
    properties = [
        ID, AT, prop("v", "double precision"), prop("w", "real"), prop("n", "decimal(9,2)"), prop("l", "super")
    ]  # fmt: skip
    done = pipeline.run({"sql_database": {"url": url, "query": OF_POSTGRESQL}}, properties, rows=4)
    # the columns stay numbers of eight bytes: exact ones alone are texts, as those of any database
    kinds = {str(table.schema.field(name).type) for table in done.tables.values() for name in "vw"}
    assert (kinds, done.raw_values("n")) == ({"double"}, ["1", "NaN", "2", "3"])
    assert [str(value) for value in done.raw_values("v")] == ["1.5", "inf", "-inf", "nan"]
    assert done.raw_values("l") == ["[1.5]", "[null]", "[NaN]", "[2.0]"]
    assert done.reasons == [
        INFINITE[0], ("n", "cast", "NaN"), INFINITE[1], ("w", "cast", "nan"), ("l", "cast", "[NaN]"),
        ("v", "cast", "nan"),
    ]  # fmt: skip
    assert done.values("id") == [1]
