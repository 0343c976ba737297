"""The command `analytics` as people run it, against the deployed functions."""

import datetime as dt
import io
import json
import os
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.db.redshift import autocommit, execute, query, read_secret, session
from lambdas.common.lake import raw_key
from scripts.analytics.__main__ import main
from scripts.tables import new_table, print_table
from tests.cloud import PROJECT

KEY = raw_key("weather", dt.date(2013, 1, 1), "20130101T000000000000Z")


def analytics(*arguments, env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANALYTICS_"))}
    return subprocess.run(
        [sys.executable, "-m", "scripts.analytics", *arguments],
        cwd=PROJECT,
        env={**kept, "COLUMNS": "160", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )


def numbers(output, source):
    """The cells of the source's line, without separators of thousands."""
    line = next(line for line in output.splitlines() if line.startswith(f"│ {source} "))
    return [cell.strip().replace(",", "") for cell in line.strip("│").split("│")]


@pytest.fixture
def loader(cloud, deployed):
    """Runs a statement as the loader; rows of a SELECT."""
    secret = read_secret(cloud.client("secretsmanager"), cloud.parameter("warehouse/secret-loader"))

    def run(sql):
        with session(secret, deployed["WAREHOUSE_SSLMODE"], name="tests") as connection, autocommit(connection):
            return query(connection, sql) if sql.startswith("SELECT") else execute(connection, sql)

    return run


@pytest.fixture
def weather(cloud, deployed):
    """Two days of weather, landed and not loaded by this fixture."""
    ingest = [sys.executable, "-m", "scripts.data_ingest", "weather", "--from", "2013-01-01", "--to", "2013-01-02"]
    subprocess.run(ingest, cwd=PROJECT, env={**os.environ, **deployed}, check=True, capture_output=True, timeout=200)


@pytest.mark.long
def test_source_is_rebuilt_proved_retired_and_built_anew_from_raw(cloud, deployed, weather, loader):
    """Also what a refused change of a contract asks for: retire, migrate, rebuild."""
    days = ("--from", "2013-01-01", "--to", "2013-01-02")
    rebuilt = analytics("rebuild", "weather", *days, env=deployed)
    assert rebuilt.returncode == 0, rebuilt.stderr
    objects = int(re.search(r"(\d+) objects", rebuilt.stdout)[1])
    assert objects >= 2
    assert "refreshing flight_delays_by_weather" in rebuilt.stderr
    assert f"{objects} objects" in analytics("rebuild", "weather", *days, env=deployed).stdout, "not loaded anew"
    assert int(numbers(analytics("status", env=deployed).stdout, "weather")[1]) >= 2

    loader(f"DELETE FROM history.weather WHERE _raw_row = 0 AND _raw_key = '{KEY}'")
    broken = analytics("prove", "weather", *days, env=deployed)
    assert broken.returncode == 1
    assert f"{KEY}: accepted = rows by _raw_key" in broken.stdout

    planned = analytics("retire", "weather", env=deployed)
    assert planned.returncode == 0
    assert 'DROP TABLE "history"."weather";' in planned.stdout
    assert analytics("retire", "weather", "--drop", env=deployed).returncode == 2, "nobody was asked"
    assert loader("SELECT COUNT(*) AS n FROM core.weather")[0]["n"] > 0
    dropped = analytics("retire", "weather", "--drop", "--yes", env=deployed)
    assert dropped.returncode == 0, dropped.stderr
    gone = "SELECT table_name FROM svv_tables WHERE table_schema IN ('core', 'history') AND table_name = 'weather'"
    assert loader(gone) == []

    client, name = cloud.client("lambda"), cloud.parameter("functions/migrate")
    assert "FunctionError" not in client.invoke(FunctionName=name, Payload=b"{}")
    assert loader("SELECT COUNT(*) AS n FROM core.weather")[0]["n"] == 0
    assert analytics("rebuild", "weather", *days, env=deployed).returncode == 0
    proof = analytics("prove", "weather", env=deployed)
    assert proof.returncode == 0, proof.stdout
    assert numbers(proof.stdout, "weather")[-1] == "yes"
    assert loader("SELECT COUNT(*) AS n FROM mart.flight_delays_by_weather") is not None


@pytest.mark.long
def test_object_is_forgotten_on_request(deployed, weather, loader):
    analytics("rebuild", "weather", "--from", "2013-01-01", "--to", "2013-01-02", env=deployed)
    done = analytics("forget", "weather", "--object", KEY, "--yes", env=deployed)
    assert done.returncode == 0, done.stderr
    assert re.search(r"1 objects, \d+ rows, \d+ versions forgotten", done.stdout)
    assert loader(f"SELECT COUNT(*) AS n FROM history.weather WHERE _raw_key = '{KEY}'")[0]["n"] == 0


QUAKE = {
    "type": "Feature",
    "properties": '{"time": 1580558400000, "updated": 1580558400000, "mag": "[red]99", "type": "earthquake"}',
    "geometry": '{"type": "Point", "coordinates": [10.5, 45.25, 7]}',
    "id": "rejected1",
}


@pytest.mark.long
def test_rejected_rows_are_shown_with_their_reasons_and_objects_with_theirs(cloud, deployed):
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([QUAKE]), body)
    day = raw_key("earthquakes", dt.date(2020, 2, 1), "20200201T000000000009Z")
    for key, content in ((day, body.getvalue()), (day.replace("9Z", "8Z"), b"no Parquet")):
        cloud.client("s3").put_object(Bucket=deployed["LAKE_BUCKET"], Key=key, Body=content)
    days = ("--from", "2020-02-01", "--to", "2020-02-01")
    planned = analytics("plan", "earthquakes", *days, env=deployed)
    assert planned.returncode == 0, planned.stderr
    assert "earthquakes: 2 objects to load, 0 in force already" in planned.stdout, "a day that no other test has"
    assert "rows: 1 in, 0 accepted, 1 rejected, 0 late; 1 objects set aside" in planned.stdout
    assert re.search(r"^ +1  magnitude: cast$", planned.stdout, re.MULTILINE)
    assert "  LOCK" in planned.stdout
    analytics("rebuild", "earthquakes", *days, env=deployed)
    again = json.loads(analytics("plan", "earthquakes", *days, "--json", env=deployed).stdout)
    assert (again["objects"], again["in_force"], again["batches"]) == (0, 2, [])
    anew = json.loads(analytics("plan", "earthquakes", *days, "--json", "--rebuild", env=deployed).stdout)
    assert (anew["objects"], anew["rows_rejected"], anew["table"]) == (2, 1, [])
    shown = analytics("rejected", "earthquakes", *days, "--raw", env={**deployed, "COLUMNS": "400"})
    assert shown.returncode == 0, shown.stderr
    assert re.search(rf"{re.escape(day)} +│ +0 +│ magnitude +│ cast +│ \[red\]99 +│ ..+rejected1", shown.stdout)
    assert "1 rows rejected in 1 objects; shown: 1" in shown.stdout
    assert re.search(r"^ +1  status: required$", shown.stdout, re.MULTILINE)
    assert (
        "set aside as a whole: raw/earthquakes/2020/02/01/data_20200201T000000000008Z.parquet: no readable"
        in shown.stdout
    )
    found = json.loads(analytics("rejected", "earthquakes", "--object", day, "--json", env=deployed).stdout)
    assert {r["rule"] for r in found["rows"][0]["reasons"]} == {"cast", "required"}
    assert found["set_aside"] == []
    nowhere = raw_key("earthquakes", dt.date(2017, 2, 1), "20170201T000000000009Z")
    unknown = analytics("rejected", "earthquakes", "--object", nowhere, env=deployed)
    assert unknown.returncode == 2
    assert "is not in the ledger" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prove", "nope"], "there is no source 'nope'; known are "),
        (["status", "weather", "nope"], "there is no source 'nope'; known are "),
        (["rebuild", "weather", "--from", "2013-02-02", "--to", "2013-02-01"], "lies after --to 2013-02-01"),
        (["rebuild", "weather", "--from", "2013-02-30"], "'2013-02-30' is no day"),
        (["forget", "weather"], "one of the arguments --object --key is required"),
        (["forget", "weather", "--key", "origin"], "COLUMN=VALUE"),
        (["forget", "weather", "--object", KEY], "give --yes"),
        (["status"], "`. .local/env`"),
        (["rejected", "weather", "--limit", "-1"], "'-1' is no number of rows from 0 to 1,000"),
        (["rejected", "weather", "--object", "nope"], "'nope'"),
        (["rejected", "earthquakes", "--object", KEY], "is an object of weather, not of earthquakes"),
        (["check", "--against", "no such commit"], "git knows no 'no such commit'"),
    ],
)
def test_wrong_arguments_and_missing_settings_are_named_with_status_2(arguments, said, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith(("AWS_", "ANALYTICS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert said in capsys.readouterr().err


def test_status_tells_the_next_run_and_what_is_missing(deployed):
    done = analytics("status", "--json", env=deployed)
    assert done.returncode == 0, done.stderr
    told = {row["source"]: row for row in json.loads(done.stdout)["sources"]}
    assert told["earthquakes"]["next_run"].endswith("T02:15:00Z")
    assert told["weather"]["next_run"] is None
    assert told["earthquakes"]["missing"] > 0
    shown = analytics("status", env=deployed).stdout
    assert "earthquakes: nothing is loaded of" in shown
    assert told["earthquakes"]["next_run"][:10] in shown
    one = analytics("status", "weather", "--json", env=deployed)
    assert [row["source"] for row in json.loads(one.stdout)["sources"]] == ["weather"]


@pytest.mark.long
def test_a_pause_is_said_by_status_until_resume(deployed):
    assert analytics("pause", "month end", env=deployed).returncode == 0
    shown = analytics("status", env=deployed).stdout
    assert re.search(r"^everything is paused by \S+ since \S+ \S+ UTC: month end; `analytics resume`", shown)
    resumed = analytics("resume", env=deployed)
    assert resumed.returncode == 0, resumed.stderr
    assert "paused" not in analytics("status", env=deployed).stdout


def test_what_the_warehouse_does_not_have_cannot_be_retired(deployed):
    done = analytics("retire", "nope", env=deployed)
    assert done.returncode == 2
    assert "neither tables of a source 'nope' nor a mart" in done.stderr


def test_tables_in_a_pipe_are_not_cut(capsys):
    table = new_table("source", right=[f"number_{n}" for n in range(12)])
    table.add_row("earthquakes_of_the_world", *("1,234,567,890" for _ in range(12)))
    print_table(table)
    shown = capsys.readouterr().out
    assert "earthquakes_of_the_world" in shown
    assert shown.count("1,234,567,890") == 12
