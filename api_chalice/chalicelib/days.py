"""The days of a range, one by one: whether they are loaded, empty or missing, and what was rejected."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from .coverage import Known

OUTPUTS = (
    "day", "state", "objects", "objects_bad", "rows_in", "rows_accepted", "rows_rejected", "rows_late", "reason",
)  # fmt: skip
STATES = ("loaded", "empty", "missing")
# Twenty-seven years.
MOST = 10_000


def days_of(known: Known, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a day that is known or awaited, in order. `rows` are those of `compile_days`.

    `state` is loaded, empty (proved so) or missing; `reason` says what went wrong where the ledger knows.
    """
    told = {row["day"].toordinal(): row for row in rows}
    return [_day(ordinal, known.days[ordinal], told.get(ordinal)) for ordinal in sorted(known.days)]


def _day(ordinal: int, state: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
    counts = {name: int(row[name] or 0) if row else 0 for name in OUTPUTS[2:-1]}
    day = {"day": dt.date.fromordinal(ordinal), "state": state, **counts}
    return day | {"reason": (row["reason"] if row else None) or _reason(state, counts)}


def _reason(state: str, counts: Mapping[str, int]) -> str | None:
    if state == "missing":
        return _absence(counts)
    if counts["rows_rejected"]:
        return f"{counts['rows_rejected']} of {counts['rows_in']} rows broke a rule"
    return "an object without rows proves it" if state == "empty" else None


def _absence(counts: Mapping[str, int]) -> str:
    if counts["rows_rejected"]:
        return f"all of {counts['rows_in']} rows broke a rule"
    return "objects were set aside or forgotten" if counts["objects"] else "no object of this day is loaded"
