"""A source of one's own on the deployed local cloud, loaded in this process as the function does it."""

import datetime as dt
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.common.contract import Contract, load_contract
from lambdas.common.db import ddl
from lambdas.common.db.redshift import query, read_secret
from lambdas.common.lake import raw_key
from lambdas.common.settings import Settings
from lambdas.process.summary import Summary
from lambdas.process.work import Loader, Request, Warehouse
from tests.cloud import Cloud


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


def read_warehouse(cloud: Cloud) -> Warehouse:
    """The deployed warehouse as the process function reaches it."""
    secret = read_secret(cloud.client("secretsmanager"), cloud.parameter("warehouse/secret-loader"))
    return Warehouse(secret, cloud.env["WAREHOUSE_SSLMODE"], "default")


def make_source(cloud: Cloud, warehouse: Warehouse, path: Path, *, tables: bool = True) -> Source:
    """The source of that contract.yaml, its tables made where they are wanted."""
    contract = load_contract(path)
    if tables:
        with warehouse.session("tests") as connection:
            ddl.migrate_source(connection, contract)
    bucket = cloud.env["LAKE_BUCKET"]
    s3 = cloud.client("s3")
    return Source(contract, Loader(s3, Settings("local", bucket), warehouse, contract), warehouse, s3, bucket)
