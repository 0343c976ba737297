"""Both files of an object keep the order of its rows, whatever threads and rules do: one object, the same bytes."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from lambdas.common.contract import load_contract
from lambdas.process.engine import Engine, open_engine

ROWS = 300_000
KEY = "raw/ordered/2024/03/01/data_20240301T000000000000.parquet"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: ordered
version: 1.0.0
schema:
  - name: ordered
    customProperties: [{property: nullWords, value: ["", "-", "NA", "null", "none", "nil"]}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true UNIQUE}
      - {name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}
      - {name: kind, logicalType: string, physicalType: varchar(8) ENUM}
"""
ENUM = ", enum: [{value: k0}, {value: k1}, {value: k2}, {value: k3}, {value: k4}, {value: k5}, {value: k6}]"
RAW = f"""
SELECT CASE WHEN i % 1000 = 7 THEN 1 ELSE i END AS id, '2024-03-01T10:00:00Z' AS at, 'k' || (i % 8) AS kind
FROM range({ROWS}) AS r(i)
"""
SCRIPT = "def transform(df):\n    return df[df.index % 1000 != 3]\n"
EACH_THOUSANDTH, UNKNOWN = ROWS // 1000, ROWS // 8


@pytest.mark.parametrize(
    ("unique", "enum", "script", "rejected"),
    [
        ("", ENUM, "", UNKNOWN),
        (", unique: true", "", "", EACH_THOUSANDTH),
        ("", "", SCRIPT, EACH_THOUSANDTH),
    ],
    ids=["a list of values", "unique values", "rows that a transform leaves out"],
)
def test_files_keep_the_order_of_the_rows(tmp_path: Path, unique: str, enum: str, script: str, rejected: int):
    folder = tmp_path / "ordered"
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT.replace(" UNIQUE", unique).replace(" ENUM", enum))
    if script:
        (folder / "transform.py").write_text(script)
    first, again = split(folder), split(folder)
    assert first == again
    assert first[0] == rejected


def split(folder: Path) -> tuple[int, str, str]:
    """How many rows were rejected, and the digests of the two files, whose rows are in order."""
    contract = load_contract(folder / "contract.yaml")
    raw, curated, rejected = (folder / name for name in ("raw.parquet", "curated.parquet", "rejected.parquet"))
    with open_engine(folder) as connection:
        connection.execute("SET threads = 4")
        connection.execute(f"COPY ({RAW}) TO '{raw}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
        engine = Engine(connection, contract)
        found = engine.split(raw, KEY, dt.date(2024, 3, 1), curated=curated, rejected=rejected)
        for file, number in ((curated, "_raw_row"), (rejected, "raw_row")):
            steps = f"SELECT {number} - lag({number}) OVER () AS step FROM read_parquet('{file}')"
            assert connection.execute(f"SELECT min(step) > 0 FROM ({steps})").fetchall() == [(True,)], file.name
    return found.rows_rejected, *(hashlib.sha256(file.read_bytes()).hexdigest() for file in (curated, rejected))
