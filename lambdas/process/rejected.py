"""The rejected rows of a source as people want to read them: which row of which object, why, and what it said.

Read from the files under rejected/ that the entries in force name, so that what was loaded again since is not shown.
Values of restricted columns were masked when the files were written.
"""

import datetime as dt
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lambdas.common.contract import load_source
from lambdas.common.db.ledger import BAD, read_in_force
from lambdas.common.errors import RequestError
from lambdas.common.lake import list_objects
from lambdas.common.settings import Settings
from lambdas.process.reports import read_days, read_warehouse

# An answer of a function holds 6 MB at most; a row of JSON text is cut long before.
MOST_ROWS, ROW_LENGTH = 1000, 2000
BATCH_ROWS = 10_000
GONE = ("NoSuchKey", "404")

Reasons = Counter[tuple[str, str]]


def read_rejected(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Rejected rows of the event's days, and how often each reason was seen.

    Args:
        event: source; start and end (raw UTC days, half-open), without which all days are meant; `raw_key` for one
            object alone; `limit`, how many rows (50).
        deadline: time.monotonic() after which no further file is read.

    Returns:
        source, rows ([{raw_key, raw_row, reasons: [{column, rule, value}], raw: JSON text}], `limit` at most),
        reasons ([{column, rule, rows}], most seen first, of the files that were read), set_aside ([{raw_key, reason}]:
        objects that were refused as a whole), rows_rejected (of all), objects and objects_read (with rejected rows).
    """
    contract, days, limit = load_source(event.get("source")), read_days(event), event.get("limit", 50)
    if not isinstance(limit, int) or not 0 <= limit <= MOST_ROWS:
        raise RequestError(f"limit is {limit!r}; expected a number of rows from 0 to {MOST_ROWS}")
    entries = _entries(contract.name, days, event.get("raw_key"), deadline)
    files = {key: str(e["rejected_key"]) for key, e in entries.items() if e["rejected_key"]}
    rows, reasons, read = _read_files(files, limit, deadline)
    return {
        "source": contract.name,
        "rows": rows,
        "reasons": [{"column": c, "rule": r, "rows": n} for (c, r), n in reasons.most_common()],
        "set_aside": [{"raw_key": k, "reason": e["reason"]} for k, e in entries.items() if e["status"] == BAD][:limit],
        "rows_rejected": sum(int(e["rows_rejected"]) for e in entries.values()),
        "objects": len(files),
        "objects_read": read,
    }


def _entries(source: str, days: tuple[dt.date, dt.date], raw_key: object, deadline: float) -> dict[str, dict[str, Any]]:
    known = read_warehouse(partial(_in_force, source, days), f"rejected of {source}", deadline)
    if raw_key is None:
        return known
    if raw_key not in known:
        raise RequestError(f"{raw_key!r} is not in the ledger of {source} for these days")
    return {str(raw_key): known[str(raw_key)]}


def _in_force(source: str, days: tuple[dt.date, dt.date], connection: Any) -> dict[str, dict[str, Any]]:
    return read_in_force(connection, source, *days)


def _read_files(files: Mapping[str, str], limit: int, deadline: float) -> tuple[list[dict[str, Any]], Reasons, int]:
    import boto3

    s3, bucket = boto3.client("s3"), Settings.from_environment().lake_bucket
    rows: list[dict[str, Any]] = []
    reasons: Reasons = Counter()
    read = 0
    with tempfile.TemporaryDirectory() as folder:
        for key in files.values():
            if time.monotonic() > deadline:
                break
            for row in _read_rows(s3, bucket, key, Path(folder)):
                reasons.update({(r["column"], r["rule"]) for r in row["reasons"]})
                if len(rows) < limit:
                    rows.append({**row, "raw": _short(row["raw"])})
            read += 1
    return rows, reasons, read


def _read_rows(s3: Any, bucket: str, key: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The rejected rows of an object; those of a large one lie in a folder of slices."""
    for name in [o.key for o in list_objects(s3, bucket, key)] if key.endswith("/") else [key]:
        path = folder / "rejected.parquet"
        try:
            s3.download_file(bucket, name, str(path))
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            continue  # forgetting a key takes the files of objects that no longer lie under raw/
        yield from read_file(path)


def read_file(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows, some thousand at once in memory."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            found: Sequence[dict[str, Any]] = batch.to_pylist()
            yield from found


def _short(text: str) -> str:
    return text if len(text) <= ROW_LENGTH else text[: ROW_LENGTH - 3] + "..."
