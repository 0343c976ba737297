"""A source under trial: what lies under raw/ by the tests' own account, and the loaders that are sent to it."""

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.common.contract import load_contract
from lambdas.common.db import ddl
from tests.exactly_once import checks
from tests.exactly_once.lab import BUCKET, Lab
from tests.exactly_once.model import Row, tables
from tests.exactly_once.orders import Loading, Order, loading
from tests.exactly_once.shapes import Shape

RAW = pa.schema([("id", pa.string()), ("at", pa.timestamp("us", tz="UTC")), ("n", pa.int64()), ("v", pa.int64())])
DAY = dt.date(2024, 3, 1)


def at(day: int, hour: int = 10) -> dt.datetime:
    """That hour of the day, days counted from 1."""
    return dt.datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=dt.UTC) + dt.timedelta(days=day - 1)


class World:
    """One source.

    Attributes:
        current: raw key -> rows of the content that counts: the latest that was put.
        contents: raw key -> ETag -> rows of every content that it ever had.
        deleted: raw key -> the ETags of which one may count: what was in force when it was deleted, and what lay there.
        anew: whether content may be loaded again although it is in force.
        results: what the loaders said that came to an end.
        options: how the loaders of this source are ordered.
    """

    def __init__(self, lab: Lab, shape: Shape, name: str | None = None) -> None:
        """A new source, or the one of that name, whose tables are there."""
        self.lab = lab
        self.shape = shape
        self.name = name or lab.name()
        self.contract = lab.folder / "contracts" / self.name / "contract.yaml"
        self.current: dict[str, Sequence[Row]] = {}
        self.contents: dict[str, dict[str | None, Sequence[Row]]] = {}
        self.deleted: dict[str, set[str | None]] = {}
        self.results: list[dict[str, Any]] = []
        self.options: dict[str, Any] = {}
        self.anew = False
        self._names: dict[str, str] = {}
        if name is None:
            shape.write_contract(self.contract, self.name)
            with lab.session() as connection:
                ddl.migrate_source(connection, load_contract(self.contract))

    @property
    def sessions(self) -> str:
        """A pattern for the loader's sessions of this source."""
        return f"(look|load) {self.name}( |$)"

    def key(self, name: str) -> str:
        """The raw key of `day/number`, days from 1."""
        day, number = name.split("/")
        date = DAY + dt.timedelta(days=int(day) - 1)
        key = f"raw/{self.name}/{date:%Y/%m/%d}/data_{date:%Y%m%d}T00000000000{number}Z.parquet"
        self._names[key] = name
        return key

    def put(self, name: str, *rows: Row) -> None:
        """Put an object, new or over its former content."""
        buffer = io.BytesIO()
        table = pa.Table.from_pylist([row._asdict() for row in rows], RAW)
        pq.write_table(table, buffer, row_group_size=self.shape.group)
        self.put_bytes(name, buffer.getvalue(), rows)

    def put_bytes(self, name: str, body: bytes, rows: Sequence[Row] = ()) -> None:
        """Put an object with these bytes, which hold these rows."""
        key = self.key(name)
        reply = self.lab.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        self.current[key] = rows
        self.contents.setdefault(key, {})[reply["ETag"].strip('"')] = rows
        self.deleted.pop(key, None)

    def delete(self, name: str) -> None:
        """Delete an object; no table changes by it."""
        key = self.key(name)
        with self.lab.session() as connection:
            in_force = checks.in_force(checks.read_ledger(connection, self.name)).get(key, {}).get("etag")
        self.deleted[key] = {self.etag(key), in_force}
        self.lab.s3.delete_object(Bucket=BUCKET, Key=key)

    def there(self) -> list[str]:
        """The names of the objects that lie under raw/."""
        return sorted(self._names[key] for key in self.current if key not in self.deleted)

    def etag(self, key: str) -> str:
        """The ETag of what lies there."""
        return str(self.lab.s3.head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"'))

    def expect_forgotten(self, what: str) -> None:
        """From now on the model has no such object (`day/number`), or no row of that id."""
        if "/" in what:
            del self.current[self.key(what)]
        else:
            self.current = {k: [row for row in rows if row.id != what] for k, rows in self.current.items()}

    def learn_etags(self) -> None:
        """Take note of objects that the platform has written again."""
        for key, rows in self.current.items():
            self.contents[key][self.etag(key)] = rows

    def versions(self, zone: str) -> Iterator[dict[str, Any]]:
        """All versions, delete markers too, of the source's objects in raw, curated or rejected."""
        pages = self.lab.s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=BUCKET, Prefix=f"{zone}/{self.name}/"):
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())

    @contextmanager
    def loading(self, first: int = 1, after: int = 3, **options: Any) -> Iterator[Loading]:
        """A loader of the days [first, after), counted from 1, under way; what it says at its end is kept."""
        days = [str(DAY + dt.timedelta(days=n - 1)) for n in (first, after)]
        options = {**self.shape.options, **self.options, **options}
        if "/" in options.get("forget", ""):
            options["forget"] = self.key(options["forget"])
        with loading(self.lab.nursery, Order(str(self.contract), *days, **options)) as process:
            yield process
            if process.result:
                self.results.append(process.result)

    def load(self, first: int = 1, after: int = 3, **options: Any) -> dict[str, Any]:
        """Load the days in a process of its own; what it said."""
        with self.loading(first, after, **options) as process:
            return process.wait()

    def recover(self, after: int = 9, **options: Any) -> None:
        """Ask again until nothing remains."""
        for _ in range(20):
            result = self.load(1, after, **options)
            assert "answer" in result, f"no recovery: {result}"
            if result["answer"]["remaining"] is None:
                return
        raise AssertionError("recovery does not come to an end")

    def check_agreement(self) -> None:
        """Tables and ledger agree, whatever has been loaded so far."""
        with self.lab.session() as connection:
            ledger = checks.read_ledger(connection, self.name)
            checks.check_agreement(connection, ("history." if self.shape.key else "core.") + self.name, ledger)

    def check(self) -> None:
        """The tables equal the model, the ledger's equations hold, and the loaders told the truth."""
        with self.lab.session() as connection:
            ledger = checks.read_ledger(connection, self.name)
            self._settle_deleted(checks.in_force(ledger))
            core, history = tables(self.current, self.shape.key, version=self.shape.version)
            checks.check_table(connection, "core." + self.name, core)
            if self.shape.key:
                checks.check_table(connection, "history." + self.name, history)
            checks.check_generations(connection, self.name, ledger)
        there = {key: self.etag(key) for key in self.current if key not in self.deleted}
        checks.check_in_force(checks.in_force(ledger), self.current, there)
        checks.check_rejected(self.lab.s3, checks.in_force(ledger).values())
        if not self.anew:
            checks.check_nothing_twice(ledger)
        for result in self.results:
            if "load_id" in result.get("answer", ()):
                checks.check_answer(result["answer"], ledger)

    def _settle_deleted(self, in_force: dict[str, dict[str, Any]]) -> None:
        """Of a deleted object counts what was last seen; whether its last content was, only the ledger knows."""
        for key, possible in self.deleted.items():
            etag = in_force.get(key, {}).get("etag")
            assert etag in possible, f"{key}: neither its last content is in force nor the one before"
            if etag is None:
                self.current.pop(key, None)
            else:
                self.current[key] = self.contents[key][etag]
