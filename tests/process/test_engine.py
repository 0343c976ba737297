"""The engine against files: what is accepted, what is rejected and why."""

import datetime as dt
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import ContractError, ObjectError, WorkspaceFull
from lambdas.process import engine as engine_module
from lambdas.process.engine import Engine, open_engine

DAY = dt.date(2024, 3, 1)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
schema:
  - name: readings
    customProperties:
      - {property: nullWords, value: ["", "NA"]}
    properties:
      - {name: sensor, logicalType: string, physicalType: varchar(4), required: true, primaryKey: true}
      - {name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}
      - name: celsius
        logicalType: number
        physicalType: double precision
        logicalTypeOptions: {minimum: -90, maximum: 60}
      - {name: count, logicalType: integer, physicalType: integer}
      - {name: secret, logicalType: string, physicalType: varchar(9), classification: restricted}
      - name: state
        logicalType: string
        physicalType: varchar(8)
        enum: [{value: "on"}, {value: "off"}]
      - {name: on_day, logicalType: date, physicalType: date}
      - {name: price, logicalType: number, physicalType: "decimal(18,2)"}
      - {name: code, logicalType: string, physicalType: char(3)}
      - {name: tree, logicalType: object, physicalType: super}
      - name: pin_length
        logicalType: integer
        physicalType: bigint
        transformLogic: CAST(secret AS BIGINT) * 0
        transformSourceObjects: [secret]
      - name: doubled
        logicalType: integer
        physicalType: bigint
        transformLogic: CAST(json_extract_string(extra, '$.n') AS BIGINT) * 2
        transformSourceObjects: [extra]
"""
GOOD = {
    "sensor": "a1",
    "at": "2024-03-01T10:00:00+02:00",
    "celsius": "21.5",
    "count": "7",
    "secret": "1234",
    "state": "on",
    "on_day": "2024-03-01",
    "price": "1.50",
    "code": "abc",
    "tree": "[]",
    "extra": '{"n": 4}',
}


@pytest.fixture
def run(tmp_path: Path):
    folder = tmp_path / "readings"
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT)
    contract = load_contract(folder / "contract.yaml")

    def split(rows: list[dict] | pa.Table):
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        pq.write_table(table, tmp_path / "raw.parquet")
        curated, rejected = tmp_path / "curated.parquet", tmp_path / "rejected.parquet"
        with open_engine(tmp_path) as connection:
            engine = Engine(connection, contract)
            result = engine.split(
                tmp_path / "raw.parquet", "raw/readings/x.parquet", DAY, curated=curated, rejected=rejected
            )
        bad = pq.read_table(rejected).to_pylist() if rejected.exists() else []
        return result, pq.read_table(curated), bad

    return split


def reasons(rejected: list[dict]) -> list[tuple]:
    return [(r["column"], r["rule"], r["value"]) for row in rejected for r in row["reasons"]]


def test_escaped_backslash_in_json_begins_no_escape(run):
    _, curated, rejected = run([{**GOOD, "tree": r'["\\u0000"]'}])
    assert (curated["tree"].to_pylist(), rejected) == ([r'["\\u0000"]'], [])


def test_good_row_arrives_typed_in_the_contract_s_order(run):
    result, curated, rejected = run([GOOD])
    assert (result.rows_in, result.rows_accepted, result.rows_rejected, result.rows_late) == (1, 1, 0, 0)
    assert curated.column_names[:6] == ["sensor", "at", "celsius", "count", "secret", "state"]
    assert curated.column_names[-3:] == ["doubled", "_raw_key", "_raw_row"]
    assert curated.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert curated.schema.field("count").type == pa.int32()
    row = curated.to_pylist()[0]
    assert row["at"] == dt.datetime(2024, 3, 1, 8, tzinfo=dt.UTC)
    assert (row["doubled"], row["_raw_key"], row["_raw_row"]) == (8, "raw/readings/x.parquet", 0)
    assert result.event_from == dt.datetime(2024, 3, 1, 8)
    assert not rejected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"celsius": "warm"}, ("celsius", "cast", "warm")),
        ({"celsius": "1_0"}, ("celsius", "cast", "1_0")),
        ({"celsius": "inf"}, ("celsius", "cast", "inf")),
        ({"celsius": "60.1"}, ("celsius", "maximum", "60.1")),
        ({"celsius": "-91"}, ("celsius", "minimum", "-91")),
        ({"count": "1.5"}, ("count", "cast", "1.5")),
        ({"count": "3000000000"}, ("count", "cast", "3000000000")),
        ({"sensor": "NA"}, ("sensor", "required", None)),
        ({"sensor": "ééé"}, ("sensor", "bytes", "ééé")),
        ({"at": "yesterday"}, ("at", "cast", "yesterday")),
        ({"at": "2024-02-30"}, ("at", "cast", "2024-02-30")),
        ({"at": ""}, ("at", "required", None)),
        ({"at": "infinity"}, ("at", "cast", "infinity")),
        ({"at": "0044-03-15 (BC)"}, ("at", "cast", "0044-03-15 (BC)")),
        ({"at": "10000-01-01"}, ("at", "cast", "10000-01-01")),
        ({"on_day": "2024-03-01 10:00"}, ("on_day", "cast", "2024-03-01 10:00")),
        ({"price": "1234567890123456.784"}, ("price", "cast", "1234567890123456.784")),
        ({"count": "1.5e0"}, ("count", "cast", "1.5e0")),
        ({"sensor": "a\0b"}, ("sensor", "nul", "a\0b")),
        ({"code": "\u00d6"}, ("code", "ascii", "\u00d6")),
        ({"code": "abcd"}, ("code", "bytes", "abcd")),
        ({"tree": "{"}, ("tree", "cast", "{")),
        ({"tree": r'["\u0000"]'}, ("tree", "cast", r'["\u0000"]')),
        ({"tree": r'["\\\u0000"]'}, ("tree", "cast", r'["\\\u0000"]')),
        ({"tree": '{"a": 1, "a": 2}'}, ("tree", "cast", '{"a": 1, "a": 2}')),
        ({"tree": '{"a": NaN}'}, ("tree", "cast", '{"a": NaN}')),
        ({"tree": '"' + "x" * 65_535 + '"'}, ("tree", "bytes", '"' + "x" * 65_535 + '"')),
        ({"secret": "pin"}, ("pin_length", "cast", "***")),
        ({"state": "ajar"}, ("state", "enum", "ajar")),
        ({"secret": "0123456789"}, ("secret", "bytes", "***")),
        ({"extra": '{"n": "x"}'}, ("doubled", "cast", '{"n": "x"}')),
    ],
)
def test_bad_value_is_rejected_with_column_rule_and_value(run, change, expected):
    result, curated, rejected = run([GOOD, GOOD | change])
    assert (result.rows_accepted, result.rows_rejected) == (1, 1)
    assert reasons(rejected) == [expected]
    assert rejected[0]["raw_row"] == 1
    assert curated.num_rows == 1


def test_all_reasons_of_a_row_are_kept_with_the_whole_raw_row(run):
    _, _, rejected = run([GOOD | {"celsius": "99", "count": "x", "state": "ajar"}])
    assert [r[1] for r in reasons(rejected)] == ["maximum", "cast", "enum"]
    raw = json.loads(rejected[0]["raw"])
    assert raw["celsius"] == "99"
    assert raw["secret"] == "***"


@pytest.mark.parametrize("word", ["", "NA"])
def test_null_words_mean_no_value(run, word):
    _, curated, _ = run([GOOD | {"celsius": word, "state": word}])
    assert curated.to_pylist()[0]["celsius"] is None
    assert curated.to_pylist()[0]["state"] is None


def test_column_that_the_object_lacks_is_null(run):
    _, curated, _ = run([{"sensor": "a", "at": "2024-03-01"}])
    assert curated.to_pylist()[0]["doubled"] is None


def test_rows_of_another_day_count_as_late(run):
    result, _, _ = run([GOOD, GOOD | {"at": "2024-02-29T23:59:59Z"}])
    assert result.rows_late == 1


def test_typed_raw_columns_are_not_rounded(run):
    table = pa.table({"sensor": ["a", "b"], "at": [dt.datetime(2024, 3, 1)] * 2, "count": [1.0, 1.5]})
    _, curated, rejected = run(table)
    assert curated.column("count").to_pylist() == [1]
    assert reasons(rejected) == [("count", "cast", "1.5")]


def test_bytes_that_are_text_are_read_as_text(run):
    table = pa.table({"sensor": [b"a", "é".encode(), b"\xff"], "at": [b"2024-03-01"] * 3, "count": [b"1", b"2", b"3"]})
    _, curated, rejected = run(table)
    assert curated.column("sensor").to_pylist() == ["a", "é"]
    assert curated.column("count").to_pylist() == [1, 2]
    assert [reason[:2] for reason in reasons(rejected)] == [("sensor", "cast")]


def test_empty_object_gives_an_empty_curated_file_with_its_schema(run):
    result, curated, _ = run(pa.Table.from_pylist([GOOD]).slice(0, 0))
    assert (result.rows_in, result.event_from) == (0, None)
    assert curated.num_columns == 14


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all" * 9], ids=["empty", "magic", "text"])
def test_unreadable_object_is_named_as_such(tmp_path, run, content):
    run([GOOD])
    (tmp_path / "bad.parquet").write_bytes(content)
    contract = load_contract(tmp_path / "readings" / "contract.yaml")
    with open_engine(tmp_path) as connection, pytest.raises(ObjectError, match="no readable Parquet"):
        Engine(connection, contract).split(
            tmp_path / "bad.parquet", "k", DAY, curated=tmp_path / "c", rejected=tmp_path / "r"
        )


@pytest.mark.parametrize(("column", "shown"), [("Secret", "***"), ("count", "7")])
def test_a_rule_s_value_is_not_shown_where_it_may_be_a_restricted_one(tmp_path, column, shown):
    path = tmp_path / "readings" / "contract.yaml"
    path.parent.mkdir()
    query = f"SELECT max(CAST({column} AS BIGINT)) FROM ${{object}}"
    rule = f'- {{type: sql, name: none, query: "{query}", mustBe: 0, severity: warning}}'
    path.write_text(CONTRACT.replace("    properties:\n", f"    quality:\n      {rule}\n    properties:\n", 1))
    pq.write_table(pa.Table.from_pylist([GOOD]), tmp_path / "raw.parquet")
    with open_engine(tmp_path) as connection:
        files = {"curated": tmp_path / "c", "rejected": tmp_path / "r"}
        found = Engine(connection, load_contract(path)).split(tmp_path / "raw.parquet", "k", DAY, **files)
    assert found.warnings == (f"quality rule 'none': the query gives {shown}, mustBe 0",)


def test_a_rule_that_fails_on_a_restricted_value_does_not_show_it(tmp_path):
    path = tmp_path / "readings" / "contract.yaml"
    path.parent.mkdir()
    rule = '- {type: sql, name: none, query: "SELECT max(CAST(secret AS DATE)) FROM ${object}", mustBe: 0}'
    path.write_text(CONTRACT.replace("    properties:\n", f"    quality:\n      {rule}\n    properties:\n", 1))
    pq.write_table(pa.Table.from_pylist([GOOD]), tmp_path / "raw.parquet")
    files = {"curated": tmp_path / "c", "rejected": tmp_path / "r"}
    with open_engine(tmp_path) as connection, pytest.raises(ContractError, match=r"does not run: \*\*\*$") as caught:
        Engine(connection, load_contract(path)).split(tmp_path / "raw.parquet", "k", DAY, **files)
    assert caught.value.__cause__ is None, "a log would show it"


@pytest.mark.parametrize("names", [("sensor", "sensor"), ("sensor", "Sensor")])
def test_two_columns_of_one_name_are_no_guess(run, names):
    with pytest.raises(ObjectError, match=f"two columns are named '{names[0]}' and '{names[1]}'"):
        run(pa.table([pa.array(["a"]), pa.array(["b"])], names=list(names)))


def test_unknown_column_in_an_expression_is_the_contract_s_mistake(tmp_path):
    folder = tmp_path / "readings"
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT.replace("(extra, ", "(extras, "))
    contract = load_contract(folder / "contract.yaml")
    pq.write_table(pa.Table.from_pylist([GOOD]), tmp_path / "raw.parquet")
    with open_engine(tmp_path) as connection, pytest.raises(ContractError, match="doubled.*extras"):
        Engine(connection, contract).split(
            tmp_path / "raw.parquet", "k", DAY, curated=tmp_path / "c", rejected=tmp_path / "r"
        )


def test_disk_that_is_full_does_not_set_good_data_aside(tmp_path, run):
    run([GOOD])
    contract = load_contract(tmp_path / "readings" / "contract.yaml")
    nowhere = tmp_path / "no such folder" / "curated.parquet"
    with open_engine(tmp_path) as connection, pytest.raises(WorkspaceFull):
        Engine(connection, contract).split(tmp_path / "raw.parquet", "k", DAY, curated=nowhere, rejected=tmp_path / "r")


def test_damage_inside_the_file_is_the_object_s(tmp_path, run):
    run([GOOD | {"extra": json.dumps({"n": n})} for n in range(5000)])
    body = bytearray((tmp_path / "raw.parquet").read_bytes())
    body[100 : len(body) // 2] = b"\xff" * (len(body) // 2 - 100)
    (tmp_path / "raw.parquet").write_bytes(body)
    contract = load_contract(tmp_path / "readings" / "contract.yaml")
    with open_engine(tmp_path) as connection, pytest.raises(ObjectError, match="breaks off or is damaged"):
        Engine(connection, contract).split(
            tmp_path / "raw.parquet", "k", DAY, curated=tmp_path / "c", rejected=tmp_path / "r"
        )


def test_duckdb_is_the_version_whose_casts_were_tried():
    assert duckdb.sql("SELECT TRY_CAST('1_000' AS BIGINT)").fetchall() == [(1000,)], "the underscore guard is moot"


@pytest.mark.long
def test_wide_rows_take_no_more_memory_than_narrow_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "execute", lambda connection, sql: connection.execute(sql))
    folder = tmp_path / "readings"
    folder.mkdir()
    text = CONTRACT.replace("varchar(4)", "varchar(4000)")
    (folder / "contract.yaml").write_text(text)
    raw, curated, rejected = (tmp_path / name for name in ("raw", "curated", "rejected"))
    with open_engine(tmp_path, "350MB") as connection:
        rows = "SELECT i || repeat('wide', 900) AS sensor, '2024-03-01' AS at, '{}' AS extra FROM range(120000) AS r(i)"
        connection.execute(f"COPY ({rows}) TO '{raw}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)")
        engine = Engine(connection, load_contract(folder / "contract.yaml"))
        found = engine.split(raw, "raw/readings/x.parquet", DAY, curated=curated, rejected=rejected)
    assert (found.rows_in, found.rows_accepted) == (120_000, 120_000)
