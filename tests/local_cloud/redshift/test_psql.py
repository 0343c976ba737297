"""psql, the one that comes with the server below, asks the catalog as it would ask Redshift."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from infrastructure.local.redshift.postgres import binaries
from tests.local_cloud.redshift.conftest import runner
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

MADE = """
create schema shown;
create table shown.parents (k bigint identity(1,1) primary key, name varchar(40) not null);
create table shown.children (p bigint references shown.parents (k), amount decimal(12,2) default 0);
create view shown.loud as select upper(name) as name from shown.parents;
create materialized view shown.kept as select k from shown.parents
"""


@pytest.fixture(scope="module")
def psql(endpoint: Endpoint) -> Iterator[Callable[..., str]]:
    connection = endpoint.connect()
    connection.autocommit = True
    run = runner(connection)
    for statement in MADE.split(";"):
        run(statement)

    def ask(command: str, *further: str) -> str:
        options = [*further, "-X", "-A", "-h", "127.0.0.1", "-p", str(endpoint.port), "-U", "admin", "-d", "analytics"]
        environment = {**os.environ, "PGPASSWORD": ADMIN_PASSWORD, "PGSSLMODE": "disable"}
        done = subprocess.run(
            [str(binaries() / "psql"), *options, "-c", command],
            env=environment, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert not done.stderr
        return done.stdout

    yield ask
    run("drop schema shown cascade")
    connection.close()


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (r"\dt shown.*", ["shown|children|table|admin", "shown|parents|table|admin"]),
        (r"\dv shown.*", ["shown|kept|view|admin", "shown|loud|view|admin"]),
        (r"\d shown.loud", ["name|character varying(40)|||"]),
        (r"\dn shown", ["shown|admin"]),
    ],
)
def test_lists(psql: Callable[..., str], command: str, lines: list[str]) -> None:
    assert psql(command, "-t").splitlines() == lines


def test_a_table_with_its_keys_and_defaults(psql: Callable[..., str]) -> None:
    parents = psql(r"\d shown.parents")
    assert 'k|bigint||not null|"identity"(' in parents
    assert '"parents_pkey" PRIMARY KEY, btree (k)\n' in parents
    assert 'TABLE "shown.children" CONSTRAINT "children_p_fkey" FOREIGN KEY (p) REFERENCES shown.parents(k)' in parents
    children = psql(r"\d shown.children")
    assert "amount|numeric(12,2)|||0" in children
    assert '"children_p_fkey" FOREIGN KEY (p) REFERENCES shown.parents(k)\n' in children


def test_only_the_databases_of_the_endpoint(psql: Callable[..., str]) -> None:
    assert {line.split("|")[0] for line in psql(r"\l", "-t").splitlines() if "|" in line} == {
        "analytics",
        "template0",
        "template1",
    }
