from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.local_cloud.redshift.conformance import connections, page
from tests.local_cloud.redshift.conformance.forms import forms
from tests.local_cloud.redshift.conformance.lines import LINES, Line
from tests.local_cloud.redshift.conftest import runner
from tests.local_cloud.redshift.processes import Endpoint

THEMES = sorted({line.theme for line in LINES})


@pytest.fixture(scope="module")
def session(endpoint: Endpoint) -> Iterator[Any]:
    with contextlib.closing(connections.through(endpoint)) as connection:
        yield connection


@pytest.fixture(scope="module")
def plain(endpoint: Endpoint) -> Iterator[Any]:
    with connections.beside(endpoint.state) as connection:
        yield connection


def equal(got: Any, expected: Any) -> bool:
    """Same type and same value; a float to 14 digits, a decimal with its scale."""
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(equal, got, expected))
    if isinstance(expected, float) and isinstance(got, float):
        return math.isclose(got, expected, rel_tol=1e-14)
    return type(got) is type(expected) and str(got) == str(expected)


class Run:
    """Runs a line on a connection and leaves nothing behind."""

    def __init__(self, connection: Any, line: Line) -> None:
        self.connection = connection
        self.line = line
        self.execute = runner(connection)

    def __enter__(self) -> Run:
        self.connection.rollback()
        self.connection.autocommit = self.line.alone
        return self

    def __exit__(self, *_: object) -> None:
        for sql in self.line.after:
            with contextlib.suppress(psycopg2.Error):
                self.execute(sql)
        self.connection.rollback()
        self.connection.autocommit = False

    def prepare(self) -> None:
        for sql in (*self.line.given, *self.line.setup):
            self.execute(sql)

    def answer(self) -> Any:
        rows = self.execute(self.line.sql)
        return self.execute(self.line.then) if self.line.then else rows


def told(problem: psycopg2.Error) -> str:
    return f"{problem.pgcode} {problem.diag.message_primary}"


def differs(session: Any, line: Line) -> str:
    """How the endpoint's answer differs from Redshift's, or nothing."""
    with Run(session, line) as run:
        run.prepare()
        try:
            answer = run.answer()
        except psycopg2.Error as problem:
            code, _, text = line.refused.partition(" ")
            as_documented = line.refused and told(problem).startswith(code) and text in told(problem)
            return "" if as_documented else told(problem)
        if line.refused:
            return "it was accepted"
        return "" if line.rows is None or equal(answer, line.rows) else f"{answer}"


@pytest.mark.parametrize("theme", THEMES)
def test_the_endpoint_answers_as_redshift(session: Any, theme: str) -> None:
    found = {line.name: differs(session, line) for line in LINES if line.theme == theme}
    assert {name: how for name, how in found.items() if how} == {}


def refusal(run: Run, sql: str) -> str:
    """The code of the error that a statement ends with, or nothing."""
    try:
        run.execute(sql)
    except psycopg2.Error as problem:
        return str(problem.pgcode)
    return ""


def passing_forms(session: Any, line: Line) -> list[str]:
    """The forms of a refused statement that are not refused.

    What is refused for its words is refused in a transaction that has failed too; the rest is prepared for.
    """
    passing = []
    for sql in forms(line.sql, queries=line.theme == "refusals"):
        with Run(session, line) as run:
            refusal(run, "no statement")
            code = refusal(run, sql)
        if code == "25P02":
            with Run(session, line) as run:
                run.prepare()
                code = refusal(run, sql)
        if code not in {line.refused[:5], "0A000", "42601"}:
            passing.append(f"{sql}: {code}")
    return passing


@pytest.mark.parametrize("theme", THEMES)
def test_a_refusal_sees_through_other_forms(session: Any, theme: str) -> None:
    refused = [line for line in LINES if line.theme == theme and line.refused and not line.alone]
    assert [sql for line in refused for sql in passing_forms(session, line)] == []


def postgres(plain: Any, line: Line) -> Any:
    """What PostgreSQL does, in the words of the table."""
    with Run(plain, line) as run:
        try:
            run.prepare()
            answer = run.answer()
        except psycopg2.Error:
            return "same" if line.refused else "refuses"
        if not line.refused and (line.rows is None or equal(answer, line.rows)):
            return "same"
        return "accepts" if line.refused else answer


@pytest.mark.parametrize("theme", THEMES)
def test_postgres_lies_where_the_table_says_so(plain: Any, theme: str) -> None:
    found = {line.name: (postgres(plain, line), line.postgres) for line in LINES if line.theme == theme}
    assert {name: pair for name, pair in found.items() if not equal(*pair)} == {}


def test_every_line_has_a_page_and_a_name_of_its_own() -> None:
    names = [line.name for line in LINES]
    assert len(set(names)) == len(names) >= 300
    for line in LINES:
        assert re.fullmatch(r"(DG|MG)/[\w-]+", line.page), line.name
        assert re.match(r"$|[0-9A-Z]{5}( |$)", line.refused), line.name


def test_the_page_lists_the_lines_where_postgres_lies() -> None:
    assert page.written() == page.wanted(), "run python -m tests.local_cloud.redshift.conformance.page"
