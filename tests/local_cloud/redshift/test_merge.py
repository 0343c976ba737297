"""MERGE as Redshift has it, and nothing more (DG/r_MERGE)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]
CLAUSES = "when matched then update set name = s.name when not matched then insert (name, id) values (s.name, s.id)"


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.fixture
def tables(run: Run) -> Run:
    run("create temp table target (id int, name varchar(10))")
    run("create temp table source (id int, name varchar(10))")
    run("insert into target values (101, 'Bob'), (102, 'John'), (103, 'Susan')")
    run("insert into source values (102, 'Tony'), (103, 'Alice'), (104, 'Bill')")
    return run


def rows(run: Run) -> list[list[Any]]:
    found: list[list[Any]] = run("select id, name from target order by 1, 2")
    return found


def test_rows_that_match_are_updated_and_others_inserted(tables: Run) -> None:
    """The page's first example."""
    tables(
        "MERGE INTO target USING source ON target.id = source.id"
        " WHEN MATCHED THEN UPDATE SET id = source.id, name = source.name"
        " WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.name)"
    )
    assert rows(tables) == [[101, "Bob"], [102, "Tony"], [103, "Alice"], [104, "Bill"]]


def test_rows_that_match_are_deleted(tables: Run) -> None:
    """The page's second example."""
    tables("insert into source values (105, 'David')")
    tables("insert into target values (104, 'Bill')")
    tables(
        "MERGE INTO target USING source AS s ON (target.id = s.id) WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)"
    )
    assert rows(tables) == [[101, "Bob"], [105, "David"]]


def test_expressions_of_a_merge_are_redshifts(tables: Run) -> None:
    tables(
        "merge into target using source s on target.id = s.id and target.name = nvl2(null, 'x', 'John  ')"
        " when matched then update set name = concat(s.name, decode(1, 1, '!'))"
        " when not matched then insert (id) values (datediff(year, '2008-12-31', '2009-01-01'))"
    )
    assert rows(tables) == [[1, None], [1, None], [101, "Bob"], [102, "Tony!"], [103, "Susan"]]


@pytest.mark.parametrize("action", ["update set name = s.name", "delete"])
def test_two_rows_for_one_row_are_an_error(tables: Run, action: str) -> None:
    tables("insert into source values (102, 'Again')")
    error = fails(
        tables,
        f"merge into target using source s on target.id = s.id when matched then {action}"
        " when not matched then insert values (s.id, s.name)",
    )
    assert error["M"] == "Found multiple matches to update the same tuple."


def test_remove_duplicates_replaces_what_matches(tables: Run) -> None:
    tables("insert into target values (102, 'Twice')")
    tables("MERGE INTO target USING source ON target.id = source.id REMOVE /* now */ DUPLICATES")
    assert rows(tables) == [[101, "Bob"], [102, "Tony"], [103, "Alice"], [104, "Bill"]]


def test_a_merge_waits_for_the_write_lock_of_its_target(connect: Callable[..., Any]) -> None:
    first, second = connect(), connect()
    cursor = first.cursor()
    cursor.execute("create table merged (id int)")
    cursor.execute("create table merging (id int)")
    first.commit()
    cursor.execute("insert into merged values (1)")
    second.cursor().execute("set statement_timeout to 300")
    waiting = second.cursor()
    sql = (
        "merge into merged using merging s on merged.id = s.id when matched then delete"
        " when not matched then insert values (s.id)"
    )
    assert fails(waiting.execute, sql)["C"] == "57014"
    first.rollback()
    second.rollback()
    cursor.execute("drop table merged")
    cursor.execute("drop table merging")
    first.commit()


REFUSED = [
    ("42601", f"merge into target t using source s on t.id = s.id {CLAUSES}"),
    ("0A000", f"merge into target using (select 1 as id, 'x' as name) s on target.id = s.id {CLAUSES}"),
    ("0A000", f"merge into target using v as s on target.id = s.id {CLAUSES}"),
    ("0A000", f"merge into target using target s on target.id = s.id {CLAUSES}"),
    ("0A000", f"merge into target using source s on target.id > s.id {CLAUSES}"),
    ("0A000", f"merge into target using source s on target.id = s.id or target.name = s.name {CLAUSES}"),
    ("42601", "merge into target using source s on target.id = s.id when matched then delete"),
    ("42601", "merge into target using source s on target.id = s.id when not matched then insert values (s.id, 'x')"),
    ("42601", "merge into target using source s on target.id = s.id when matched and s.id > 1 then delete"
     " when not matched then insert values (s.id, s.name)"),
    ("42601", "merge into target using source s on target.id = s.id when not matched then insert values (s.id, s.name)"
     " when matched then delete"),
    ("42601", "merge into target using source s on target.id = s.id when matched then do nothing"
     " when not matched then insert values (s.id, s.name)"),
    ("42601", "merge into target using source s on target.id = s.id when matched then update set target.name = s.name"
     " when not matched then insert values (s.id, s.name)"),
    ("42601", "merge into target using source s on target.id = s.id when matched then delete"
     " when not matched by source then delete"),
    ("0A000", "merge into target using source s on target.id = s.id when matched then update set name = s.name[0]"
     " when not matched then insert values (s.id, s.name)"),
    ("42883", "merge into target using source s on target.id = s.id when matched then update set name = array_agg(s.id)"
     " when not matched then insert values (s.id, s.name)"),
    ("42601", "merge into target using wide s on target.id = s.id remove duplicates"),
    ("0A000", "merge into target using twice s on target.id = s.id remove duplicates"),
    ("0A000", f"with q as (select 1) merge into target using source s on target.id = s.id {CLAUSES}"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_any_other_merge_is_refused(tables: Run, code: str, sql: str) -> None:
    tables("create temp table wide as select *, 1 as more from source")
    tables("create temp table twice as select * from source union all select * from source")
    tables("create view v as select * from source")
    assert fails(tables, sql)["C"] == code
