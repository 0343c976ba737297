"""Parquet, Arrow and Feather of every type, and SQLite tables."""

import datetime as dt
import io
import sqlite3
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import SourceError
from tests.sources.pipeline import AT, ID, UTC, prop

MOMENT = dt.datetime(2024, 1, 1, 12)
# together with the rest of this folder they would take too long for `make test`
pytestmark = pytest.mark.long


def parquet(table: pa.Table, **options) -> bytes:
    target = io.BytesIO()
    pq.write_table(table, target, **options)
    return target.getvalue()


def table(**columns) -> pa.Table:
    rows = len(next(iter(columns.values()))) if columns else 2
    return pa.table({"id": pa.array(range(rows), pa.int64()), "at": pa.array([MOMENT] * rows), **columns})


# name, values, raw type, physical type, what arrives
TYPES = [
    ("decimal", pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)), "decimal128(9, 2)", "decimal(12,4)",
     [Decimal("1.1000"), None]),
    ("list", pa.array([[1, None], []], pa.list_(pa.int64())), "string", "super", ["[1,null]", "[]"]),
    ("struct", pa.array([{"a": {"b": "ü"}}, None], pa.struct([("a", pa.struct([("b", pa.string())]))])), "string",
     "super", ['{"a":{"b":"ü"}}', None]),
    ("map", pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())), "string", "super", ['{"k":1}', None]),
    ("dictionary", pa.array(["x", None]).dictionary_encode(), "string", "varchar(4)", ["x", None]),
    ("large_string", pa.array(["y", None], pa.large_string()), "string", "varchar(4)", ["y", None]),
    ("binary", pa.array(["ü".encode(), b"\xff"]), "binary", "varchar(16)", ["ü", "rejected"]),
    ("int96", pa.array([MOMENT, None], pa.timestamp("ns")), "timestamp[us]", "timestamp",
     [MOMENT.replace(tzinfo=UTC), None]),
    ("zoned", pa.array([MOMENT, None], pa.timestamp("ms", "Asia/Tokyo")), "timestamp[us, tz=UTC]", "timestamptz",
     [MOMENT.replace(tzinfo=UTC), None]),
    ("date64", pa.array([dt.date(2024, 2, 29), None], pa.date64()), "date32[day]", "date",
     [dt.date(2024, 2, 29), None]),
    ("uint64", pa.array([2**64 - 1, None], pa.uint64()), "uint64", "decimal(20,0)", [Decimal(2**64 - 1), None]),
    ("float", pa.array([1.5, float("nan")], pa.float32()), "float", "double precision", [1.5, "rejected"]),
    ("bool", pa.array([True, None]), "bool", "boolean", [True, None]),
    ("null", pa.nulls(2), "string", "varchar(4)", [None, None]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "raw", "physical", "arrives"), [t[1:] for t in TYPES], ids=[t[0] for t in TYPES])
def test_parquet_types_arrive(pipeline, values, raw, physical, arrives):
    content = parquet(table(v=values), use_deprecated_int96_timestamps=values.type == pa.timestamp("ns"))
    done = pipeline.run(pipeline.write("a.parquet", content, "parquet"), [ID, AT, prop("v", physical)], rows=2)
    assert [str(t.schema.field("v").type) for t in done.tables.values()] == [raw]
    assert done.values("v") == [value for value in arrives if value != "rejected"]
    assert done.drift == []


WIDE = [Decimal("123456789012345678901234567890123456.12"), Decimal("0.01"), Decimal("1E+47"), None]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_decimals_of_more_digits_than_redshift_holds_are_exact_or_rejected(pipeline, kind):
    given, target = table(v=pa.array(WIDE, pa.decimal256(50, 2)), w=pa.array(WIDE, pa.decimal256(60, 12))), io.BytesIO()
    (pq.write_table if kind == "parquet" else feather.write_feather)(given, target)
    columns = [ID, AT, prop("v", "decimal(38,2)"), prop("w", "varchar(64)")]
    done = pipeline.run(pipeline.write("a.any", target.getvalue(), kind), columns, rows=4)
    large = "1" + "0" * 47
    assert done.raw_values("v") == ["123456789012345678901234567890123456.12", "0.01", f"{large}.00", None]
    assert done.values("v") == [WIDE[0], WIDE[1], None]
    assert done.values("w")[1:] == ["0.010000000000", None]
    assert done.reasons == [("v", "cast", f"{large}.00")]


def test_wide_decimals_in_a_list_are_refused(pipeline):
    content = parquet(table(v=pa.array([[Decimal(1)], []], pa.list_(pa.decimal256(50, 0)))))
    with pytest.raises(SourceError, match=r"a.parquet: v holds decimals of more than 38 digits in a list"):
        pipeline.run(pipeline.write("a.parquet", content, "parquet"), [ID, AT])


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
def test_feather_and_arrow_streams(pipeline, compression):
    target = io.BytesIO()
    feather.write_feather(table(v=pa.array(["x", "y"]).dictionary_encode()), target, compression=compression)
    done = pipeline.run(pipeline.write("a.feather", target.getvalue(), "arrow"), [ID, AT, prop("v", "char(1)")], rows=2)
    assert done.values("v") == ["x", "y"]


def test_parquet_files_whose_schemas_differ_are_one_source(pipeline):
    pipeline.write("1.parquet", parquet(table(v=pa.array([1, 2], pa.int32()))), "parquet")
    extract = pipeline.write("2.parquet", parquet(table(v=pa.array([2.5]), w=pa.array(["new"]))), "parquet")
    extract["filesystem"]["file_glob"] = "*.parquet"
    done = pipeline.run(extract, [ID, AT, prop("v", "double precision"), prop("w", "varchar(4)")], rows=3)
    assert done.values("v") == [1.0, 2.0, 2.5]
    assert done.values("w") == [None, None, "new"]


def test_integers_of_one_file_are_not_rounded_by_floats_of_another(pipeline):
    large = pa.array([2**53 + 1, 2], pa.int64())
    pipeline.write("1.parquet", parquet(table(v=large, w=pa.array([1, 2], pa.int64()))), "parquet")
    extract = pipeline.write("2.parquet", parquet(table(v=pa.array([2.5]), w=pa.array([0.5]))), "parquet")
    extract["filesystem"]["file_glob"] = "*.parquet"
    done = pipeline.run(extract, [ID, AT, prop("v", "decimal(18,1)"), prop("w", "double precision")], rows=3)
    assert (done.raw_values("v"), done.raw_values("w")) == (["9007199254740993", "2", "2.5"], [1.0, 2.0, 0.5])
    assert done.values("v") == [Decimal("9007199254740993.0"), Decimal("2.0"), Decimal("2.5")]


def test_zero_rows_prove_an_empty_day(pipeline):
    extract = pipeline.write("a.parquet", parquet(table(v=pa.array([], pa.int32()))), "parquet")
    done = pipeline.run(extract, [ID, AT, prop("v", "integer")], rows=0)
    assert (done.days, done.bad, done.drift) == ({"2024-01-01": 0}, [], [])


@pytest.mark.parametrize(
    "content",
    [parquet(table(v=pa.array(["x" * 99] * 500)))[:-50], b"PAR1", b"", b"id,at\n1,2\n", b"PARE" + bytes(20) + b"PARE"],
    ids=["truncated", "magic alone", "empty", "another format", "encrypted"],
)
def test_file_that_is_no_parquet_lands_nothing(pipeline, content):
    with pytest.raises(SourceError, match="parquet"):
        pipeline.run(pipeline.write("a.parquet", content, "parquet"), [ID, AT])


def sqlite(folder, script: str) -> str:
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.executescript(script)
    connection.close()
    return f"sqlite:///{folder / 'shop.sqlite'}"


ORDERS = """
CREATE TABLE "order" ("select" INTEGER, "group" TEXT, "when" TEXT, "from" NUMERIC, "a b" BLOB, "case" DATE);
INSERT INTO "order" VALUES
    (1, '007', '2024-01-01 10:00:00', 1.5, x'00ff', '2024-01-01'), (2, NULL, '2024-01-02', 'text', NULL, NULL);
"""


def test_sqlite_table_whose_columns_are_keywords(pipeline):
    def read(name, physical, raw, **more):
        return prop(name, physical, transformLogic=f'"{raw}"', transformSourceObjects=[raw], **more)

    columns = [
        read("chosen", "bigint", "select"),
        read("family", "varchar(8)", "group"),
        read("at", "timestamp", "when", required=True, partitioned=True),
        read("amount", "decimal(9,2)", "from"),
        read("bytes", "varchar(8)", "a b"),
    ]
    extract = {"sql_database": {"url": sqlite(pipeline.folder, ORDERS), "table": "order"}}
    done = pipeline.run(extract, columns, rows=2)
    assert done.raw[0] == {
        "select": 1, "group": "007", "when": "2024-01-01 10:00:00", "from": 1.5, "a b": "00ff", "case": "2024-01-01"
    }  # fmt: skip
    assert done.raw_values("from") == [1.5, "text"]
    assert [(r["chosen"], r["family"], r["amount"], r["bytes"]) for r in done.accepted] == [
        (1, "007", Decimal("1.50"), "00ff")
    ]
    assert done.reasons == [("amount", "cast", "text")]


def test_wide_text_and_exact_numbers_of_sqlite(pipeline):
    script = f"""
    CREATE TABLE t (id INTEGER, at TEXT, big INTEGER, body TEXT);
    INSERT INTO t VALUES (1, '2024-01-01', 9223372036854775807, '{"x" * 70_000}'), (2, '2024-01-01', -1, 'é');
    """
    extract = {"sql_database": {"url": sqlite(pipeline.folder, script), "query": "SELECT * FROM t"}}
    done = pipeline.run(extract, [ID, AT, prop("big", "bigint"), prop("body", "varchar(2)")], rows=2)
    assert done.raw_values("big") == [2**63 - 1, -1]
    assert [rule for _, rule, _ in done.reasons] == ["bytes"]
    assert done.values("body") == ["é"]
