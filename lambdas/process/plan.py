"""What a load of days would do, without doing it: nothing is put into the lake, nothing is locked or changed.

Objects, rows and reasons come from the very engine that loads, statements from the very code that runs them.
"""

import datetime as dt
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract, load_source
from lambdas.common.db import changes, ddl, load
from lambdas.common.db.columns import read_columns
from lambdas.common.db.ledger import BAD, Entry, is_in_force, read_in_force
from lambdas.common.db.manifest import copy_statement
from lambdas.common.db.prove import EVER
from lambdas.common.db.redshift import rollback
from lambdas.common.db.sql import identifier
from lambdas.common.errors import RequestError
from lambdas.common.lake import RawObject, list_raw
from lambdas.common.settings import Settings
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager, Trial
from lambdas.process.rejected import read_file
from lambdas.process.reports import read_days, read_warehouse

MOST_REMARKS = 20
MANIFEST = "s3://{bucket}/manifests/{source}/<load id>.json"


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
        source, objects (to load), in_force (already), tried (of those to load; fewer where time was short), in_part
        (of the tried, large ones of which the first slice alone was), rows_in, rows_accepted, rows_rejected, rows_late,
        set_aside (of the tried), reasons ([{column, rule, rows}]), remarks ([{raw_key, status, reason}], 20 at most),
        table ([statements of migrate]), obstacles (what migrate would refuse), sql (the statements of the load).
    """
    contract, days = load_source(event.get("source")), read_days(event)
    if days == EVER:
        raise RequestError("start and end are missing: a plan is of days")
    known, table, obstacles = read_warehouse(partial(_look, contract, days), f"plan {contract.name}", deadline)
    settings = Settings.from_environment()
    listed = list(_list(settings.lake_bucket, contract, days))
    pending = [o for o in listed if event.get("rebuild") or not is_in_force(known.get(o.key), o.etag)]
    tried = _try(settings.lake_bucket, contract, pending, deadline)
    return {
        "source": contract.name,
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
        "sql": _statements(contract, settings, pending, known, anew=bool(event.get("rebuild"))) if pending else [],
    }


def _look(
    contract: Contract, days: tuple[dt.date, dt.date], connection: Any
) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    """The entries in force, the statements that migrate would run, and what it would refuse."""
    known = read_in_force(connection, contract.name, *days)
    statements: list[str] = []
    for table in ddl.tables(contract):
        found = read_columns(connection, table)
        lacking = changes.compare(contract, table, found)
        statements += [*lacking.additions, *lacking.widenings] if found else [ddl.create_table(contract, table)]
    obstacles = ddl.check_source(connection, contract)
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


def _statements(
    contract: Contract, settings: Settings, pending: Sequence[RawObject], known: Mapping[str, Any], *, anew: bool
) -> list[str]:
    """The load's statements in their order, but for the ledger's: it is written with what the load has found."""
    former = any(int(known[o.key]["rows_accepted"]) for o in pending if o.key in known)
    url = MANIFEST.format(bucket=settings.lake_bucket, source=contract.name)
    decided = load.decision(contract, bounded=load.is_bounded(contract)) if contract.key else []
    return [
        *load.temp_tables(contract),
        copy_statement(url, settings.copy_role),
        "BEGIN",
        f"LOCK {identifier('ops.lock_' + contract.name)}",
        *load.replacement(contract, former=former, anew=anew),
        *decided,
        "INSERT INTO ops.load_ledger ...",
        "UPDATE ops.generation ...",
        "COMMIT",
    ]
