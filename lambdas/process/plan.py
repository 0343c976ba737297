"""What a load of days would do, without doing it: nothing is put into the lake, nothing is locked or changed.

Objects, rows and reasons come from the very engine that loads, statements from the very code that runs them.
"""

import datetime as dt
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract, load_source
from lambdas.common.db import ddl
from lambdas.common.db.ledger import BAD, LOADED, Entry, is_in_force, read_in_force
from lambdas.common.db.prove import EVER
from lambdas.common.db.redshift import rollback
from lambdas.common.errors import RequestError
from lambdas.common.lake import RawObject, list_raw, parse_raw_day
from lambdas.common.settings import Settings
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager, Trial, fault_of
from lambdas.process.rehearse import MANIFEST, rehearse_load, rehearse_migration
from lambdas.process.rejected import read_file
from lambdas.process.reports import read_days, read_warehouse
from lambdas.process.work import first_batch

MOST_REMARKS = 20


@dataclass(slots=True)
class Tried:
    """What the engine said of the objects that it tried."""

    entries: list[Entry] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    parts: dict[str, str] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Count what was tried of an object."""
        self.entries.append(trial.entry)
        self.reasons.update(_reasons(trial.rejected))
        if trial.part:
            self.parts[trial.entry.raw_key] = trial.part

    def total(self, name: str) -> int:
        """The sum of one of the entries' counts."""
        return sum(getattr(entry, name) for entry in self.entries)

    def remarks(self) -> list[dict[str, str]]:
        """Objects tried in part, that would be set aside, or that differ from the contract; the first of them."""
        found = [(key, "tried in part", part) for key, part in self.parts.items()]
        found += [(e.raw_key, e.status, e.reason) for e in self.entries if e.reason is not None]
        return [{"raw_key": key, "status": status, "reason": reason} for key, status, reason in found[:MOST_REMARKS]]


def plan_load(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """What `load` with the same source, start and end would do now.

    Args:
        event: source, start and end (raw UTC days, half-open); rebuild: true for what a rebuild would do.
        deadline: time.monotonic() after which no further object is tried.

    Returns:
        source, contract (the hash of the one that is deployed), objects (to load), in_force (already), tried (of those
        to load; fewer where time was short), in_part (of the tried, large ones of which the first slice alone was),
        rows_in, rows_accepted, rows_rejected, rows_late,
        set_aside (of the tried), reasons ([{column, rule, rows}]), remarks ([{raw_key, status, reason}], 20 at most),
        table ([statements of migrate]), obstacles (what migrate would refuse), batches ([{batches, objects, sql}]: the
        statements of each of so many batches one after the other).
    """
    contract, days = load_source(event.get("source")), read_days(event)
    if days == EVER:
        raise RequestError("start and end are missing: a plan is of days")
    known, table, obstacles = read_warehouse(partial(_look, contract, days), f"plan {contract.name}", deadline)
    settings = Settings.from_environment()
    listed = list(_list(settings.lake_bucket, contract, days))
    anew = bool(event.get("rebuild"))
    pending = [o for o in listed if anew or not is_in_force(known.get(o.key), o.etag)]
    tried = _try(settings.lake_bucket, contract, pending, deadline)
    url = MANIFEST.format(bucket=settings.lake_bucket, source=contract.name)
    rehearse = partial(rehearse_load, contract=contract, known=known, url=url, copy_role=settings.copy_role, anew=anew)
    return {
        "source": contract.name,
        "contract": contract.hash,
        "objects": len(pending),
        "in_force": len(listed) - len(pending),
        "tried": len(tried.entries),
        "in_part": len(tried.parts),
        **{n: tried.total(n) for n in ("rows_in", "rows_accepted", "rows_rejected", "rows_late")},
        "set_aside": sum(entry.status == BAD for entry in tried.entries),
        "reasons": [{"column": c, "rule": r, "rows": n} for (c, r), n in tried.reasons.most_common()],
        "remarks": tried.remarks(),
        "table": table,
        "obstacles": obstacles,
        "batches": _batches(pending, tried, rehearse),
    }


def _look(
    contract: Contract, days: tuple[dt.date, dt.date], connection: Any
) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    """The entries in force, the statements that migrate would run, and what it would refuse."""
    known = read_in_force(connection, contract.name, *days)
    obstacles = ddl.check_source(connection, contract)
    statements = [] if obstacles else rehearse_migration(connection, contract)
    rollback(connection)
    return known, statements, obstacles


def _list(bucket: str, contract: Contract, days: tuple[dt.date, dt.date]) -> list[RawObject]:
    import boto3

    return list_raw(boto3.client("s3"), bucket, contract.name, *days)


def _try(bucket: str, contract: Contract, objects: Sequence[RawObject], deadline: float) -> Tried:
    import boto3

    with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder)) as connection:
        stager = Stager(boto3.client("s3"), bucket, contract, Engine(connection, contract), Path(folder))
        return try_objects(stager, objects, deadline)


def try_objects(stager: Stager, objects: Sequence[RawObject], deadline: float) -> Tried:
    """What the stager says of the objects, one at least, until time is up."""
    tried = Tried()
    for trial in stager.tries(objects):
        tried.add(trial)
        if time.monotonic() > deadline:
            break
    return tried


def _reasons(rejected: Path) -> Iterator[tuple[str, str]]:
    if rejected.exists():
        for row in read_file(rejected):
            yield from {(reason["column"], reason["rule"]) for reason in row["reasons"]}


def _batches(
    objects: Sequence[RawObject], tried: Tried, rehearse: Callable[[Sequence[Entry]], list[str]]
) -> list[dict[str, Any]]:
    """The statements of each batch that the load would begin; those that follow each other and are alike once."""
    found: list[dict[str, Any]] = []
    entries, left = {e.raw_key: e for e in tried.entries if e.raw_key not in tried.parts}, list(objects)
    while left:
        batch = first_batch(left)
        left = left[len(batch) :]
        sql = rehearse([entries.get(o.key) or _untried(o) for o in batch])
        if found and found[-1]["sql"] == sql:
            found[-1]["batches"] += 1
            found[-1]["objects"] += len(batch)
        else:
            found.append({"batches": 1, "objects": len(batch), "sql": sql})
    return found


def _untried(item: RawObject) -> Entry:
    """What may come of an object of which not all was tried: rows, unless its name sets it aside."""
    entry = Entry(item.key, parse_raw_day(item.key).day, item.etag, "", BAD)
    return entry if fault_of(item.key) else replace(entry, status=LOADED, rows_in=1, rows_accepted=1)
