"""What a load and a look at a table tell CloudWatch."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.telemetry import measure
from lambdas.process.summary import Summary


def measure_load(source: str, summary: Summary) -> None:
    """Write what a load has committed; nothing where there was nothing to load."""
    if not summary.objects:
        return
    share = 100 * summary.rows_rejected / summary.rows_in if summary.rows_in else None
    values = {
        "RowsIn": summary.rows_in,
        "RowsAccepted": summary.rows_accepted,
        "RowsRejected": summary.rows_rejected,
        "RejectedPercent": share,
        "ObjectsSetAside": summary.bad,
        "ValidateSeconds": summary.validate_seconds,
        "CommitSeconds": summary.commit_seconds,
        "DataAge": age(summary.newest),
    }
    measure("process", values, Source=source)


def measure_table(contract: Contract, found: Mapping[str, Any]) -> None:
    """Write how old a source's newest event is, and how many accepted rows of the examined days are not current."""
    accepted = sum(day["rows_accepted"] for day in found["days"])
    superseded = accepted - found["rows"] if contract.key else None
    newest = dt.datetime.fromisoformat(found["newest"]) if found["newest"] else None
    measure("process", {"RowsSuperseded": superseded, "DataAge": age(newest)}, Source=contract.name)


def age(newest: dt.datetime | None) -> float | None:
    """Seconds since an event time (UTC); 0 for one that is still to come."""
    if newest is None:
        return None
    now = dt.datetime.now(dt.UTC)
    return max(0.0, (now - newest.replace(tzinfo=newest.tzinfo or dt.UTC)).total_seconds())
