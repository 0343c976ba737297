from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.processes import Endpoint


@pytest.fixture(scope="module")
def session(endpoint: Endpoint) -> Iterator[Any]:
    connection = endpoint.connect()
    connection.autocommit = True
    runner(connection)("create table t (a integer, b varchar(10), c timestamp)")
    yield connection
    runner(connection)("drop table t")
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "select 'on conflict do nothing returning *' as a /* for update */ -- lateral",
        'select a as "returning" from t',
        "select count(distinct a) as filter_count from t",
        "select generate_series(1, 2)",
        "select rank() over (order by a) from t",
        "select sum(a) over (order by a rows unbounded preceding) from t",
        "select row_number() over (partition by a order by c desc nulls last) from t",
    ],
)
def test_what_only_looks_like_it_passes(session: Any, sql: str) -> None:
    runner(session)(sql)


def test_refusal_leaves_the_transaction_failed(run: Callable[..., Any], connection: Any) -> None:
    run("create temp table x (a int)")
    assert fails(run, "create index i on x (a)")["C"] == "0A000"
    assert fails(run, "select 1")["C"] == "25P02"
    connection.rollback()
    assert run("select 1") == [[1]]
