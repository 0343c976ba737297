"""The rehearsal: the warehouse is lost, one command makes it again from raw/, and every table is what it was."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.db.access import SCHEMAS
from lambdas.common.db.redshift import autocommit, execute, query, read_secret, session
from tests.cloud import PROJECT, Cloud, running

# first day, last day, the day behind it
DAYS = {
    "earthquakes": ("2018-01-31", "2018-02-01", "2018-02-02"),
    "weather": ("2013-01-01", "2013-01-02", "2013-01-03"),
}
# when and by which load a row came in is another thing after a restore; so is what counts loads
OF_A_LOAD = {"_loaded_at", "load_id", "loaded_at", "requested_by", "generation", "generations"}
Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own: on the shared one other tests leave tables whose contracts are gone."""
    with running(tmp_path_factory.mktemp("restore")) as found:
        yield found


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> dict[str, str]:
    """The exports of the env file after all stacks were deployed to it."""
    cloud.deploy()
    return cloud.env


@pytest.fixture
def admin(cloud: Cloud, deployed: dict[str, str]) -> Run:
    """Runs a statement as the admin; rows of a SELECT."""
    secret = read_secret(cloud.client("secretsmanager"), cloud.parameter("warehouse/secret-admin"))

    def run(sql: str) -> Any:
        with session(secret, deployed["WAREHOUSE_SSLMODE"], name="tests") as connection, autocommit(connection):
            return query(connection, sql) if sql.startswith("SELECT") else execute(connection, sql)

    return run


def program(module: str, *arguments: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(*arguments: str, env: dict[str, str]) -> str:
    """What the command `analytics` says where it does nothing and nobody can be asked."""
    command = [sys.executable, "-m", "scripts.analytics", *arguments]
    kept = {**os.environ, **env}
    done = subprocess.run(
        command, cwd=PROJECT, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def drop_file(cloud: Cloud, stamp: str, magnitude: float, updated: int) -> None:
    """Put a version of one earthquake under raw/, as any S3 client would."""
    properties = {
        "time": 1517400000000,
        "updated": updated,
        "mag": magnitude,
        "type": "earthquake",
        "status": "reviewed",
    }
    row = {
        "type": "Feature",
        "properties": json.dumps(properties),
        "geometry": json.dumps({"type": "Point", "coordinates": [10.5, 45.25, 7]}),
        "id": "rehearsed",
    }
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), body)
    key = f"raw/earthquakes/2018/01/31/data_{stamp}.parquet"
    cloud.client("s3").put_object(Bucket=cloud.env["LAKE_BUCKET"], Key=key, Body=body.getvalue())


@pytest.fixture
def loaded(cloud: Cloud, deployed: dict[str, str]) -> None:
    """Two sources in the warehouse, by ordinary loads: superseded rows, an overwritten object, a mart."""
    for source, (first, last, _) in DAYS.items():
        program("scripts.data_ingest", source, "--from", first, "--to", last, env=deployed)
    drop_file(cloud, "rehearsal1", 4.5, 1517400000000)
    load(cloud)
    # a newer version supersedes that row; an object that is overwritten is replaced
    drop_file(cloud, "rehearsal2", 4.7, 1517400009000)
    load(cloud)
    drop_file(cloud, "rehearsal2", 4.8, 1517400009000)
    load(cloud)
    invoke(cloud, {"action": "refresh"})


def invoke(cloud: Cloud, event: dict[str, Any]) -> dict[str, Any]:
    answer = cloud.client("lambda").invoke(FunctionName="analytics-local-process", Payload=json.dumps(event).encode())
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


def load(cloud: Cloud) -> None:
    for source, (first, _, end) in DAYS.items():
        rest: dict[str, Any] | None = {"start": first, "end": end}
        while rest:
            rest = invoke(cloud, {"action": "load", "source": source, **rest}).get("remaining")


def relations(admin: Run) -> dict[str, list[str]]:
    """The relations of the warehouse's schemas with the columns that a restore has to bring back."""
    found: dict[str, list[str]] = {}
    names = ", ".join(f"'{schema}'" for schema in SCHEMAS)
    columns = "SELECT table_schema, table_name, column_name FROM svv_columns"
    for row in admin(f"{columns} WHERE table_schema IN ({names}) ORDER BY 1, 2, 3"):
        schema, table, column = row.values()
        if column not in OF_A_LOAD:
            found.setdefault(f'"{schema}"."{table}"', []).append(f'"{column}"')
    return found


def digests(admin: Run) -> dict[str, tuple[int, str]]:
    """Each relation's number of rows, and a digest of them in whatever order."""
    result = {}
    for table, columns in relations(admin).items():
        rows = sorted(
            hashlib.sha256(repr(row).encode()).hexdigest() for row in admin(f"SELECT {', '.join(columns)} FROM {table}")
        )
        result[table] = len(rows), hashlib.sha256("".join(rows).encode()).hexdigest()
    return result


def in_force(tables: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Of the tables those that are a function of the raw objects; ops tells how that came about."""
    return {name: value for name, value in tables.items() if not name.startswith('"ops"')}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_lost_warehouse_is_made_again_by_one_command(
    cloud: Cloud, deployed: dict[str, str], loaded: None, admin: Run
) -> None:
    before = digests(admin)
    full = {name: count for name, (count, _) in before.items() if count}
    assert {'"core"."earthquakes"', '"history"."earthquakes"', '"core"."weather"', '"mart"."daily_seismicity"'} <= set(
        full
    )
    said = refused("restore", env=deployed)
    assert re.search(r"the warehouse is not empty: [1-9][\d,]* rows of earthquakes, weather\. .*give --yes", said), said
    assert digests(admin) == before
    for schema in SCHEMAS:
        admin(f'DROP SCHEMA "{schema}" CASCADE')
    assert not relations(admin)

    output = program("scripts.analytics", "restore", env=deployed)

    after = digests(admin)
    assert in_force(after) == in_force(before)
    assert set(after) == set(before)
    assert re.search(r"^[1-9][\d,]* rows in [\d,]+ s$", output, re.MULTILINE), output
