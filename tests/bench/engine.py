"""The engine's validated split beside DuckDB's plain copy of the same file, and its memory as the file grows."""

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lambdas.common.contract import load_contract
from lambdas.process.engine import Engine, open_engine
from lambdas.process.writing import WRITE
from tests.bench.timing import compare, line, processor, spent

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: NAME
version: 1.0.0
schema:
  - name: NAME
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true}
      - {name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}
      - {name: station, logicalType: string, physicalType: varchar(16), required: true}
      - {name: kind, logicalType: string, physicalType: varchar(8), enum: [{value: a}, {value: b}, {value: c}]}
      - name: celsius
        logicalType: number
        physicalType: double precision
        logicalTypeOptions: {minimum: -90, maximum: 60}
      - {name: humidity, logicalType: number, physicalType: double precision, logicalTypeOptions: {minimum: 0}}
      - {name: count, logicalType: integer, physicalType: integer}
      - {name: note, logicalType: string, physicalType: varchar(64)}
"""
ROWS = """
SELECT
    i AS id,
    CAST(TIMESTAMP '2024-03-01' + to_milliseconds(i % 86400000) AS VARCHAR) AS at,
    'station-' || (i % 500) AS station,
    chr(CAST(97 + i % 3 AS INTEGER)) AS kind,
    CASE WHEN i % 10000 = 0 THEN 99.0 ELSE (hash(i) % 600) / 10.0 END AS celsius,
    (hash(i + 7) % 1000) / 10.0 AS humidity,
    CAST(hash(i + 9) % 100000 AS VARCHAR) AS count,
    'note ' || (hash(i) % 100000) AS note
FROM range({rows}) AS r(i)
"""
STEPS = {
    "the accepted file": "process/engine.py:_accept",
    "the rejected one": "process/engine.py:_reject",
    "counting": "process/engine.py:_measure",
    "numbers of the rejected": "process/engine.py:_find_missing",
}


def make_raw(folder: Path, rows: int) -> Path:
    """A raw file with that many rows of eight columns, one in 10,000 wrong, times and counts as text."""
    path = folder / f"raw-{rows}.parquet"
    with open_engine(folder) as connection:
        connection.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def write_contract(folder: Path, name: str = "readings", key: Sequence[str] = ()) -> Path:
    """The contract of the file as a source of that name and key, in a folder named as contracts want it."""
    path = folder / name / "contract.yaml"
    path.parent.mkdir(exist_ok=True)
    text = CONTRACT.replace("NAME", name)
    for place, column in enumerate(key, 1):
        text = text.replace(f"{{name: {column},", f"{{name: {column}, primaryKey: true, primaryKeyPosition: {place},")
    path.write_text(text)
    return path


def split(folder: Path, raw: Path) -> None:
    """Our side."""
    with open_engine(folder) as connection:
        engine = Engine(connection, load_contract(write_contract(folder)))
        curated, rejected = folder / "curated.parquet", folder / "rejected.parquet"
        engine.split(raw, "raw/readings/x.parquet", dt.date(2024, 3, 1), curated=curated, rejected=rejected)


def copy(folder: Path, raw: Path) -> None:
    """The other side: the same file copied by DuckDB with the same settings, nothing looked at."""
    with open_engine(folder) as connection:
        connection.execute(f"COPY (SELECT * FROM read_parquet('{raw}')) TO '{folder / 'copy.parquet'}' ({WRITE})")


def peak_megabytes(folder: Path, raw: Path) -> int:
    """Peak resident memory of a process that does nothing but split that file."""
    code = (
        "from pathlib import Path; from tests.bench.engine import split; from tests.peaks import peak_memory; "
        f"split(Path({str(folder)!r}), Path({str(raw)!r})); "
        "print(peak_memory() >> 20)"
    )
    return int(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()[-1]
    )


def run(folder: Path) -> None:
    """Print the ratio by the clock and by the processor's time, what ours is spent on, and the memory."""
    raw = make_raw(folder, 3_000_000)
    sides = (lambda: split(folder, raw), lambda: copy(folder, raw))
    print(line("process engine, 3 M rows x 8 | DuckDB plain copy", *compare(*sides), "<= 1.25"), flush=True)
    print(line("  the same in seconds of the processor", *compare(*sides, clock=processor), "-"))
    print(spent(lambda: split(folder, raw), STEPS), flush=True)
    small = peak_megabytes(folder, raw)
    large = peak_megabytes(folder, make_raw(folder, 30_000_000))
    print(
        f"{'process engine, peak resident memory, 3 M | 30 M rows':58} {small:6} MB {large:6} MB   budget < 1 GiB, flat"
    )
