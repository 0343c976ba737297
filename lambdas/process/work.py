"""Loading days of a source: listing minus ledger, in batches that commit one by one, until time is up.

What is loaded is decided here, by looking; whoever asks only says which days may be dirty. So a repeated, late or
reordered request changes nothing.
"""

import datetime as dt
import logging
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import Stamp, read_in_force
from lambdas.common.db.load import Loaded, Manifest, commit, stage, write_manifest
from lambdas.common.db.redshift import autocommit, rollback, session, set_timeout
from lambdas.common.db.retry import retry
from lambdas.common.lake import RawObject, list_raw, parse_raw_key
from lambdas.common.settings import Settings
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Staged, Stager

logger = logging.getLogger(__name__)

BATCH_OBJECTS = 400
# A batch's raw, curated and rejected files lie on the function's disk of 4 GB together, with room to spill.
BATCH_BYTES = 256 << 20
# Seconds that a batch under way may take beyond the deadline; the function's own limit leaves room for it.
TIME_TO_COMMIT = 45
# An object that is overwritten while it is read is listed anew; who overwrites for ever is left to the next event.
LISTINGS = 3


@dataclass(frozen=True, slots=True)
class Warehouse:
    """How this function reaches the warehouse: the loader's secret and the settings beside it."""

    secret: dict[str, Any]
    sslmode: str
    copy_role: str

    def session(self, name: str) -> Any:
        """A connection as context manager; `name` is what the server shows of it."""
        return session(self.secret, self.sslmode, name=name)


@dataclass(frozen=True, slots=True)
class Request:
    """Load the raw days [start, end) of a source; stop beginning new batches at `deadline` (time.monotonic)."""

    start: dt.date
    end: dt.date
    requested_by: str
    request_id: str
    deadline: float


@dataclass(slots=True)
class Summary:
    """What a request did. `remaining` is the first day that it did not come to, None where all is done."""

    load_id: str
    objects: int = 0
    rows_in: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_late: int = 0
    bad: int = 0
    skipped: int = 0
    remaining: dt.date | None = None

    def add(self, done: Loaded) -> None:
        """Count what one batch committed."""
        self.skipped += done.in_force
        self.objects += len(done.entries)
        for entry in done.entries:
            self.rows_in += entry.rows_in
            self.rows_accepted += entry.rows_accepted
            self.rows_rejected += entry.rows_rejected
            self.rows_late += entry.rows_late
            self.bad += entry.status == "bad"


class Loader:
    """Loads one source's days into the warehouse."""

    def __init__(self, s3: Any, settings: Settings, warehouse: Warehouse, contract: Contract) -> None:
        self._s3 = s3
        self._bucket = settings.lake_bucket
        self._warehouse = warehouse
        self._contract = contract

    def load(self, request: Request) -> Summary:
        """Bring the tables to what lies under raw/ for the days of the request.

        Raises:
            ContractError, LoadError: nothing of the failing batch was committed; former batches stand.
            WarehouseBusy: the warehouse stayed busy through all attempts.
        """
        summary = Summary(load_id=str(uuid.uuid4()))
        pending, summary.skipped = self._pending(request)
        with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder)) as connection:
            stager = Stager(self._s3, self._bucket, self._contract, Engine(connection, self._contract), Path(folder))
            for _ in range(LISTINGS):
                changed = self._load_pending(stager, pending, request, summary)
                if summary.remaining or not changed:
                    break
                pending, _ = self._pending(request)
        return summary

    def _load_pending(self, stager: Stager, pending: Sequence[RawObject], request: Request, summary: Summary) -> bool:
        """Load the pending objects in batches; whether some changed under the reading."""
        changed = False
        for batch in _batches(pending):
            if time.monotonic() > request.deadline:
                summary.remaining = parse_raw_key(batch[0].key).day
                break
            staged = list(stager.stage(batch))
            done = self._commit(staged, request, summary.load_id) if staged else None
            if done:
                summary.add(done)
            changed = changed or len(staged) < len(batch) or bool(done and done.stale)
        return changed

    def _pending(self, request: Request) -> tuple[list[RawObject], int]:
        """The objects whose content is not in force yet, and how many are. A hint: the lock decides."""
        listed = list_raw(self._s3, self._bucket, self._contract.name, request.start, request.end)
        if not listed:
            return [], 0
        with self._warehouse.session(f"look {self._contract.name}") as connection:
            known = read_in_force(connection, self._contract.name, request.start, request.end)
            rollback(connection)
        pending = [o for o in listed if o.key not in known or known[o.key]["etag"] != o.etag]
        return pending, len(listed) - len(pending)

    def _commit(self, staged: Sequence[Staged], request: Request, load_id: str) -> Loaded:
        manifest = self._manifest(staged, load_id)
        limit = request.deadline + TIME_TO_COMMIT
        return retry(lambda: self._attempt(staged, manifest, request, load_id), f"load {load_id}", limit)

    def _manifest(self, staged: Sequence[Staged], load_id: str) -> Manifest | None:
        files = {s.entry.curated_key: s.curated_size for s in staged if s.entry.curated_key}
        if not files:
            return None
        first = staged[0].entry.raw_day
        key = f"manifests/{self._contract.name}/{load_id}-{first}.json"
        url = write_manifest(self._s3, self._bucket, key, files)
        return Manifest(url, sum(s.entry.rows_accepted for s in staged))

    def _attempt(self, staged: Sequence[Staged], manifest: Manifest | None, request: Request, load_id: str) -> Loaded:
        entries = [s.entry for s in staged]
        days = [e.raw_day for e in entries]
        stamp = Stamp(self._contract.name, load_id, 0, request.requested_by, request.request_id)

        def listing() -> dict[str, str]:
            after = max(days) + dt.timedelta(days=1)
            return {o.key: o.etag for o in list_raw(self._s3, self._bucket, self._contract.name, min(days), after)}

        with self._warehouse.session(f"load {self._contract.name} {load_id}") as connection:
            with autocommit(connection):  # a SET inside a transaction would go with its rollback
                set_timeout(connection, max(request.deadline - time.monotonic(), 0) + TIME_TO_COMMIT)
            stage(connection, self._contract, manifest, self._warehouse.copy_role)
            return commit(connection, self._contract, entries, stamp, listing)


def _batches(objects: Sequence[RawObject]) -> Iterator[list[RawObject]]:
    """The objects by day, in batches that one COPY takes well; the objects of a day may be split between two."""
    batch: list[RawObject] = []
    size = 0
    for item in objects:
        if batch and (len(batch) == BATCH_OBJECTS or size + item.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch
