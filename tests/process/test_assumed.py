"""Raw columns without any value: expressions that calculate with them bind, and nothing is made of values that are."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import ContractError, ObjectError
from lambdas.process.engine import Engine, Split, open_engine

DAY = dt.date(2024, 3, 1)
KEY = "raw/prices/2024/03/01/data_x.parquet"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: prices
version: 1.0.0
schema:
  - name: prices
    properties:
      - {name: id, logicalType: string, physicalType: varchar(9)}
      - name: at
        logicalType: timestamp
        physicalType: timestamp
        required: true
        partitioned: true
        transformLogic: to_timestamp(ms / 1000)
        transformSourceObjects: [ms]
      - name: year
        logicalType: integer
        physicalType: integer
        transformLogic: date_part('year', seen)
        transformSourceObjects: [seen]
      - name: cents
        logicalType: integer
        physicalType: bigint
        transformLogic: round("Price" * 100)
        transformSourceObjects: [Price]
      - name: total
        logicalType: number
        physicalType: double precision
        transformLogic: price * amount
        transformSourceObjects: [Price, amount]
"""
MS = 1_709_280_000_000
ROW = {"id": "a", "ms": MS, "seen": dt.datetime(2024, 2, 1), "Price": 1.25, "amount": 3}
TEXTS = dict.fromkeys(ROW, pa.string())


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "assets" / "sources" / "prices" / "contract.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT)
    with open_engine(tmp_path) as connection:
        yield Engine(connection, load_contract(path))


def split(engine: Engine, folder: Path, table: pa.Table) -> tuple[Split, list[dict]]:
    raw, curated = folder / "raw.parquet", folder / "curated.parquet"
    pq.write_table(table, raw)
    done = engine.split(raw, KEY, DAY, curated=curated, rejected=folder / "rejected.parquet")
    return done, pq.read_table(curated).to_pylist()


def of(*rows: dict, **types: pa.DataType) -> pa.Table:
    """A table of these rows; columns are texts but where their values or `types` say otherwise."""
    given = {name: next((type(row[name]) for row in rows if row[name] is not None), None) for name in rows[0]}
    known = {str: pa.string(), int: pa.int64(), float: pa.float64(), dt.datetime: pa.timestamp("us")}
    return pa.Table.from_pylist(
        list(rows), pa.schema({name: types.get(name) or known.get(kind, pa.string()) for name, kind in given.items()})
    )


def test_a_day_without_rows_is_empty_whatever_types_its_file_gives(engine, tmp_path):
    for types in (TEXTS, {"ms": pa.int64()}, {"other": pa.int64()}):
        done, rows = split(engine, tmp_path, pa.table({n: pa.array([], kind) for n, kind in types.items()}))
        assert (done.rows_in, done.rows_accepted, rows) == (0, 0, [])


@pytest.mark.parametrize("how", ["texts", "lacking"])
def test_a_column_without_a_value_is_null_in_what_is_calculated_with_it(engine, tmp_path, how):
    row = {**ROW, "Price": None, "seen": None}
    table = of(row) if how == "texts" else of(row).drop_columns(["Price", "seen"])
    done, [made] = split(engine, tmp_path, table)
    assert (done.rows_in, done.rows_accepted) == (1, 1)
    assert (made["id"], made["year"], made["cents"], made["total"]) == ("a", None, None, None)


def test_a_required_value_that_is_made_of_nothing_is_missing(engine, tmp_path):
    done, _ = split(engine, tmp_path, of({**ROW, "ms": None}))
    assert done.rows_rejected == 1
    [row] = pq.read_table(tmp_path / "rejected.parquet").to_pylist()
    assert [(r["column"], r["rule"]) for r in row["reasons"]] == [("at", "required")]


def test_what_was_assumed_of_a_file_is_not_assumed_of_the_next_one(engine, tmp_path):
    texts = {**ROW, "Price": None}
    split(engine, tmp_path, of({**ROW, "Price": "1.25"}).slice(0, 0))
    split(engine, tmp_path, of(texts))
    with pytest.raises(ObjectError, match=r"cents: transformLogic over Price VARCHAR does not bind: .*; a cast in it"):
        split(engine, tmp_path, of({**ROW, "Price": "1.25"}))
    _, [made] = split(engine, tmp_path, of(ROW))
    assert (made["cents"], made["total"], made["year"]) == (125, 3.75, 2024)


def test_of_a_value_in_any_row_nothing_is_assumed(engine, tmp_path):
    rows = [{**ROW, "Price": None} for _ in range(3000)]
    with pytest.raises(ObjectError, match="over Price VARCHAR does not bind"):
        split(engine, tmp_path, of(*rows, {**ROW, "Price": "1"}))


def test_a_rule_that_may_not_stand_there_sets_no_object_aside(tmp_path):
    query = 'SELECT count(*) FROM ${object} WHERE "at" > now()'
    rule = f"{{type: sql, name: recent, query: '{query}', mustBe: 0}}"
    path = tmp_path / "assets" / "sources" / "prices" / "contract.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT.replace("    properties:", f"    quality:\n      - {rule}\n    properties:"))
    with open_engine(tmp_path) as connection, pytest.raises(ContractError, match="quality rule 'recent': .*the clock"):
        split(Engine(connection, load_contract(path)), tmp_path, of(ROW))


def test_an_expression_that_binds_to_nothing_is_the_contract_s_mistake_and_sets_no_object_aside(tmp_path):
    path = tmp_path / "assets" / "sources" / "prices" / "contract.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT.replace('round("Price" * 100)', 'rond("Price" * 100)'))
    with open_engine(tmp_path) as connection, pytest.raises(ContractError, match=r"rond.* \(raw/prices/2024"):
        split(Engine(connection, load_contract(path)), tmp_path, of(ROW))
