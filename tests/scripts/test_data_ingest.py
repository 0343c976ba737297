"""scripts/data_ingest.py as people run it, against the deployed function."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lambdas.common.contract.read import read_contract
from lambdas.common.lake import list_objects, parse_raw_key
from scripts.landing import Landing, before, show, show_older_days
from tests.cloud import PROJECT
from tests.sources.pipeline import AT, ID, prop

SCRIPT = PROJECT / "scripts" / "data_ingest.py"


def given(env):
    """The environment of the command, with nothing of this process's own account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANALYTICS_"))}
    return {**kept, "COLUMNS": "120", **env}


def run(*arguments, env, folder=PROJECT):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=folder, env=given(env), capture_output=True, text=True, timeout=120)


def numbers(output):
    """The summary's row: put, unchanged, emptied, rows, bytes, seconds, rows a second."""
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


@pytest.fixture
def summer(cloud, deployed):
    """Calls for the keys that lie in 123 days, which are empty before and after."""
    s3, bucket = cloud.client("s3"), deployed["LAKE_BUCKET"]
    months = [f"raw/earthquakes/2018/{month:02}/" for month in range(5, 9)]
    cloud.empty(*months)
    yield lambda: [o.key for prefix in months for o in list_objects(s3, bucket, prefix)]
    cloud.empty(*months)


@pytest.mark.long
def test_ctrl_c_is_one_line_and_status_130_and_a_second_run_lands_the_rest(deployed, cloud, summer):
    arguments = ("earthquakes", "--from", "2018-05-01", "--to", "2018-08-31")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # who starts the tests in the background has them ignore Ctrl-C, and all that they start
    heeding = ("env", "--default-signal=INT", sys.executable)
    process = subprocess.Popen([*heeding, str(SCRIPT), *arguments], env=given(deployed), **pipes)
    source = cloud.leader("usgs")
    try:
        wait_until(lambda: summer() or process.poll() is not None, 60)
        source.suspend()  # the windows that follow cannot be read: the interrupt falls between the first and the last
        process.send_signal(signal.SIGINT)
        shown, told = process.communicate(timeout=60)
    finally:
        source.resume()
        process.kill()
    assert process.returncode == 130, told
    assert (shown, "Traceback" in told) == ("", False)
    assert told.splitlines()[-1].startswith("data_ingest.py: interrupted. ")
    assert told.rstrip().endswith("The call under way goes on by itself, 240 s at most, and lands what it reads")
    assert 0 < len(summer()) < 123
    second = run(*arguments, env=deployed)
    assert (second.returncode, sum(numbers(second.stdout)[:3])) == (0, 123), second.stderr
    assert len({parse_raw_key(key).day for key in summer()}) == len(summer()) == 123


def wait_until(holds, seconds):
    """Wait until that holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_source_that_breaks_off_between_slices_has_landed_nothing():
    landing = Landing("things")
    landing.add({}, answer(rows=4, put=1, remaining={"slice": {"run": "2024"}}))
    assert before(landing).startswith("4 rows were read before that; nothing of a source that is not read to its end")


def answer(rows=0, *, put=0, emptied=0, remaining=None):
    return {
        "rows": rows,
        "bytes": 9,
        "objects": {"put": put, "unchanged": 0, "emptied": emptied},
        "remaining": remaining,
    }


def test_the_summary_says_what_becomes_of_rows_that_are_gone(capsys):
    landing = Landing("things")
    landing.add({}, answer(rows=3, put=1))
    show(landing)
    shown = capsys.readouterr().out
    assert ("leave the warehouse" in shown, "does not have" in shown, "to come" in shown) == (False, False, False)
    landing.add({}, {**answer(emptied=2), "unloaded": 7, "early": 4})
    show(landing)
    shown = capsys.readouterr().out
    assert "2 objects are replaced by empty ones" in shown
    assert "7 rows are of days that things does not have, and nothing loads them" in shown
    assert "4 rows are of days to come" in shown


def test_large_numbers_are_whole_in_a_pipe(capsys):
    landing = Landing("things")
    landing.add({}, {**answer(rows=1_234_567_890, put=31_601_333), "bytes": 9_876_543_210_123})
    show(landing)
    shown = capsys.readouterr().out
    assert all(number in shown for number in ("1,234,567,890", "31,601,333", "9,876,543,210,123"))


def test_a_dry_run_names_each_column_that_is_lost_or_new_once(capsys):
    landing = Landing("things", dry_run=True)
    for _ in range(2):
        landing.add({}, {**answer(rows=3, put=1), "columns": {"lost": ["temp"], "new": ["heat"]}})
    show(landing)
    shown = capsys.readouterr().out
    assert "the contract reads temp, which the source does not have" in shown
    assert "the source has heat, which the contract names nowhere" in shown


KEYED = {**ID, "required": True, "primaryKey": True}


@pytest.mark.parametrize(
    ("properties", "version", "said"),
    [
        ([KEYED, AT], None, True),
        ([KEYED, AT, prop("changed", "timestamp")], "changed", False),
        ([{**KEYED, "primaryKeyPosition": 1}, {**AT, "primaryKey": True, "primaryKeyPosition": 2}], None, False),
        ([ID, AT], None, False),
    ],
    ids=["key", "version", "time in the key", "no key"],
)
def test_only_where_a_row_may_move_to_an_older_day_is_it_said_to_lose(properties, version, said, tmp_path, capsys):
    custom = {"customProperties": [{"property": "versionColumn", "value": version}]} if version else {}
    table = {"name": "things", "properties": properties, **custom}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "things", "version": "1.0.0", "status": "active"}
    show_older_days(read_contract({**head, "schema": [table]}, tmp_path / "things" / "contract.yaml", "source"))
    assert ("moves at to an earlier day does not replace it" in capsys.readouterr().out) is said


@pytest.mark.long
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
    keyed = run("flights", "--file", str(path), "--dry-run", env=deployed)
    assert ["versionColumn" in told.stdout for told in (again, keyed)] == [False, True]


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
