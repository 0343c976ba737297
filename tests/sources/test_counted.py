"""Awkward sources, most with keys that come again, and their counts by hand: rows, rows in core, reasons by rule."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sources.pipeline import AT, Pipeline, prop
from tests.sources.test_csv import csv, zipped
from tests.sources.test_json import ndjson
from tests.sources.test_tables import ORDERS, parquet, sqlite

# together with the rest of this folder they would take too long for `make test`
pytestmark = pytest.mark.long
DAY = "2024-01-01"
KEY = prop("id", "bigint", required=True, primaryKey=True, primaryKeyPosition=1)
FREE = prop("id", "bigint")
Properties = list[dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """A source, and what has to come of it: rows, then rows in core, and the reasons of the rejected ones by rule.

    `content` is a file's, or makes the extract block in a folder. `custom` are the contract's customProperties.
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

    def extract(self, pipeline: Pipeline) -> dict[str, Any]:
        """The extract block."""
        if callable(self.content):
            return self.content(pipeline.folder)
        return pipeline.write("sample", self.content, self.kind, **self.options)


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


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_counts_are_those_by_hand(pipeline: Pipeline, sample: Sample) -> None:
    done = pipeline.run(sample.extract(pipeline), sample.properties, rows=sample.rows, custom=sample.custom)
    assert (sum(done.days.values()), done.core) == (sample.rows, sample.core)
    assert Counter((column, rule) for column, rule, _ in done.reasons) == sample.reasons
