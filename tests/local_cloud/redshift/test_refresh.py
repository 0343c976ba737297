"""REFRESH MATERIALIZED VIEW: readers go on with what the last one made, and are not kept waiting."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import runner
from tests.local_cloud.redshift.processes import Endpoint

Run = Callable[..., Any]
Connect = Callable[..., Any]
# rows that are equal, of which PostgreSQL's own way to refresh beside readers can make nothing
SLOW = """create materialized view fresh as
    select a.x % 2 as x from counted a, counted b, counted c, counted d where sqrt(a.x * b.x + c.x * d.x) >= 0"""


@pytest.fixture(scope="module")
def owner(endpoint: Endpoint) -> Iterator[Run]:
    with contextlib.closing(endpoint.connect()) as connection:
        connection.autocommit = True
        run = runner(connection)
        run("create table counted (x bigint)")
        run("insert into counted select row_number() over (order by 1) from svv_columns limit 20")
        run(SLOW)
        yield run
        run("drop table counted cascade")


def test_readers_go_on_while_a_refresh_runs(owner: Run, connect: Connect) -> None:
    before, during = owner("select count(*) from fresh")[0][0], connect()
    owner("insert into counted values (21)")
    old = connect()
    assert runner(old)("select count(*) from fresh") == [[before]]
    refresh = threading.Thread(target=owner, args=("refresh materialized view fresh",))
    refresh.start()
    answered = 0
    while refresh.is_alive():
        assert runner(during)("select count(*) from fresh")[0][0] in {before, 21**4}
        during.rollback()
        answered += refresh.is_alive()
    refresh.join()
    assert answered, "who waits for the refresh is answered once it has ended"
    assert runner(during)("select count(*), max(x) from fresh") == [[21**4, 1]]
    assert runner(old)("select count(*) from fresh") == [[before]]


def test_a_refresh_is_taken_back_with_its_transaction(owner: Run, connect: Connect) -> None:
    before = owner("select count(*) from fresh")
    connection = connect()
    run = runner(connection)
    run("delete from counted")
    run("refresh materialized view fresh")
    assert run("select count(*) from fresh") == [[0]]
    connection.rollback()
    assert owner("select count(*) from fresh") == before
    assert owner("select count(*) from svv_mv_info where name = 'fresh'") == [[1]]


def test_of_two_refreshes_the_second_sees_what_came_before_it(owner: Run, connect: Connect) -> None:
    owner("create table single (a int)")
    owner("create materialized view alone as select a from single")
    first, second = connect(), connect()
    second.autocommit = True
    runner(first)("insert into single values (1)")
    runner(first)("refresh materialized view public.alone")
    waiting = threading.Thread(target=runner(second), args=("refresh materialized view alone",))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    first.commit()
    waiting.join()
    assert owner("select a from alone") == [[1]]
    owner("drop table single cascade")
