"""scripts/data_ingest.py as people run it, against the deployed function."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from scripts import data_ingest
from tests.cloud import PROJECT

SCRIPT = PROJECT / "scripts" / "data_ingest.py"


def run(*arguments, env, folder=PROJECT):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANALYTICS_"))}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        env={**kept, "COLUMNS": "120", **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def numbers(output):
    """The summary's row: put, unchanged, emptied, rows, bytes, seconds."""
    cells = next(line for line in output.splitlines() if line.startswith("│")).strip("│").split("│")
    return [float(cell.strip().replace(",", "")) for cell in cells]


def test_days_land_and_a_second_run_changes_nothing(deployed, tmp_path):
    arguments = ("earthquakes", "--from", "2018-01-31", "--to", "2018-02-07")
    first = run(*arguments, env=deployed, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert sum(numbers(first.stdout)[:3]) == 8
    assert numbers(first.stdout)[3] == 1707
    second = run(*arguments, env=deployed, folder=tmp_path)
    assert numbers(second.stdout)[:4] == [0, 8, 0, 1707]


def test_a_failure_says_what_had_landed_before():
    class Failing:
        def answers(self, event):
            if event["start"] > "2024-01-01":
                raise data_ingest.CallError("things: answered 404 [SourceError]")
            yield {"rows": 3, "bytes": 9, "objects": {"put": 1, "unchanged": 1, "emptied": 0}, "remaining": None}

    totals = data_ingest.Totals()
    events = [{"start": f"2024-01-0{day}", "end": f"2024-01-0{day + 1}"} for day in (1, 2)]
    with pytest.raises(data_ingest.CallError):
        data_ingest._land(Failing(), "things", events, totals)
    said = data_ingest._before(totals, SimpleNamespace(dry_run=False))
    assert said.startswith("Before that 3 rows in 2 objects had landed and stay")
    held = {"rows": 4, "bytes": 9, "objects": {"put": 1, "unchanged": 0, "emptied": 0}, "remaining": {"slice": {}}}
    totals.add(held)
    said = data_ingest._before(totals, SimpleNamespace(dry_run=False))
    assert said.startswith("7 rows were read before that; nothing of a source that is not read to its end lands")


def test_a_source_read_whole_needs_no_days_and_takes_them(deployed):
    whole = run("weather", env=deployed)
    assert (whole.returncode, numbers(whole.stdout)[3]) == (0, 26115)
    days = run("weather", "--from", "2013-03-01", "--to", "2013-03-02", env=deployed)
    assert numbers(days.stdout)[:3] == [0, 2, 0]
    assert "rows of other days than asked for were left out" in days.stdout


def test_a_failing_function_is_one_line_and_status_1(deployed, cloud):
    client, name = cloud.client("lambda"), cloud.parameter("functions/ingest")
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {"EARTHQUAKES_URL": f"{deployed['EARTHQUAKES_URL']}nowhere/"}
    broken = {**before, "SOURCE_VARIABLES": json.dumps(variables), **variables}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    try:
        done = run("earthquakes", "--from", "2018-02-01", "--to", "2018-02-01", env=deployed)
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": before})
    assert done.returncode == 1
    assert "earthquakes: answered 404" in done.stderr.splitlines()[-1]
    assert "Nothing landed before" in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "known are "),
        (["weather", "--from", "2013-02-30"], "'2013-02-30' is no day"),
        (["weather", "--from", "2013-02-02", "--to", "2013-02-01"], "lies after --to 2013-02-01"),
        (["earthquakes", "--from", "2018-01-01"], "before 2018-01-31"),
        (["earthquakes", "--to", "2999-01-01"], "lies in the future"),
        ([], "required: SOURCE"),
        (["weather"], "`. .local/env`"),
    ],
)
def test_wrong_arguments_and_missing_settings_are_named_with_status_2(arguments, said):
    done = run(*arguments, env={})
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cloud_that_is_down_is_named(deployed):
    done = run("weather", env={**deployed, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert done.returncode == 2
    assert "make up" in done.stderr


def test_help_says_that_both_days_are_included():
    assert "both ends are included" in run("--help", env={}).stdout


def test_a_dry_run_says_what_would_land_and_a_file_lands_by_its_name(deployed, cloud, tmp_path):
    path = tmp_path / "extra rows.csv"
    path.write_text("origin,time_hour,temp\nEWR,2013-06-01T05:00:00Z,50\n")
    dry = run("weather", "--file", str(path), "--dry-run", env=deployed)
    assert (dry.returncode, numbers(dry.stdout)[:4]) == (0, [1, 0, 0, 1]), dry.stderr
    assert "would land" in dry.stdout
    bucket = cloud.parameter("lake/bucket")
    listed = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="samples/uploads/weather/")
    assert not [item["Key"] for item in listed.get("Contents", []) if "extra_rows" in item["Key"]]
    done = run("weather", "--file", str(path), env=deployed)
    assert numbers(done.stdout)[:4] == [1, 0, 0, 1]
    again = run("weather", "--file", str(path), env=deployed)
    assert numbers(again.stdout)[:4] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["weather", "--file", "no such file.csv"], "is no file"),
        (["weather", "--file", str(SCRIPT)], "its ending tells no format"),
        (["weather", "--file", str(SCRIPT), "--from", "2013-01-01"], "leave --from and --to out"),
    ],
)
def test_a_file_that_cannot_be_landed_is_named_with_status_2(arguments, said):
    done = run(*arguments, env={})
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
