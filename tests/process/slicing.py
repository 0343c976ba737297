"""Stages one object, whole or in slices, and looks at what that leaves."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.lake import list_objects, raw_key
from lambdas.process import slices
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Staged, Stager
from lambdas.process.rejected import read_file
from tests.local_cloud.redshift import processes
from tests.process.test_load import DAY, A, row

BUCKET = "lake"
ROWS, GROUP = 500, 50
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    customProperties: [{{property: maxRejectedRatio, value: {limit}}}]
    quality:
      - {{type: sql, name: enough, query: "SELECT count(*) FROM {{object}}", mustBeGreaterThan: {enough}}}
    properties:
      - {{name: id, logicalType: string, physicalType: varchar(8), required: true, unique: true}}
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}}
      - {{name: n, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{maximum: 450}}}}
      - {{name: v, logicalType: integer, physicalType: bigint}}
"""
QUALITY = re.search(r"    quality:\n.*\n", CONTRACT)[0]  # type: ignore[index]
SCRIPT = "def transform(df):\n    df['v'] = df.index * 2\n    return df[df.index % 7 != 3]\n"
TYPES = {"id": pa.string(), "at": pa.string(), "n": pa.int64(), "v": pa.int64()}


def parquet(rows: list[dict[str, Any]], group: int = GROUP) -> bytes:
    table = pa.table({name: pa.array([r[name] for r in rows], kind) for name, kind in TYPES.items()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=group)
    return buffer.getvalue()


def rows_with(**changes: dict[int, Any]) -> list[dict[str, Any]]:
    """Rows with one id each, of two days; `changes` are values by row number, for each column."""
    days = ("2024-03-01T10:00:00Z", "2024-03-02T10:00:00Z")
    made = [row(f"k{number}", n=number, v=number, at=days[number // 400]) for number in range(ROWS)]
    for name, values in changes.items():
        for number, value in values.items():
            made[number][name] = value
    return made


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of an S3 of its own, with the bucket."""
    process, url = processes.start_s3(tmp_path_factory.mktemp("s3"))
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **keys)
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()
    process.terminate()
    process.wait(20)


@pytest.fixture
def stage(s3, tmp_path: Path, monkeypatch):
    """Stages an object by a contract: whole, or in slices of one row group with as many calls as it takes."""
    bucket = BUCKET

    def run(
        body: bytes, name: str, *, sliced: bool, script: str = "", calls: int = 1, slice_bytes: int = 1, **options: Any
    ):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        given = {"limit": 0.9, "enough": 3} | options
        text = CONTRACT if given.pop("rules", True) else CONTRACT.replace(QUALITY, "")
        (folder / "contract.yaml").write_text(text.format(name=name, **given))
        if script:
            (folder / "transform.py").write_text(script)
        key = raw_key(name, DAY, A)
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        [item] = list_objects(s3, bucket, key)
        monkeypatch.setattr(slices, "SLICE_BYTES", slice_bytes if sliced else 1 << 30)
        found = []
        for _ in range(calls):
            with open_engine(tmp_path) as connection:
                contract = load_contract(folder / "contract.yaml")
                stager = Stager(s3, bucket, contract, Engine(connection, contract), folder)
                found.append(stager.stage([item], 0.0 if calls > 1 else float("inf")))
            assert {path.name for path in folder.iterdir()} <= {"contract.yaml", "transform.py", "__pycache__"}
        return Found(s3, bucket, found[-1].staged[0]) if found[-1].staged else None, found

    yield run
    for zone in ("raw", "curated", "rejected"):
        for name in ("whole", "parts"):
            for item in list_objects(s3, bucket, f"{zone}/{name}/"):
                s3.delete_object(Bucket=bucket, Key=item.key)


class Found:
    """What was staged of an object, without the names that differ."""

    def __init__(self, s3: Any, bucket: str, staged: Staged) -> None:
        self.s3, self.bucket, self.staged = s3, bucket, staged
        e = staged.entry
        self.counts = (e.status, e.rows_in, e.rows_accepted, e.rows_rejected, e.rows_late, e.event_from, e.event_to)

    def accepted(self) -> list[dict[str, Any]]:
        return [self._plain(r) for key in self.staged.files for r in self._read(key)]

    def rejected(self, folder: Path) -> list[dict[str, Any]]:
        key, path = self.staged.entry.rejected_key or "nothing", folder / "read.parquet"
        found = []
        for item in sorted(list_objects(self.s3, self.bucket, key)):
            self.s3.download_file(self.bucket, item.key, str(path))
            found += [self._plain(r) for r in read_file(path)]
        return found

    def _read(self, key: str) -> list[dict[str, Any]]:
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return list(pq.read_table(io.BytesIO(body)).to_pylist())

    def _plain(self, found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in found.items() if name not in ("_raw_key", "raw_key")}
