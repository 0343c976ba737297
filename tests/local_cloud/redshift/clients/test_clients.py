"""Clients of Redshift that know nothing of this project do their everyday work on the endpoint, unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.long

Told = Callable[..., dict[str, Any]]


def test_redshift_connector(told: Told) -> None:
    answer = told("connector")
    for style in ("qmark", "numeric", "named", "format", "pyformat"):
        assert answer.pop(style) == [[2, "a"]], style
    assert answer == {
        "back": True,
        "super": {"a": [1, "é"]},
        "text": "ü",
        "big": True,
        "nulls": [True] * 10,
        "description": ["i", "n", "d", "t", "z", "b", "f", "s", "v", "big"],
        "frame": [["a", "b"], [1, 2, 3], ["x", "y", "z"]],
        "executemany": 5,
        "bulk": 3,
        "tables": [["public", "keyed", "TABLE"]],
        "columns": [["id", "int8", 19], ["name", "varchar", 30]],
        "keys": [["keyed", "id"]],
        "schemas": True,
        "catalogs": [["analytics"]],
        "unnamed": 3,
        "truncated": 0,
    }


@pytest.mark.parametrize("driver", ["redshift_connector", "psycopg2"])
def test_sqlalchemy_and_pandas(told: Told, driver: str) -> None:
    assert told("alchemy", driver) == {
        "rows": [["Köln", "2026-01-02 03:04:05", "1"]],
        "share": [None, "0.5000"],
        "tables": ["places", "visits"],
        "views": ["named"],
        "has": [True, False],
        "columns": [
            ["id", "BIGINT", False],
            ["name", "VARCHAR(40)", False],
            ["since", "TIMESTAMP", True],
            ["share", "NUMERIC(10, 4)", True],
        ],
        "pk": ["id"],
        "fk": [[["place"], "places", ["id"]]],
        "seen": [["name", "VARCHAR(40)"], ["loud", "VARCHAR(40)"]],
        "schemas": True,
        "options": ["KEY", "id", ["since", "id"]],
        "frame": [[1, 1, 2, 2, 3, 3], 2, "2026-01-01 00:00:00"],
        "whole": 6,
    }


def test_psycopg_3_and_2(told: Told) -> None:
    answer = told("psycopgs")
    assert answer.pop("copy")[0] == answer.pop("two_copy")[0] == "42601"
    assert answer == {
        "binary": ["7", "1.50", "row 7"],
        "interval": ["None", "x"],
        "cursor": 4950,
        "pipeline": [-1, 101],
        "after": 100,
        "error": ["42P01", 'relation "nowhere" does not exist'],
        "prepared": 6,
        "piped": 6,
        "two": [[1, "it's"], [2, "back\\slash"]],
        "named": [[1], [2]],
    }


def test_awswrangler(told: Told) -> None:
    assert told("wrangler") == {
        "copied": [10, 10, 55],
        "upserted": [12, 12, 78],
        "row": ["3", "wörd 3", "0.75", "2026-01-01 03:00:00", "False"],
        "inserted": 3,
        "unloaded": [[1, 2, 3, 4], "wörd 1", 2.5],
    }


def test_dbt(told: Told) -> None:
    answer = told("build")
    assert answer["seed"] == ["success"]
    assert answer["run"] == answer["again"] == ["success"] * 6
    assert answer["test"] == ["pass"] * 3
    assert answer["customers"] == [["ann", "6.75", "2"], ["bob", "3.0", "1"]]
    assert answer["big"] == [["ann"]]
    assert answer["days"] == [["3", "1"]]
    assert answer["merged"] == [["3", "3"]]
    assert answer["layout"] == [["KEY(customer)", "customer"]]
    assert answer["snapshot"] == ["success"] * 2
    assert answer["kept"] == [["3", "0"]]
    assert answer["strict"][-1] == ["strict_pk", "p"]
    assert answer["said"] == [["It's strict; 100% so"]]
    assert len(answer["catalog"]) == 8


def test_dlt(told: Told) -> None:
    assert told("hub") == {
        "appended": [3, "6"],
        "nested": [6, "0"],
        "replaced": [2, "101", 2],
        "merged": [5, "15", 4],
        "children": [10],
        "loads": [4, "0"],
        "jsonl": [1, "wörd 9"],
    }


def test_asyncpg(told: Told) -> None:
    """Its pool resets connections by what it tells Redshift by: the version that only Redshift reports."""
    assert told("asyncs") == {
        "row": ["7", "2026-01-02 03:04:05", "row 7", "1.75"],
        "cursor": [0, 1, 2],
        "error": ["42P01", 'relation "nowhere" does not exist'],
        "pool": [0, 2, 4, 6, 8, 10],
    }
