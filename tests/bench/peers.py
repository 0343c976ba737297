"""The engine beside what people write instead: pandas in the obvious way, Arrow by batches, a dlt pipeline to Parquet.

All read the same file, each in a process of its own, by turns, and split it by the types and rules of the benchmark's
contract into accepted and rejected rows, whose counts must agree. The others do less than the engine: they cast as
pandas casts, and write neither a row's number nor its reasons. DuckDB's plain copy judges nothing: it is the limit.
Every process has imported the libraries of all, which each peak of memory holds.
"""

import functools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.engine import copy, make_raw, split
from tests.peaks import peak_memory

SIZES, RUNS = (300_000, 3_000_000), 3


def run_engine(folder: Path, raw: Path) -> None:
    """Our side."""
    split(folder, raw)


def run_pandas(folder: Path, raw: Path) -> None:
    """The whole file in memory."""
    import pandas as pd

    accepted, rejected = _judge(pd.read_parquet(raw))
    accepted.to_parquet(folder / "curated.parquet", compression="snappy")
    rejected.to_parquet(folder / "rejected.parquet", compression="snappy")


def run_dlt(folder: Path, raw: Path) -> None:
    """Batches of the file, judged by pandas, through a pipeline into the folder's Parquet files."""
    import dlt
    import pyarrow.parquet as pq

    def tables() -> Iterator[Any]:
        for batch in pq.ParquetFile(raw).iter_batches(100_000):
            for name, rows in zip(("curated", "rejected"), _judge(batch.to_pandas()), strict=True):
                yield dlt.mark.with_table_name(_table(rows), name)

    target = dlt.destinations.filesystem(bucket_url=str(folder / "lake"))
    pipeline = dlt.pipeline("bench", pipelines_dir=str(folder / "dlt"), destination=target, dataset_name="bench")
    pipeline.run(dlt.resource(tables, name="rows"), loader_file_format="parquet", write_disposition="replace")


def run_arrow(folder: Path, raw: Path) -> None:
    """Batches of the file, judged by Arrow's own compute functions."""
    import pyarrow.parquet as pq

    writers: dict[str, Any] = {}
    for batch in pq.ParquetFile(raw).iter_batches(100_000):
        for name, rows in zip(("curated", "rejected"), _judge_by_arrow(batch), strict=True):
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", rows.schema, compression="snappy")
            writers[name].write_batch(rows)
    for writer in writers.values():
        writer.close()


def _judge_by_arrow(rows: Any) -> tuple[Any, Any]:
    """The same as `_judge`; a text that a cast would refuse is none before it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def read(name: str, regex: str, kind: Any) -> Any:
        good = pc.match_substring_regex(rows[name], regex)
        return pc.cast(pc.if_else(good, rows[name], None), kind)

    local = read("at", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$", pa.timestamp("us"))
    at = pc.assume_timezone(local, "UTC")
    count = read("count", r"^-?\d{1,9}$", pa.int32())
    broken = {
        "id required": pc.is_null(rows["id"]),
        "at": pc.is_null(at),
        "station required": pc.is_null(rows["station"]),
        "station bytes": pc.greater(pc.binary_length(rows["station"]), 16),
        "kind enum": pc.and_(pc.is_valid(rows["kind"]), pc.invert(pc.is_in(rows["kind"], pa.array(["a", "b", "c"])))),
        "celsius range": pc.or_(pc.less(rows["celsius"], -90), pc.greater(rows["celsius"], 60)),
        "humidity minimum": pc.less(rows["humidity"], 0),
        "count cast": pc.and_(pc.is_valid(rows["count"]), pc.is_null(count)),
        "note bytes": pc.greater(pc.binary_length(rows["note"]), 64),
    }
    marks = [pc.fill_null(mark, fill_value=False) for mark in broken.values()]
    bad = functools.reduce(pc.or_, marks)
    told = zip(*(mark.filter(bad).to_pylist() for mark in marks), strict=True)
    reasons = [", ".join(name for name, said in zip(broken, row, strict=True) if said) for row in told]
    typed = rows.set_column(rows.schema.get_field_index("at"), "at", at)
    typed = typed.set_column(rows.schema.get_field_index("count"), "count", count)
    return typed.filter(pc.invert(bad)), rows.filter(bad).append_column("reasons", pa.array(reasons, pa.string()))


def _table(rows: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(rows, preserve_index=False)


def _judge(rows: Any) -> tuple[Any, Any]:
    """The rows with typed values that keep all rules, and the raw rows that break one, with the names of all."""
    import pandas as pd

    typed = rows.assign(
        at=pd.to_datetime(rows["at"], utc=True, errors="coerce", format="ISO8601"),
        count=pd.to_numeric(rows["count"], errors="coerce").astype("Int32"),
    )
    broken = {
        "id required": rows["id"].isna(),
        "at": typed["at"].isna(),
        "station required": rows["station"].isna(),
        "station bytes": rows["station"].str.encode("utf-8").str.len() > 16,
        "kind enum": rows["kind"].notna() & ~rows["kind"].isin(["a", "b", "c"]),
        "celsius range": ~rows["celsius"].isna() & ~rows["celsius"].between(-90, 60),
        "humidity minimum": rows["humidity"] < 0,
        "count cast": rows["count"].notna() & typed["count"].isna(),
        "note bytes": rows["note"].str.encode("utf-8").str.len() > 64,
    }
    marks = pd.DataFrame(broken)
    bad = marks.any(axis=1)
    reasons = marks[bad].apply(lambda row: ", ".join(name for name in marks if row[name]), axis=1)
    return typed[~bad], rows[bad].assign(reasons=reasons.astype("str"))


def run_copy(folder: Path, raw: Path) -> None:
    """Nothing looked at: how fast the file can be written at all."""
    copy(folder, raw)


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {
    "engine": run_engine, "DuckDB plain copy": run_copy, "pandas": run_pandas, "Arrow compute": run_arrow,
    "dlt to Parquet": run_dlt,
}  # fmt: skip


def measure(name: str, folder: Path, raw: Path) -> dict[str, float]:
    """Seconds and peak megabytes of one run in this process, imports included in the memory alone."""
    import dlt  # noqa: F401 - imports are no part of anyone's time
    import pandas  # noqa: F401

    began = time.perf_counter()
    CONTENDERS[name](folder, raw)
    taken = time.perf_counter() - began
    return {"seconds": taken, "megabytes": peak_memory() / 2**20}


def _count(folder: Path) -> tuple[int, int]:
    """Rows accepted and rejected, counted in the files that a contender left."""
    import pyarrow.parquet as pq

    def rows(name: str) -> int:
        files = [*folder.glob(f"{name}.parquet"), *folder.glob(f"lake/bench/{name}/*.parquet")]
        return sum(pq.read_metadata(file).num_rows for file in files)

    return rows("curated"), rows("rejected")


def _run_apart(name: str, folder: Path, raw: Path) -> dict[str, float]:
    code = (
        "import json; from pathlib import Path; from tests.bench.peers import measure; "
        f"print(json.dumps(measure({name!r}, Path({str(folder)!r}), Path({str(raw)!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(folder: Path, sizes: tuple[int, ...] = SIZES, runs: int = RUNS) -> None:
    """Print a line a contender and size: medians of its runs, and its ratio to the engine."""
    for rows in sizes:
        raw = make_raw(folder, rows)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
        for turn in range(runs):
            for name in CONTENDERS if turn % 2 else reversed(CONTENDERS):
                own = folder / f"{rows}-{turn}-{name.replace(' ', '-')}"
                own.mkdir()
                found[name].append(_run_apart(name, own, raw))
                wrong = -(-rows // 10_000)
                if name != "DuckDB plain copy" and _count(own) != (rows - wrong, wrong):
                    raise AssertionError(f"{name} did other work: {_count(own)} accepted and rejected of {rows}")
        _print(rows, found)


def _print(rows: int, found: dict[str, list[dict[str, float]]]) -> None:
    middle = {name: statistics.median(one["seconds"] for one in runs) for name, runs in found.items()}
    for name, seconds in middle.items():
        peak = statistics.median(one["megabytes"] for one in found[name])
        ratio = seconds / middle["engine"]
        print(f"{f'{name}, {rows:,} rows x 8':58} {seconds:8.2f} s {peak:7.0f} MB   {ratio:5.2f} x engine", flush=True)
