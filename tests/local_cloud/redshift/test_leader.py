"""Queries on the catalog, and tables of users that are called like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]


@pytest.mark.parametrize("prefix", ["sys_", "stl_", "svv_", "svl_", "stv_"])
def test_a_table_called_like_a_system_view_is_a_table(shared_run: Run, prefix: str) -> None:
    shared_run(f"create table {prefix}events (x int)")
    shared_run(f"insert into {prefix}events values (1), (2)")
    assert shared_run(f"select avg(x) from {prefix}events") == [[1]]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("select string_agg(relname, ',') from pg_class", "42883"),
        ("select Array_Agg(x.relname) from (select relname from pg_catalog.pg_class) x", "42883"),
        ("select pg_read_file('PG_VERSION') from pg_class limit 1", "42883"),
        ("select count(*) filter (where relkind = 'r') from pg_class", "0A000"),
        ("select c.relname from pg_class c, lateral (select 1) x", "0A000"),
    ],
)
def test_the_leader_node_is_no_newer_postgresql(shared_run: Run, sql: str, code: str) -> None:
    assert fails(shared_run, sql)["C"] == code
