"""Ingest in a process of its own with the memory that is deployed: neither wide nor many rows fill it."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.cloud import PROJECT

pytestmark = pytest.mark.long
MEMORY = 1024  # IngestMemory of the parameter files
DAYS = 12


def day_of(number, rows, order):
    """The days come one after the other, or round and round; or there is one."""
    place = {"one": 0, "falling": DAYS - 1 - number * DAYS // rows, "mixed": number % DAYS}[order]
    return f"2024-01-{place + 1:02d}"


def wide_text(number):
    """4,000 signs that do not pack."""
    return os.urandom(2000).hex()


def written(path, kind, rows, order, text):
    """A file of so many rows, each with an id, a day and a text."""
    with path.open("w") as file:
        if kind == "csv":
            file.write("id,at,name\n")
        file.write('{"meta": {"rows": 1}, "items": [' if kind == "envelope" else "")
        for number in range(rows):
            day, name = day_of(number, rows, order), text(number)
            if kind == "csv":
                file.write(f"{number},{day},{name}\n")
            else:
                between = "\n" if kind == "ndjson" else "," if number else ""
                file.write(between + json.dumps({"id": number, "at": day, "name": name}))
        file.write("]}" if kind == "envelope" else "")
    return path.stat().st_size


def call(cloud, bench, folder, extract):
    """One call of the function for the source, with what it took."""
    house = folder / "house"
    assets = house / "assets" / "sources" / "things"
    bench.source(extract)
    assets.mkdir(parents=True)
    shutil.copy(bench.folder / "things" / "contract.yaml", assets)
    defs = {"type": "orchestration.components.Source", "attributes": {"start": "2024-01-01", "extract": extract}}
    (assets / "defs.yaml").write_text(yaml.safe_dump(defs))
    shutil.copytree(PROJECT / "lambdas", house / "lambdas")
    (house / ".tmp").write_text("DuckDB would spill here, where a function must not write")
    (folder / "room").mkdir()
    env = {
        **os.environ,
        **cloud.env,
        "ANALYTICS_ENV": "local",
        "LAKE_BUCKET": bench.bucket,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": f"{MEMORY}",
        "PYTHONPATH": str(PROJECT),
        "TMPDIR": str(folder / "room"),
    }
    command = [sys.executable, "-m", "tests.ingest.measured_call", json.dumps({"source": "things"})]
    done = subprocess.run(command, cwd=house, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list((folder / "room").iterdir()), "files are left on the disk"
    return json.loads(done.stdout.splitlines()[-1])


def require(cloud, bench, extract, rows, record_property):
    """Ingest the file, within the memory; what the process took."""
    told = call(cloud, bench, bench.folder, extract)
    record_property("told", f"{told['memory'] >> 20} MB of memory, {told['disk'] >> 20} MB of disk")
    assert told["answer"]["rows"] == rows
    assert told["answer"]["remaining"] is None
    assert told["memory"] < MEMORY << 20
    return told


@pytest.mark.parametrize(("kind", "order"), [("csv", "one"), ("ndjson", "mixed"), ("envelope", "falling")])
def test_wide_rows_fit_whatever_their_order(cloud, bench, kind, order, record_property):
    rows = 110_000
    size = written(bench.folder / "in.data", kind, rows, order, wide_text)
    extract = {"filesystem": {"bucket_url": str(bench.folder), "file_glob": "in.data", "format": kind}}
    if kind == "envelope":
        extract["filesystem"] |= {"format": "json", "json": {"data_selector": "items"}}
    assert size > 400 << 20
    require(cloud, bench, extract, rows, record_property)


def test_many_rows_fit(cloud, bench, record_property):
    rows = 1_900_000
    written(bench.folder / "in.data", "csv", rows, "mixed", lambda number: f"{number * 7919 % 1_000_003:0>150}")
    extract = {"filesystem": {"bucket_url": str(bench.folder), "file_glob": "in.data", "format": "csv"}}
    require(cloud, bench, extract, rows, record_property)
