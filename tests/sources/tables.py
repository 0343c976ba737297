"""The second level of every test here: what it made goes on into tables of the warehouse, and the equations hold.

Each source is loaded as it is declared. One without a key is loaded once more with its `id` as the key, so that
history, superseded rows and keys are there of every kind of input. All is held against the rows that the test itself
asserts.
"""

import datetime as dt
import itertools
import json
import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from lambdas.common.contract import Contract
from lambdas.common.db.prove import EVER, prove
from lambdas.common.db.redshift import autocommit, query
from lambdas.common.db.sql import identifier
from lambdas.common.lake import parse_raw_key
from lambdas.process.reports import list_lake
from lambdas.process.work import Warehouse
from tests.cloud import Cloud
from tests.process.source import Source, make_source
from tests.sources.pipeline import Outcome, Pipeline

_numbers = itertools.count(1)
Row = dict[str, Any]
# The raw key and the number of a row.
Place = tuple[str, int]


@dataclass
class TablesPipeline(Pipeline):
    """A pipeline whose raw objects are loaded too."""

    cloud: Cloud
    warehouse: Warehouse

    def _split_all(self, path: Path, answer: dict[str, Any], name: str = "things") -> Outcome:
        outcome = super()._split_all(path, answer, name)
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._load(path, document, outcome, name)
        if _give_key(document):
            self._load(path, document, outcome, name)
        return outcome

    def _load(self, path: Path, document: dict[str, Any], outcome: Outcome, name: str) -> None:
        """Make the tables of that contract under a name of its own, and load what lies there."""
        source = make_source(self.cloud, self.warehouse, _rename(path, document))
        days = self._copy(name, source)
        if days:
            source.load(min(days), max(days) + dt.timedelta(days=1))
        with self.warehouse.session("tests") as connection, autocommit(connection):
            hold(Tables(source, connection), outcome)

    def _copy(self, name: str, source: Source) -> list[dt.date]:
        """Bring the raw objects into the lake under the source's name; the days of their keys."""
        keys = self.raw_keys(name)
        for key in keys:
            target = f"raw/{source.contract.name}/{key.removeprefix(f'raw/{name}/')}"
            self.s3.copy_object(Bucket=source.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": key})
        return [parse_raw_key(key).day for key in keys]


def _rename(path: Path, document: dict[str, Any]) -> Path:
    """The contract as a source of another name, with all that lies beside it."""
    name = f"kind_{os.getpid()}_{next(_numbers)}"
    folder = path.parent.parent / name
    folder.mkdir()
    for item in path.parent.iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    document["id"] = document["schema"][0]["name"] = name
    (folder / path.name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return folder / path.name


def _give_key(document: dict[str, Any]) -> bool:
    """Make `id` the key where the contract has none; whether it was made."""
    properties = document["schema"][0]["properties"]
    if any(p.get("primaryKey") for p in properties):
        return False
    found = [p for p in properties if p["name"] == "id"]
    for one in found:
        one.update(required=True, primaryKey=True, primaryKeyPosition=1)
    return bool(found)


@dataclass(frozen=True)
class Tables:
    """A source's tables, read through one session."""

    source: Source
    connection: Any

    @property
    def contract(self) -> Contract:
        """The source's contract."""
        return self.source.contract

    def rows(self, schema: str) -> dict[Place, Row]:
        """The rows of its table there, by place; times in UTC, JSON as its values."""
        names = ", ".join(map(_selected, self.contract.columns))
        table = identifier(f"{schema}.{self.contract.name}")
        found = query(self.connection, f"SELECT _raw_key, _raw_row, {names} FROM {table}")
        rows = {(r.pop("_raw_key"), int(r.pop("_raw_row"))): self.plain(r) for r in found}
        assert len(rows) == len(found), "a row stands twice"
        return rows

    def plain(self, row: Mapping[str, Any]) -> Row:
        """The row's values of the contract's columns in one spelling."""
        return {c.name: _plain(c.physical_type, row[c.name]) for c in self.contract.columns}

    def ledger(self) -> list[Row]:
        """The source's entries."""
        return query(self.connection, "SELECT * FROM ops.load_ledger WHERE source = %s", (self.contract.name,))

    def key(self, row: Row) -> tuple[Any, ...]:
        """The row's key."""
        return tuple(row[name] for name in self.contract.key)


def _selected(column: Any) -> str:
    name = identifier(column.name)
    return f"JSON_SERIALIZE({name}) AS {name}" if column.physical_type == "super" else name


def _plain(kind: str, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if value is not None and kind == "super":
        return json.loads(value, parse_float=Decimal, parse_int=Decimal)
    if value is not None and kind == "real":
        return struct.unpack("f", struct.pack("f", value))[0]
    if value is not None and kind.startswith("char("):
        return value.rstrip(" ")  # the warehouse fills it up
    return value


def hold(tables: Tables, outcome: Outcome) -> None:
    """The ledger's equations, and every row: in the tables are the rows that came out of the files, and no other."""
    accepted = dict(_accepted(tables, outcome))
    hold_ledger(tables, outcome, Counter(key for key, _ in accepted))
    if not tables.contract.key:
        assert tables.rows("core") == accepted
    else:
        core, history = tables.rows("core"), tables.rows("history")
        newest = {tables.key(row): (place, row) for place, row in sorted(accepted.items(), key=lambda item: item[0])}
        assert history == accepted
        assert core == dict(newest.values())
        assert len(core) == len({tables.key(row) for row in history.values()})
        assert len(accepted) == len(core) + len(history.keys() - core.keys())
    hold_proof(tables)


def _accepted(tables: Tables, outcome: Outcome) -> Iterator[tuple[Place, Row]]:
    """The rows that the file level accepted and that have a key, where one is needed."""
    for (key, number), row in zip(outcome.places, outcome.accepted, strict=True):
        if None not in tables.key(row):
            yield (f"raw/{tables.contract.name}/{key}", number), tables.plain(row)


def hold_ledger(tables: Tables, outcome: Outcome, accepted: Counter[str]) -> None:
    """One entry for each raw object: the rows of its file, those accepted, and the rest rejected."""
    ledger = tables.ledger()
    rows = {f"raw/{tables.contract.name}/{key}": table.num_rows for key, table in outcome.tables.items()}
    wanted = {key: (count, accepted[key], count - accepted[key]) for key, count in rows.items()}
    loaded = {e["raw_key"]: e for e in ledger if e["status"] == "loaded"}
    assert {k: (e["rows_in"], e["rows_accepted"], e["rows_rejected"]) for k, e in loaded.items()} == wanted
    assert len(ledger) - len(loaded) == len(outcome.bad)
    late = sum(e["rows_late"] for e in loaded.values())
    assert late == outcome.late or (late < outcome.late and accepted.total() < len(outcome.accepted))


def hold_proof(tables: Tables) -> None:
    """The product's own proof finds nothing either."""
    source = tables.source
    with _transaction(tables.connection):
        listing = partial(list_lake, source.s3, source.bucket, tables.contract.name, EVER)
        proof = prove(tables.connection, tables.contract, EVER, listing)
    assert (proof.findings, proof.pending, proof.gone) == ((), (), ())


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    connection.autocommit = False
    yield
    connection.rollback()
    connection.autocommit = True
