"""Awkward sources all the way to the tables: ingest, raw objects, load, Redshift; and the ledger's equations on each.

What the ledger says is held against counts made by other means: the rows of the raw and the rejected files, as pandas
reads them, and COUNT(*) in the tables.
"""

import datetime as dt
import io
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_contract
from lambdas.common.db.prove import EVER, prove
from lambdas.common.source import parse_source_config
from lambdas.ingest.extract import Source as Origin
from lambdas.ingest.land import Lake
from lambdas.ingest.passes import ingest
from lambdas.ingest.tokens import Vault
from lambdas.process.reports import list_lake
from tests.cloud import Cloud
from tests.process.source import Source, make_source, read_warehouse
from tests.sources.pipeline import AT, prop
from tests.sources.test_csv import csv, zipped
from tests.sources.test_json import ndjson
from tests.sources.test_tables import ORDERS, parquet, sqlite

pytestmark = pytest.mark.long
DAY = "2024-01-01"
KEY = prop("id", "bigint", required=True, primaryKey=True, primaryKeyPosition=1)
FREE = prop("id", "bigint")
Properties = list[dict[str, Any]]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Sample:
    """A source, and what has to come of it: rows, then rows in core, and the reasons of the rejected ones by rule.

    `content` is a file's, or makes the extract block in a folder.
    """

    name: str
    properties: Properties
    rows: int
    core: int
    reasons: dict[tuple[str, str], int]
    content: bytes | str | Callable[[Path], dict[str, Any]]
    kind: str = "csv"
    options: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)

    def extract(self, folder: Path) -> dict[str, Any]:
        """The extract block."""
        if callable(self.content):
            return self.content(folder)
        (folder / "sample").write_bytes(self.content.encode() if isinstance(self.content, str) else self.content)
        where = {"bucket_url": str(folder), "file_glob": "sample", "format": self.kind}
        return {"filesystem": {**where, **self.options}}

    def contract(self, name: str) -> dict[str, Any]:
        """The contract of that source."""
        custom = [{"property": key, "value": value} for key, value in self.custom.items()]
        table = {"name": name, "properties": self.properties} | ({"customProperties": custom} if custom else {})
        head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active"}
        return {**head, "schema": [table]}


def read(name: str, physical: str, raw: str, **more: Any) -> dict[str, Any]:
    return prop(name, physical, transformLogic=f'"{raw}"', transformSourceObjects=[raw], **more)


def shop(folder: Path) -> dict[str, Any]:
    return {"sql_database": {"url": sqlite(folder, ORDERS), "table": "order"}}


SUPER = pa.array([[1, None], [], None], pa.list_(pa.int64()))
ENVELOPE = [
    {"id": 1, "at": DAY, "geo": {"lat": 1.5}},
    {"id": 2, "at": DAY},
    {"id": 1, "at": "2024-01-02", "geo": {"lat": "north"}},
]
SPARSE = [
    {"id": 1, "at": DAY, "v": 1.5},
    {"at": DAY, "id": 2, "v": "n/a", "extra": True},
    {"id": 1, "at": DAY, "v": None, "extra": {"a": 1}},
    {"id": None, "at": DAY, "v": "2"},
]
SAMPLES = [
    Sample(
        "byte_order_mark", [KEY, AT, prop("name", "varchar(2)")], 3, 2, {("name", "bytes"): 1},
        b"\xef\xbb\xbf" + csv("id,at,name", f"007,{DAY},é", f"8,{DAY},éé", f"9,{DAY},").encode(),
    ),
    Sample(
        "null_words", [KEY, AT, prop("country", "varchar(4)", custom={"nullWords": []}), prop("value", "integer")],
        4, 3, {("value", "cast"): 1},
        csv("id,at,country,value", f"1,{DAY},NA,NA", f"2,{DAY},null,null", f"3,{DAY},DE,-", f"4,{DAY},FR,7"),
        custom={"nullWords": ["NA", "null"]},
    ),
    Sample(
        "separators", [FREE, AT, prop("price", "decimal(12,2)", custom={"thousandsSeparator": ","})],
        5, 3, {("price", "cast"): 2},
        csv("id,at,price", *(f'{n},{DAY},"{v}"' for n, v in enumerate(["1,234.50", "1,00", "x", "-1,000", ""]))),
    ),
    Sample(
        "many_reasons", [KEY, AT, prop("n", "integer"), prop("pin", "varchar(2)")],
        3, 1, {("n", "cast"): 2, ("pin", "bytes"): 1, ("id", "required"): 1},
        csv("id,at,n,pin", f"1,{DAY},x,long", f",{DAY},y,ok", f"3,{DAY},3,ok"),
    ),
    Sample(
        "unique", [FREE, AT, prop("v", "integer", unique=True)], 6, 4, {("v", "unique"): 2},
        csv("id,at,v", *(f"{n},{DAY},{v}" for n, v in enumerate([5, "", 5, 6, "", 5]))),
    ),
    Sample(
        "zip_late_duplicates", [KEY, AT], 7, 4, {("at", "required"): 1},
        zipped(a=csv("id,at", "1,2024-01-02", "1,2024-01-02", "2,2023-12-31", "3,"),
               b=csv("at,id", "2024-01-04,4", "2024-01-03,1", "2024-01-03,5")),
    ),
    Sample(
        "daylight_saving",
        [KEY, {**AT, "logicalTypeOptions": {"defaultTimezone": "Europe/Berlin"}}], 4, 2, {("at", "cast"): 2},
        csv("id,at", "1,2024-01-10 10:00", "2,2024-03-31 02:30", "3,2024-10-27 02:30", "4,2024-10-27 03:30"),
    ),
    Sample(
        "sparse_keys", [KEY, AT, prop("v", "double precision")], 4, 1, {("v", "cast"): 1, ("id", "required"): 1},
        ndjson(*SPARSE), "ndjson",
    ),
    Sample(
        "envelope",
        [KEY, AT,
         prop("lat", "real", transformLogic="json_extract_string(geo, '$.lat')", transformSourceObjects=["geo"])],
        3, 2, {("lat", "cast"): 1},
        json.dumps({"data": {"items": ENVELOPE}}), "json", {"json": {"data_selector": "data.items"}},
    ),
    Sample(
        "parquet_without_key", [FREE, AT, prop("v", "super")], 3, 3, {},
        parquet(pa.table({"id": [1, 1, 1], "at": [dt.datetime(2024, 1, 1, 12)] * 3, "v": SUPER})), "parquet",
    ),
    Sample(
        "sqlite_keywords",
        [read("chosen", "bigint", "select", required=True, primaryKey=True, primaryKeyPosition=1),
         read("at", "timestamp", "when", required=True, partitioned=True), read("amount", "decimal(9,2)", "from")],
        2, 1, {("amount", "cast"): 1}, shop,
    ),
    Sample("empty_day", [KEY, AT], 0, 0, {}, "id,at\n"),
]  # fmt: skip


@pytest.fixture(scope="module")
def bring(cloud: Cloud, deployed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Source]:
    """Brings a sample into the tables, by ingest and load, twice over: the second time nothing may change."""
    warehouse, vault = read_warehouse(cloud), Vault(cloud.client("secretsmanager"))

    def run(sample: Sample) -> Source:
        name, folder = f"eq_{os.getpid()}_{next(_numbers)}", tmp_path_factory.mktemp(sample.name)
        path = folder / name / "contract.yaml"
        path.parent.mkdir()
        path.write_text(yaml.safe_dump(sample.contract(name), sort_keys=False))
        assert check_contract(path, "source") == []
        source = make_source(cloud, warehouse, path)
        config = parse_source_config(name, {"start": DAY, "extract": sample.extract(folder)})
        origin = Origin(config, load_contract(path), {}, vault)
        for _ in range(2):
            answer = ingest(origin, None, Lake(source.s3, source.bucket), time.monotonic() + 60)
            assert answer["rows"] == sample.rows
            source.load(dt.date(2023, 1, 1), dt.date(2025, 1, 1))
        return source

    return run


def files(source: Source, zone: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The Parquet files of a zone, as pandas reads them, each with its key."""
    listed = source.s3.list_objects_v2(Bucket=source.bucket, Prefix=f"{zone}/{source.contract.name}/")
    for item in listed.get("Contents", ()):
        body = source.s3.get_object(Bucket=source.bucket, Key=item["Key"])["Body"].read()
        yield item["Key"], pd.read_parquet(io.BytesIO(body))


def counts(source: Source, table: str) -> Counter[str]:
    """Rows of a table by raw key, as the warehouse counts them."""
    rows = source.select(f"SELECT _raw_key, COUNT(*) AS n FROM {{{table}}} GROUP BY _raw_key")
    return Counter({row["_raw_key"]: row["n"] for row in rows})


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_equations_hold_on_the_tables(bring: Callable[..., Source], sample: Sample) -> None:
    source = bring(sample)
    raw = Counter({key: len(frame) for key, frame in files(source, "raw")})
    frames = [frame for _, frame in files(source, "rejected")]
    rejected = Counter(key for frame in frames for key in frame["raw_key"])
    check_ledger(source.ledger(), raw, rejected)
    check_tables(source, raw - rejected)
    found = Counter((r["column"], r["rule"]) for frame in frames for reasons in frame["reasons"] for r in reasons)
    assert (raw.total(), counts(source, "core").total()) == (sample.rows, sample.core)
    assert found == sample.reasons
    check_proof(source)


def check_ledger(ledger: list[dict[str, Any]], raw: Counter[str], rejected: Counter[str]) -> None:
    """One entry for each raw object, with the numbers of its files' rows."""
    wanted = {key: (rows, rows - rejected[key], rejected[key]) for key, rows in raw.items()}
    assert len(ledger) == len(raw)
    assert {e["raw_key"]: (e["rows_in"], e["rows_accepted"], e["rows_rejected"]) for e in ledger} == wanted


def check_tables(source: Source, accepted: Counter[str]) -> None:
    """The tables hold the accepted rows: all in history and one for each key in core, or all in core."""
    core = counts(source, "core")
    if not source.contract.key:
        assert core == accepted
        return
    assert counts(source, "history") == accepted
    key = ", ".join(source.contract.key)
    superseded = source.select(
        "SELECT COUNT(*) AS n FROM {history} h WHERE NOT EXISTS (SELECT 1 FROM {core} c "
        "WHERE c._raw_key = h._raw_key AND c._raw_row = h._raw_row)"
    )[0]["n"]
    assert accepted.total() == core.total() + superseded
    keys = {table: source.select(f"SELECT DISTINCT {key} FROM {{{table}}}") for table in ("core", "history")}
    assert sorted(map(str, keys["core"])) == sorted(map(str, keys["history"]))
    assert core.total() == len(keys["history"])


def check_proof(source: Source) -> None:
    """The product's own proof finds nothing either, and counts the same objects."""
    listing = partial(list_lake, source.s3, source.bucket, source.contract.name, EVER)
    with source.warehouse.session("tests") as connection:
        proof = prove(connection, source.contract, EVER, listing)
    assert (proof.findings, proof.pending, proof.gone) == ((), (), ())
    assert proof.objects == len(source.ledger())
