"""The ledger: one entry a raw object and load, appended in the load's own transaction, never changed.

The entry in force of a raw key is the one with the greatest generation.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.common.db.redshift import execute, query
from lambdas.common.db.sql import statement

LOADED, BAD, FORGOTTEN = "loaded", "bad", "forgotten"
ROWS_A_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """What a load did with one raw object. Event times are naive UTC.

    `status` is loaded, bad (set aside: no rows of it are in the tables) or forgotten (taken out on request, or set
    aside and gone from the lake since); `reason` says why.
    """

    raw_key: str
    raw_day: dt.date
    etag: str
    contract_hash: str
    status: str
    rows_in: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_late: int = 0
    event_from: dt.datetime | None = None
    event_to: dt.datetime | None = None
    curated_key: str | None = None
    rejected_key: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all entries of one load share. `requested_by` is the run or caller, `request_id` the Lambda's request."""

    source: str
    load_id: str
    generation: int
    requested_by: str
    request_id: str = ""


def read_in_force(connection: Any, source: str, start: dt.date, end: dt.date) -> dict[str, dict[str, Any]]:
    """The entries in force of the raw days [start, end), by raw key."""
    rows = query(connection, statement("ledger_in_force"), (source, start, end))
    return {row["raw_key"]: row for row in rows}


def read_applied(connection: Any, source: str, start: dt.date, end: dt.date) -> dict[str, dict[str, Any]]:
    """The entries in force of the raw keys in the session's table `applied`, whose days lie in [start, end]."""
    rows = query(connection, statement("ledger_of_applied"), (source, start, end))
    return {row["raw_key"]: row for row in rows}


@dataclass(frozen=True, slots=True)
class Anew:
    """What a rebuild takes for done: entries after the generation at which it was asked for, by the same contract.

    Whoever made them: of two rebuilds at once each would undo the other's work, if it knew its own alone.
    """

    since: int
    contract_hash: str


def is_in_force(known: Mapping[str, Any] | None, etag: str, anew: Anew | None = None) -> bool:
    """Whether the entry in force stands for this content, so that there is nothing to load.

    A forgotten object that lies there again was put again.
    """
    if not known or known["etag"] != etag or known["status"] == FORGOTTEN:
        return False
    return anew is None or (int(known["generation"]) > anew.since and known["contract_hash"] == anew.contract_hash)


def is_put_by(known: Mapping[str, Any] | None, etag: str, load_id: str) -> bool:
    """Whether that load itself put this content in force."""
    return is_in_force(known, etag) and known is not None and bool(known["load_id"] == load_id)


def read_generation(connection: Any, source: str) -> int:
    """The number of the source's last committed load; 0 before the first."""
    rows = query(connection, "SELECT generation FROM ops.generation WHERE source = %s", (source,))
    return int(rows[0]["generation"]) if rows else 0


def append(connection: Any, stamp: Stamp, entries: Sequence[Entry]) -> None:
    """Append the entries and raise the source's generation to the stamp's."""
    for start in range(0, len(entries), ROWS_A_STATEMENT):
        _append_rows(connection, stamp, entries[start : start + ROWS_A_STATEMENT])
    execute(
        connection,
        "UPDATE ops.generation SET generation = %s, loaded_at = GETDATE() WHERE source = %s",
        (stamp.generation, stamp.source),
    )


def _append_rows(connection: Any, stamp: Stamp, entries: Sequence[Entry]) -> None:
    one = "(" + "%s, " * 19 + "GETDATE())"
    values: list[Any] = []
    for e in entries:
        values += [stamp.source, e.raw_key, e.raw_day, e.etag, e.contract_hash, e.status]
        values += [e.rows_in, e.rows_accepted, e.rows_rejected, e.rows_late, e.event_from, e.event_to]
        values += [e.curated_key, e.rejected_key, _short(e.reason, 1024)]
        values += [stamp.load_id, stamp.generation, _short(stamp.requested_by, 256), stamp.request_id]
    execute(connection, statement("ledger_append").format(rows=", ".join([one] * len(entries))), values)


def _short(text: str | None, size: int) -> str | None:
    """The text, cut so that its bytes fit a varchar of that size."""
    return text.encode()[:size].decode(errors="ignore") if text else None
