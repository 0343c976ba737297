"""Asks for things to be forgotten, and looks where they could still be."""

import datetime as dt
import io
import time
from typing import Any

import pyarrow.parquet as pq

from lambdas.common.settings import Settings
from lambdas.process.forget_key import forget_rows
from lambdas.process.forgetting import Forgetter, Forgotten
from tests.process.source import Source


def forgetter(source: Source, seconds: float = 60) -> Forgetter:
    settings = Settings("local", source.bucket)
    return Forgetter(source.s3, settings, source.warehouse, source.contract, "", time.monotonic() + seconds)


def forget_until_done(source: Source, key: dict[str, str], most: int = 9) -> list[int]:
    """Calls until nothing remains, each told where the last one stopped; the rows of each."""
    rows, day, after = [], dt.date.min, ""
    for _ in range(most):
        done = forget_rows(forgetter(source), key, day, after)
        rows.append(done.rows)
        if done.remaining is None:
            return rows
        day, after = done.remaining, done.after
    raise AssertionError(f"no end after {most} calls: {rows}")


def forget(source: Source, raw_key: str | None = None, **values: Any) -> Forgotten:
    if raw_key:
        return forgetter(source).forget_object(raw_key)
    return forget_rows(forgetter(source), values, dt.date.min)


def versions(source: Source, zone: str) -> list[dict[str, Any]]:
    reply = source.s3.list_object_versions(Bucket=source.bucket, Prefix=f"{zone}/{source.contract.name}/")
    assert not reply.get("DeleteMarkers"), "a delete marker hides what it should delete"
    return list(reply.get("Versions", []))


def bytes_with(source: Source, word: str) -> list[str]:
    """Keys of all versions of Parquet files in the lake that show the word in any column."""
    found = []
    for zone in ("raw", "curated", "rejected"):
        for v in versions(source, zone):
            reply = source.s3.get_object(Bucket=source.bucket, Key=v["Key"], VersionId=v["VersionId"])
            if word in str(pq.read_table(io.BytesIO(reply["Body"].read())).to_pylist()):
                found.append(v["Key"])
    return found
