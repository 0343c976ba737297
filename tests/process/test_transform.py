"""transform.py: what it may do to rows, and what is said when it goes wrong."""

import datetime as dt
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import ContractError, ObjectError
from lambdas.process import transform
from lambdas.process.engine import Engine, open_engine
from tests.cloud import PROJECT

DOCS = PROJECT / "docs" / "sources.md"
DAY = dt.date(2024, 3, 1)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
schema:
  - name: readings
    properties:
      - {name: sensor, logicalType: string, physicalType: varchar(8), required: true}
      - {name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}
      - {name: celsius, logicalType: number, physicalType: double precision, logicalTypeOptions: {maximum: 60}}
      - {name: big, logicalType: integer, physicalType: bigint}
"""
SCRIPT = """
import pandas as pd

def transform(df):
    df["celsius"] = (df["fahrenheit"] - 32) / 1.8
    return df[df["sensor"] != "test"].sort_values("fahrenheit")
"""
BIG = 2**53 + 1
ROWS = [
    {"sensor": "a", "at": "2024-03-01T10:00:00Z", "fahrenheit": 212.0, "big": BIG},
    {"sensor": "test", "at": "2024-03-01T10:00:00Z", "fahrenheit": 50.0, "big": None},
    {"sensor": "b", "at": "2024-03-01T11:00:00Z", "fahrenheit": 50.0, "big": None},
    {"sensor": "c", "at": "2024-03-01T12:00:00Z", "fahrenheit": 32.0, "big": 7},
]


@pytest.fixture
def split(tmp_path: Path):
    """Splits rows by a contract with that script: the split, curated rows and rejected rows by number."""
    folder = tmp_path / "a [folder]" / "readings"
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text(CONTRACT)

    def run(script: str, rows=ROWS, contract: str = CONTRACT):
        (folder / "contract.yaml").write_text(contract)
        (folder / "transform.py").write_text(script)
        raw, curated, rejected = (folder / name for name in ("x.raw", "x.curated", "x.rejected"))
        table = pa.Table.from_pylist(rows) if rows else pa.table({"sensor": pa.array([], pa.string())})
        pq.write_table(table, raw)
        with open_engine(tmp_path) as connection:
            engine = Engine(connection, load_contract(folder / "contract.yaml"))
            found = engine.split(raw, "raw/readings/x", DAY, curated=curated, rejected=rejected)
        left = pq.read_table(rejected).to_pylist() if found.rows_rejected else []
        return found, pq.read_table(curated).to_pylist(), {row["raw_row"]: row for row in left}

    return run


def test_rows_keep_their_number_and_those_left_out_are_rejected(split):
    found, accepted, rejected = split(SCRIPT)
    assert (found.rows_in, found.rows_accepted, found.rows_rejected) == (4, 2, 2)
    assert [(r["_raw_row"], r["sensor"], round(r["celsius"], 6)) for r in accepted] == [(2, "b", 10.0), (3, "c", 0.0)]
    assert rejected[0]["reasons"] == [{"column": "celsius", "rule": "maximum", "value": "100.0"}]
    assert rejected[1]["reasons"] == [{"column": "", "rule": "transform", "value": None}]
    assert json.loads(rejected[1]["raw"]) == ROWS[1]


def test_integers_with_gaps_stay_exact(split):
    _, accepted, _ = split(SCRIPT.replace("/ 1.8", "/ 18"))
    assert [r["big"] for r in accepted] == [BIG, None, 7]


def test_batches_may_differ_in_what_they_hold(split, monkeypatch):
    monkeypatch.setattr(transform, "BATCH_ROWS", 1)
    found, accepted, _ = split(SCRIPT.replace("/ 1.8", "/ 18"))
    assert found.rows_accepted == 3
    assert [r["big"] for r in accepted] == [BIG, None, 7]


def test_an_empty_object_needs_no_script(split):
    found, accepted, _ = split("def transform(df):\n    raise ValueError('never called')\n", rows=[])
    assert (found.rows_in, accepted) == (0, [])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def transform(df):\n    df = df\n    return df['nope']\n", r"transform.py:3: KeyError: 'nope'"),
        ("def transform(df):\n    return None\n", "transform gave NoneType, not a DataFrame"),
        ("import pandas as pd\ndef transform(df):\n    return pd.concat([df, df])\n", "rows that it was not given"),
        ("def transform(df):\n    return df.set_index('sensor')\n", "rows that it was not given"),
        ("def transform(df):\n    df['big'] = [1, 'x', 2.5, None]\n    return df\n", "values of several kinds"),
    ],
)
def test_what_goes_wrong_sets_the_object_aside_with_the_script_s_line(split, script, said):
    with pytest.raises(ObjectError, match=said):
        split(script)


def test_values_of_a_source_with_restricted_columns_are_not_shown(split):
    restricted = CONTRACT.replace("physicalType: bigint}", "physicalType: bigint, classification: restricted}")
    _, _, rejected = split(SCRIPT, contract=restricted)
    assert rejected[1]["raw"] == "***"
    with pytest.raises(ObjectError, match=r"^transform.py:2: ValueError: its text is not shown") as caught:
        split("def transform(df):\n    raise ValueError(df['sensor'][0])", contract=restricted)
    assert caught.value.__cause__ is None, "a log would show what the script said"
    with pytest.raises(ObjectError, match=r"values of several kinds: its text is not shown") as caught:
        split("def transform(df):\n    df['big'] = ['Ada', 1, 2.5, None]\n    return df", contract=restricted)
    assert caught.value.__cause__ is None


def test_what_a_script_makes_a_restricted_column_of_is_not_shown_where_another_column_is_wrong(split):
    script = 'def transform(df):\n    df["sensor"] = df["first"] + " " + df["last"]\n    return df\n'
    restricted = CONTRACT.replace("varchar(8), required: true", "varchar(16), classification: restricted")
    rule = "    quality:\n      - {type: custom, engine: duckdb, name: cold, implementation: celsius < 60}\n"
    rows = [{"first": "Ada", "last": "Lovelace", "at": "2024-03-01", "celsius": 99.5, "big": "x"}]
    _, _, rejected = split(script, rows, restricted.replace("    properties:", f"{rule}    properties:"))
    assert rejected[0]["raw"] == "***"
    reasons = [("celsius", "maximum", "***"), ("big", "cast", "***"), ("celsius", "cold", "***")]
    assert [tuple(reason.values()) for reason in rejected[0]["reasons"]] == reasons


def test_the_example_of_the_docs_runs(split):
    example = next(b for b in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "transform.py" in b)
    contract = CONTRACT.replace("name: sensor,", "name: name,")
    rows = [{"first": first, "last": "x", "at": "2024-03-01", "big": 1, "celsius": 1.0} for first in ("a", "test")]
    _, accepted, rejected = split(example, rows, contract)
    assert [row["name"] for row in accepted] == ["a x"]
    assert list(rejected) == [1]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def transform(df)\n    return df\n", "transform.py:1: is no Python: expected ':'"),
        ("x = 1\ndef change(df):\n    return df\n", r"transform.py:1: must define transform\(df\)"),
        ("\ndef transform(df, more):\n    return df\n", r"transform.py:2: must define transform\(df\)"),
        ("import nothing_of_that_name\ndef transform(df):\n    return df\n", "transform.py:1: ModuleNotFoundError"),
    ],
)
def test_a_script_that_cannot_run_is_the_contract_s_fault(split, script, said):
    with pytest.raises(ContractError, match=said):
        split(script)


def test_the_script_is_part_of_what_the_contract_says(split, tmp_path):
    path = tmp_path / "a [folder]" / "readings" / "contract.yaml"
    without = load_contract(path).hash
    hashes = {
        load_contract(path).hash
        for script in (SCRIPT, SCRIPT + "\n# changed")
        if path.with_name("transform.py").write_text(script)
    }
    assert len({without, *hashes}) == 3
