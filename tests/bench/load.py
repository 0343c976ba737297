"""A raw object to committed rows, beside the same SQL by hand from files that lie ready, and beside a bare COPY."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lambdas.common.db import ddl
from lambdas.common.db.redshift import autocommit, execute, transaction
from lambdas.common.db.sql import identifiers
from tests.bench.engine import make_raw, split
from tests.bench.timing import RUNS, compare, line, seconds, spent
from tests.bench.warehouse import DAY, new_bodies, opened, stamp
from tests.process.source import Source

ROWS = 1_000_000
BY_HAND = "core.by_hand"
# the rest is the put of the raw object, the listing and the ledger
STEPS = {
    "fetching, splitting and putting": "process/objects.py:stage",
    "COPY": "db/load.py:stage",
    "the transaction": "db/load.py:commit",
}


def run(folder: Path) -> None:
    """Print two lines: against the SQL by hand, and the bare COPY as a share of it."""
    with opened(folder) as place:
        raw = make_raw(folder, ROWS)
        split(folder, raw)
        source = place.source("readings")
        place.run(f"CREATE TABLE {BY_HAND} (LIKE core.{source.contract.name})")
        manifest = _put_ready(source, folder / "curated.parquet")
        bodies = iter(list(islice(new_bodies(pq.read_table(raw)), RUNS + 2)))  # written before anybody looks at a clock
        ours, theirs = compare(lambda: _load(source, next(bodies)), lambda: _by_hand(source, manifest))
        print(line("raw object to committed rows, 1 M x 8 | by hand", ours, theirs, "<= 1.5"), flush=True)
        print(spent(lambda: _load(source, next(bodies)), STEPS))
        bare = min(seconds(lambda: _bare_copy(source, manifest)) for _ in range(3))
        print(line("  by hand | bare COPY of the same file", theirs, bare, "-"))


def _load(source: Source, body: bytes) -> None:
    source.put_bytes(DAY, stamp(DAY), body)
    source.load(DAY)


def _put_ready(source: Source, curated: Path) -> str:
    key = "curated/by-hand.parquet"
    source.s3.put_object(Bucket=source.bucket, Key=key, Body=curated.read_bytes())
    meta = {"content_length": curated.stat().st_size}
    entries = [{"url": f"s3://{source.bucket}/{key}", "mandatory": True, "meta": meta}]
    source.s3.put_object(Bucket=source.bucket, Key="manifests/by-hand.json", Body=json.dumps({"entries": entries}))
    return f"s3://{source.bucket}/manifests/by-hand.json"


def _in_session(source: Source, work: Callable[[Any], None]) -> None:
    with source.warehouse.session("bench") as connection:
        with autocommit(connection):
            execute(connection, ddl.staging_table(source.contract))
        work(connection)


def _by_hand(source: Source, manifest: str) -> None:
    """Temp COPY, delete, insert, commit: what one would type, into a table of the same columns and sort key."""
    columns = identifiers([*(c.name for c in source.contract.columns), "_raw_key", "_raw_row"])
    insert = f"INSERT INTO {BY_HAND} ({columns}, _loaded_at) SELECT {columns}, GETDATE() FROM staging"

    def work(connection: Any) -> None:
        with transaction(connection):
            execute(connection, f"COPY staging FROM '{manifest}' IAM_ROLE default FORMAT AS PARQUET MANIFEST")
            execute(connection, f"DELETE FROM {BY_HAND} WHERE _raw_key IN (SELECT DISTINCT _raw_key FROM staging)")
            execute(connection, insert)

    _in_session(source, work)


def _bare_copy(source: Source, manifest: str) -> None:
    def work(connection: Any) -> None:
        execute(connection, f"COPY staging FROM '{manifest}' IAM_ROLE default FORMAT AS PARQUET MANIFEST")

    _in_session(source, work)
