"""A large object through the process function itself: memory and disk do not grow with it.

Slices are of 8 MiB here. docs/sources.md tells what 5 GB take in slices of their own size.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cloud import PROJECT, Cloud
from tests.process import source
from tests.process.source import Source

pytestmark = pytest.mark.long
SLICE = 8 << 20
# Bytes of text in a row that pack badly, and rows in a row group of some 4 MB.
PAYLOAD, GROUP = 2000, 2500
DAY = dt.date(2024, 3, 1)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    customProperties: [{{property: ignoredColumns, value: [payload]}}]
    properties:
      - {{name: id, logicalType: integer, physicalType: bigint, required: true, unique: true}}
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}}
      - {{name: n, logicalType: integer, physicalType: integer, logicalTypeOptions: {{maximum: 98}}}}
      - name: note
        logicalType: string
        physicalType: varchar(64)
        transformLogic: left(payload, 64)
        transformSourceObjects: [payload]
"""


def write_object(path: Path, groups: int) -> None:
    """A Parquet file of so many row groups; one row in a hundred breaks a rule, one repeats the first id."""
    random = np.random.default_rng(1)
    letters = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype="u1")
    offsets = pa.py_buffer((np.arange(GROUP + 1, dtype="i4") * PAYLOAD).tobytes())
    schema = pa.schema([("id", pa.int64()), ("at", pa.string()), ("n", pa.int64()), ("payload", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for group in range(groups):
            ids = np.arange(group * GROUP, (group + 1) * GROUP)
            ids[-2] = 0 if group == groups - 1 else ids[-2]
            text = pa.py_buffer(letters[random.integers(0, 64, GROUP * PAYLOAD, dtype="u1")].tobytes())
            columns = [ids, ["2024-03-01T10:00:00Z"] * GROUP, np.arange(GROUP) % 100]
            payload = pa.StringArray.from_buffers(GROUP, offsets, text)
            writer.write_table(pa.table([*columns, payload], schema=schema))


@pytest.fixture
def house(cloud: Cloud, warehouse: Any, tmp_path: Path) -> Source:
    """A source of its own, declared in a house with the functions beside it, as an image has them."""
    name = f"large_{os.getpid()}"
    path = tmp_path / "house" / "assets" / "sources" / name / "contract.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT.format(name=name))
    shutil.copytree(PROJECT / "lambdas", tmp_path / "house" / "lambdas")
    return source.make_source(cloud, warehouse, path)


def call(cloud: Cloud, house: Source, folder: Path) -> dict[str, Any]:
    """One call of the function for the day, with what it took."""
    event = {"action": "load", "source": house.contract.name, "start": f"{DAY}", "end": f"{DAY + dt.timedelta(days=1)}"}
    room = folder / "room"
    room.mkdir(exist_ok=True)
    env = {
        **os.environ,
        **cloud.env,
        "ANALYTICS_ENV": "local",
        "WAREHOUSE_SECRET": cloud.parameter("warehouse/secret-loader"),
        "PYTHONPATH": str(PROJECT),
        "TMPDIR": str(room),
    }
    command = [sys.executable, "-m", "tests.process.measured_call", json.dumps(event), str(SLICE)]
    done = subprocess.run(command, cwd=folder / "house", env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not list(room.iterdir()), "files are left on the disk"
    return dict(json.loads(done.stdout.splitlines()[-1]))


def load(cloud: Cloud, house: Source, folder: Path, groups: int) -> tuple[int, dict[str, Any]]:
    """The size of an object of so many row groups, and the call that loaded it."""
    write_object(folder / "object.parquet", groups)
    size = (folder / "object.parquet").stat().st_size
    house.put_bytes(DAY, f"20240301T{groups:06}Z", (folder / "object.parquet").read_bytes())
    told = call(cloud, house, folder)
    rejected = groups * GROUP // 100 + 1
    answer = told["answer"]
    assert not answer.get("remaining"), answer
    assert (answer["rows_in"], answer["rows_rejected"]) == (groups * GROUP, rejected)
    return size, told


def test_memory_and_disk_do_not_grow_with_the_object(cloud: Cloud, house: Source, tmp_path: Path, record_property):
    small, less = load(cloud, house, tmp_path, 8)
    large, more = load(cloud, house, tmp_path, 36)
    for size, told in ((small, less), (large, more)):
        peaks = f"{told['memory'] >> 20} MB of memory, {told['disk'] >> 20} MB of disk"
        record_property("told", f"an object of {size >> 20} MB in slices of {SLICE >> 20}: {peaks}")
    assert large > 12 * SLICE
    assert more["disk"] < 5 * SLICE
    assert more["memory"] < 1.25 * less["memory"]
