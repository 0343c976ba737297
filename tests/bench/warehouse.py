"""A local warehouse and a local S3 for the benchmarks that load, and raw objects for them."""

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.common.contract import load_contract
from lambdas.common.db import ddl
from lambdas.common.db.redshift import execute, transaction
from lambdas.common.settings import Settings
from lambdas.process.work import Loader, Warehouse
from tests.bench.engine import write_contract
from tests.exactly_once.lab import BUCKET, Lab, open_lab
from tests.process.source import Source

DAY = dt.date(2024, 3, 1)


@dataclass(frozen=True)
class Place:
    """A warehouse, and a folder for contracts and files."""

    lab: Lab
    folder: Path

    def source(self, name: str, key: Sequence[str] = ()) -> Source:
        """A source of that name with the benchmarks' columns and that key, its tables made."""
        contract = load_contract(write_contract(self.folder, name, key))
        with self.lab.session() as connection:
            ddl.migrate_source(connection, contract)
        warehouse = Warehouse(self.lab.servers.loader, "disable", "default")
        loader = Loader(self.lab.s3, Settings("local", BUCKET), warehouse, contract)
        return Source(contract, loader, warehouse, self.lab.s3, BUCKET)

    def run(self, *statements: str) -> None:
        """Run the statements as the loader, in one transaction."""
        with self.lab.session() as connection, transaction(connection):
            for sql in statements:
                execute(connection, sql)


@contextmanager
def opened(folder: Path) -> Iterator[Place]:
    """The endpoint and S3 alone, gone at the end."""
    with open_lab() as lab:
        yield Place(lab, folder)


def stamp(day: dt.date, part: int = 0) -> str:
    """The stamp in the raw key of that day's object; parts of a day differ."""
    return f"{day:%Y%m%d}T000000{part:06d}Z"


def new_bodies(table: pa.Table) -> Iterator[bytes]:
    """The table as an object's bytes, each time with other metadata: another ETag, the same rows."""
    number = 0
    while True:
        number += 1
        buffer = io.BytesIO()
        pq.write_table(table.replace_schema_metadata({"n": str(number)}), buffer, compression="zstd")
        yield buffer.getvalue()
