"""A range of several calls by scripts/data_ingest.py: what it tells on the way, held against what lies in the lake."""

import datetime as dt
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

from lambdas.common.lake import list_objects, parse_raw_key
from scripts import data_ingest
from tests.cloud import Cloud
from tests.scripts.test_data_ingest import PROJECT, SCRIPT, given, numbers, run

pytestmark = pytest.mark.long
FIRST, LAST = dt.date(2018, 2, 10), dt.date(2018, 5, 4)  # 84 days: calls of 31, 31 and 22
DAYS = ("earthquakes", "--from", f"{FIRST}", "--to", f"{LAST}")
MONTHS = [f"raw/earthquakes/2018/{month:02}/" for month in range(2, 6)]
LINE = re.compile(r"earthquakes: (\d+) of 84 days, to (\S+); ([\d,]+) rows, ([\d,]+) a second")


@dataclass
class Catalogue:
    """Answers as the earthquake catalogue, with some events a day, but for days that begin as `without` says.

    Windows that begin on the day `broken`, or later, are refused.
    """

    broken: str = "9"
    without: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def rows(self, day: dt.date) -> int:
        """How many events that day has."""
        return 0 if self.without and f"{day}".startswith(self.without) else day.toordinal() % 7

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body for a request."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        self.asked.append(asked["starttime"])
        if asked["starttime"] >= self.broken:
            return 404, {}
        start, end = (dt.datetime.fromisoformat(asked[name]).date() for name in ("starttime", "endtime"))
        days = [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
        found = [_event(day, number) for day in days for number in range(self.rows(day))]
        first = int(asked["offset"]) - 1
        return 200, {"type": "FeatureCollection", "features": found[first : first + int(asked["limit"])]}


def _event(day: dt.date, number: int) -> dict[str, Any]:
    moment = dt.datetime(day.year, day.month, day.day, 1 + number, tzinfo=dt.UTC)
    time_ms = int(moment.timestamp() * 1000)
    properties = {"time": time_ms, "updated": time_ms, "mag": 1.5, "type": "earthquake", "status": "reviewed"}
    geometry = {"type": "Point", "coordinates": [10.5, 45.25, 7]}
    return {"type": "Feature", "properties": properties, "geometry": geometry, "id": f"e{day:%Y%m%d}{number}"}


@pytest.fixture
def catalogue(deployed: dict[str, str], cloud: Cloud) -> Iterator[Catalogue]:
    """The catalogue that the function reaches for one test; the range is empty before and after."""
    found = Catalogue()
    cloud.empty(*MONTHS)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = found.answer(self.path)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client, name = cloud.client("lambda"), cloud.parameter("functions/ingest")
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    url = {"EARTHQUAKES_URL": f"http://127.0.0.1:{server.server_port}/fdsnws/event/1/"}
    changed = {**before, "SOURCE_VARIABLES": json.dumps(url), **url}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    yield found
    client.update_function_configuration(FunctionName=name, Environment={"Variables": before})
    server.shutdown()
    server.server_close()
    cloud.empty(*MONTHS)


def lake(cloud: Cloud) -> dict[str, tuple[str, int]]:
    """ETag and rows of the objects of the range, as pyarrow counts them, by key."""
    s3, bucket = cloud.client("s3"), cloud.env["LAKE_BUCKET"]
    listed = [item for prefix in MONTHS for item in list_objects(s3, bucket, prefix)]
    return {
        item.key: (item.etag, pq.read_metadata(io.BytesIO(_body(s3, bucket, item.key))).num_rows)
        for item in listed
        if FIRST <= parse_raw_key(item.key).day <= LAST
    }


def _body(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def events(catalogue: Catalogue, last: str) -> int:
    """Events of the range up to that day."""
    days = [FIRST + dt.timedelta(days=n) for n in range((dt.date.fromisoformat(last) - FIRST).days + 1)]
    return sum(map(catalogue.rows, days))


def rows_through(found: dict[str, tuple[str, int]], day: str) -> int:
    """Rows of the objects up to that day."""
    return sum(rows for key, (_, rows) in found.items() if parse_raw_key(key).day <= dt.date.fromisoformat(day))


def listed(output: str) -> dict[str, int]:
    """The objects that a dry run lists, with their rows."""
    found = [re.fullmatch(r" *([\d,]+)  (raw/\S+)", line) for line in output.splitlines()]
    return {line[2]: int(line[1].replace(",", "")) for line in found if line}


def test_each_line_tells_the_days_the_rows_and_the_rate_of_what_has_landed(deployed, cloud, catalogue):
    begun = time.monotonic()
    done = run(*DAYS, env=deployed)
    seconds, found = time.monotonic() - begun, lake(cloud)
    assert done.returncode == 0, done.stderr
    told = [LINE.fullmatch(line) for line in done.stderr.splitlines()]
    assert [(line[1], line[2]) for line in told] == [("31", "2018-03-12"), ("62", "2018-04-12"), ("84", "2018-05-04")]
    assert [int(line[3].replace(",", "")) for line in told] == [rows_through(found, line[2]) for line in told]
    assert [rows_through(found, line[2]) for line in told] == [events(catalogue, line[2]) for line in told]
    put, unchanged, emptied, rows, _, took, rate = numbers(done.stdout)
    assert (put, unchanged, emptied, rows) == (84, 0, 0, rows_through(found, f"{LAST}"))
    assert 0 < took < seconds
    assert rate == pytest.approx(rows / took, rel=0.05)
    rates = [int(line[4].replace(",", "")) for line in told]
    assert rows / took <= rates[-1] * 1.05
    assert f"earthquakes, {FIRST} to {LAST}: landed under raw/earthquakes/" in done.stdout


def test_a_middle_range_that_fails_is_status_1_and_what_had_landed_is_said(deployed, cloud, catalogue):
    catalogue.broken = "2018-03-13"
    done = run(*DAYS, env=deployed)
    found = lake(cloud)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    first, last = done.stderr.splitlines()
    assert LINE.fullmatch(first)[2] == "2018-03-12"
    rows = sum(rows for _, rows in found.values())
    assert len(found) == 31
    assert "(2018-03-13 to 2018-04-13, end excluded)" in last
    assert f"Before that {rows:,} rows of {FIRST} to 2018-03-12 in 31 objects had landed and stay" in last
    assert not [start for start in catalogue.asked if start >= "2018-04-13"], "it goes on behind what failed"
    catalogue.broken = "9"
    again = run(*DAYS, env=deployed)
    assert (again.returncode, numbers(again.stdout)[:3]) == (0, [53, 31, 0]), again.stderr
    assert len(lake(cloud)) == 84


def test_a_later_range_that_the_function_refuses_is_status_2_and_what_had_landed_is_said(
    deployed, cloud, catalogue, monkeypatch, capsys
):
    for name, value in deployed.items():
        monkeypatch.setenv(name, value)
    windows = (("2018-02-10", "2018-03-13"), ("2018-01-01", "2018-01-02"))  # the second as of another defs.yaml
    asked = [{"source": "earthquakes", "start": start, "end": end} for start, end in windows]
    monkeypatch.setattr(data_ingest, "_events", lambda _options: asked)
    assert data_ingest.main([*DAYS]) == data_ingest.WRONG
    last = capsys.readouterr().err.splitlines()[-1]
    rows = sum(rows for _, rows in lake(cloud).values())
    assert "start 2018-01-01 lies before 2018-01-31" in last
    assert f"Before that {rows:,} rows of {FIRST} to 2018-03-12 in 31 objects had landed and stay" in last
    monkeypatch.setattr(data_ingest, "_events", lambda _options: asked[1:])
    assert data_ingest.main([*DAYS]) == data_ingest.WRONG
    assert "landed" not in capsys.readouterr().err.splitlines()[-1], "nothing was landed, and nothing else is asked for"


def test_a_dry_run_lists_exactly_what_the_run_then_lands(deployed, cloud, catalogue):
    for without in ((), ("2018-02-11", "2018-03-2")):
        catalogue.without, before = without, lake(cloud)
        said = run(*DAYS, "--dry-run", env=deployed)
        assert lake(cloud) == before
        done = run(*DAYS, env=deployed)
        assert (said.returncode, done.returncode) == (0, 0), said.stderr + done.stderr
        changed = {key: rows for key, (etag, rows) in lake(cloud).items() if before.get(key) != (etag, rows)}
        assert listed(said.stdout) == changed
        assert numbers(said.stdout)[:5] == numbers(done.stdout)[:5]
        assert listed(done.stdout) == {}
    assert set(changed.values()) == {0}
    assert len(changed) == numbers(said.stdout)[2] == 9  # of 11 days two had nothing before
    nothing = run(*DAYS, "--dry-run", env=deployed)
    assert "no object would be put" in nothing.stdout


def test_a_terminal_shows_a_bar_that_ends_full(deployed, catalogue):
    ours, theirs = pty.openpty()
    command = [sys.executable, str(SCRIPT), *DAYS, "--dry-run"]
    process = subprocess.Popen(command, cwd=PROJECT, env=given(deployed), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # how the end of a terminal is told
    finally:
        os.close(ours)
    assert process.wait(60) == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")
    frames = [line for line in plain.splitlines() if line.strip()]
    assert "calling the function" in frames[0]
    assert any("31 of 84 days, to 2018-03-12; " in frame for frame in frames)
    assert "84 of 84 days, to 2018-05-04; " in frames[-1]
