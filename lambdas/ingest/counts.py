"""What lies under raw/ of a source, day by day: the landing's own sums say nothing of a single day."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.common.lake import RawObject, days_between, is_raw_key, list_raw, parse_raw_key
from lambdas.ingest.footers import count_rows
from lambdas.ingest.naming import Lake
from lambdas.ingest.request import Window

READS_AT_ONCE = 16


def count_days(source: str, window: Window, lake: Lake, deadline: float) -> dict[str, Any]:
    """The objects and rows of each UTC day of the window, whoever has put them; nothing is extracted.

    Args:
        source: whose objects.
        window: UTC days, end excluded.
        lake: where they lie.
        deadline: value of time.monotonic() at which no object is read any more.

    Returns:
        {"source", "days": [{day, objects, bytes, rows}]}, every day of the window, by day. `rows` is null where an
        object of the day is no Parquet file, or the time was up.
    """
    listed = list_raw(lake.client, lake.bucket, source, window.start, window.end)
    items = [item for item in listed if is_raw_key(item.key)]  # the load sets the others aside

    def count(item: RawObject) -> int | None:
        return count_rows(lake.client, lake.bucket, item) if time.monotonic() < deadline else None

    days: dict[Any, list[tuple[RawObject, int | None]]] = {day: [] for day in days_between(window.start, window.end)}
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        for item, rows in zip(items, pool.map(count, items), strict=True):
            days[parse_raw_key(item.key).day].append((item, rows))
    return {"source": source, "days": [{"day": day.isoformat(), **_sum(found)} for day, found in days.items()]}


def _sum(found: Sequence[tuple[RawObject, int | None]]) -> dict[str, Any]:
    counted = [rows for _, rows in found if rows is not None]
    rows = sum(counted) if len(counted) == len(found) else None
    return {"objects": len(found), "bytes": sum(item.size for item, _ in found), "rows": rows}
