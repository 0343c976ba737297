"""A source of the tests' own on the deployed local cloud, loaded in this process as the function does it."""

import datetime as dt
import io
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import Contract, load_contract
from lambdas.common.db import ddl
from lambdas.common.db.redshift import autocommit, query, read_secret, session
from lambdas.common.lake import raw_key
from lambdas.common.settings import Settings
from lambdas.process.work import Loader, Request, Summary, Warehouse
from tests.cloud import Cloud

TEMPLATE = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    customProperties: [{version}]
    properties:
      - {{name: id, logicalType: string, physicalType: varchar(8), required: true{key}}}
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true{time_key}}}
      - {{name: n, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{maximum: 100}}}}
      - {{name: v, logicalType: integer, physicalType: bigint}}
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Source:
    """A scratch source: put raw objects, load days, look at the tables."""

    contract: Contract
    loader: Loader
    warehouse: Warehouse
    s3: Any
    bucket: str

    def put(self, day: dt.date, stamp: str, rows: list[dict[str, Any]]) -> str:
        """Put a raw object with these rows; its key."""
        types = {"id": pa.string(), "at": pa.string(), "n": pa.int64(), "v": pa.int64()}
        table = pa.table({name: pa.array([r.get(name) for r in rows], kind) for name, kind in types.items()})
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        return self.put_bytes(day, stamp, buffer.getvalue())

    def put_bytes(self, day: dt.date, stamp: str, body: bytes) -> str:
        """Put a raw object with these bytes; its key."""
        key = raw_key(self.contract.name, day, stamp)
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def load(self, start: dt.date, end: dt.date | None = None) -> Summary:
        """Load the days [start, end), or the one day."""
        after = end or start + dt.timedelta(days=1)
        return self.loader.load(Request(start, after, "tests", "", time.monotonic() + 60))

    def select(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a SELECT; {core}, {history} and {name} stand for this source's."""
        name = self.contract.name
        with self.warehouse.session("tests") as connection:
            return query(connection, sql.format(core=f"core.{name}", history=f"history.{name}", name=name))

    def rows(self) -> list[tuple[Any, ...]]:
        """(id, n, v) in core, sorted."""
        return sorted((r["id"], r["n"], r["v"]) for r in self.select("SELECT id, n, v FROM {core}"))

    def ledger(self) -> list[dict[str, Any]]:
        """All entries, oldest first."""
        return self.select("SELECT * FROM ops.load_ledger WHERE source = '{name}' ORDER BY generation, raw_key")


@pytest.fixture(scope="session")
def warehouse(cloud: Cloud, deployed: dict[str, str]) -> Warehouse:
    """The deployed warehouse as the process function reaches it."""
    secret = read_secret(cloud.client("secretsmanager"), cloud.parameter("warehouse/secret-loader"))
    return Warehouse(secret, deployed["WAREHOUSE_SSLMODE"], "default")


@pytest.fixture
def make_source(cloud: Cloud, deployed: dict[str, str], warehouse: Warehouse, tmp_path: Path) -> Callable[..., Source]:
    """Makes a source with its tables: keyed or not, with a version column or not, the time in the key or not."""

    def make(*, keyed: bool = True, version: bool = False, time_in_key: bool = False) -> Source:
        name = f"scratch_{os.getpid()}_{next(_numbers)}"
        folder = tmp_path / name
        folder.mkdir()
        text = TEMPLATE.format(
            name=name,
            key=", primaryKey: true, primaryKeyPosition: 1" if keyed else "",
            time_key=", primaryKey: true, primaryKeyPosition: 2" if time_in_key else "",
            version="{property: versionColumn, value: v}" if version else "",
        )
        (folder / "contract.yaml").write_text(text)
        contract = load_contract(folder / "contract.yaml")
        with session(warehouse.secret, warehouse.sslmode, name="tests") as connection, autocommit(connection):
            ddl.migrate_source(connection, contract)
        settings = Settings("local", deployed["LAKE_BUCKET"])
        s3 = cloud.client("s3")
        return Source(contract, Loader(s3, settings, warehouse, contract), warehouse, s3, deployed["LAKE_BUCKET"])

    return make


@pytest.fixture
def keyed(make_source: Callable[..., Source]) -> Source:
    """A source with a key and a version column."""
    return make_source(version=True)


@pytest.fixture
def loader_connection(warehouse: Warehouse) -> Iterator[Any]:
    """A connection of the loader's, to hold locks with."""
    with warehouse.session("tests lock") as connection:
        yield connection
