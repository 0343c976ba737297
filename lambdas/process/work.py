"""Loading days of a source: listing minus ledger, in batches that commit one by one, until time is up.

What is loaded is decided here, by looking; whoever asks only says which days may be dirty. So a repeated, late or
reordered request changes nothing.
"""

import datetime as dt
import logging
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import BAD, FORGOTTEN, Anew, Entry, Stamp, is_in_force, read_generation, read_in_force
from lambdas.common.db.load import Batch, Loaded, commit, stage
from lambdas.common.db.lock import session_name
from lambdas.common.db.manifest import Manifest, write_manifest
from lambdas.common.db.redshift import autocommit, close, connect, rollback, set_timeout
from lambdas.common.db.retry import retry
from lambdas.common.errors import DataRefused, LoginRefused
from lambdas.common.lake import RawObject, list_days, list_raw, parse_raw_day
from lambdas.common.settings import Settings
from lambdas.process.engine import Engine, open_engine
from lambdas.process.measures import measure_load
from lambdas.process.objects import Staged, Stager, conceal, set_aside
from lambdas.process.slices import SLICE_BYTES
from lambdas.process.summary import Summary

logger = logging.getLogger(__name__)

BATCH_OBJECTS = 400
# A batch's raw, curated and rejected files lie on the function's disk of 4 GB together, with room to spill.
BATCH_BYTES = SLICE_BYTES  # so that a large object comes alone
# Seconds that a batch under way may take beyond the deadline; the function's own limit leaves room for it.
TIME_TO_COMMIT = 45
# Seconds after which a socket is given up whose server should have ended the statement already.
SOCKET_SECONDS = 5
# An object that is overwritten while it is loaded is listed anew; who overwrites for ever is left to the next call.
LISTINGS = 3
GONE = "it was set aside, and lies under raw/ no more"


@dataclass(slots=True)
class Warehouse:
    """How this function reaches the warehouse: the loader's secret and the settings beside it.

    `read_again` reads the secret anew: a password that was rotated while a function was warm is refused once.
    """

    secret: dict[str, Any]
    sslmode: str
    copy_role: str
    read_again: Callable[[], dict[str, Any]] | None = None

    @contextmanager
    def session(self, name: str, seconds: float | None = None) -> Iterator[Any]:
        """A connection, closed at the end; `name` is what the server shows of it.

        Where `seconds` is given the server ends what takes longer, and a silent socket is given up soon after.
        """
        connection = self._connect(name, None if seconds is None else int(seconds) + SOCKET_SECONDS)
        try:
            if seconds is not None:
                with autocommit(connection):  # a SET inside a transaction would go with its rollback
                    set_timeout(connection, seconds)
            yield connection
        finally:
            close(connection)

    def _connect(self, name: str, timeout: int | None) -> Any:
        try:
            return connect(self.secret, self.sslmode, name=name, timeout=timeout)
        except LoginRefused:
            if self.read_again is None:
                raise
            self.secret = self.read_again()
            return connect(self.secret, self.sslmode, name=name, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Request:
    """Load the raw days [start, end) of a source; stop beginning new batches at `deadline` (time.monotonic).

    A rebuild (`anew`) loads what is in force as well, but for what came in after the generation `since`, which calls
    that go on have from the first one; so they have its `load_id`.
    `notes` are reasons for the ledger, by raw key.
    """

    start: dt.date
    end: dt.date
    requested_by: str
    request_id: str
    deadline: float
    anew: bool = False
    load_id: str | None = None
    since: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


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
        summary = Summary(load_id=request.load_id or str(uuid.uuid4()), since=self._since(request))
        try:
            self._load(request, summary)
        finally:
            measure_load(self._contract.name, summary)
        return summary

    def _load(self, request: Request, summary: Summary) -> None:
        pending, summary.skipped, lapsed = self._pending(request, summary)
        self._commit_parts([Staged(entry) for entry in lapsed], request, summary)
        with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder)) as connection:
            stager = Stager(self._s3, self._bucket, self._contract, Engine(connection, self._contract), Path(folder))
            for _ in range(LISTINGS):
                if not pending or summary.remaining:
                    return
                self._load_pending(stager, pending, request, summary)
                # Looked at once more after the commit: another loader, called for a change in the meantime, may have
                # found the former content in force and nothing to do.
                if not summary.remaining:
                    pending, *_ = self._pending(request, summary)
        if pending and not summary.remaining:
            summary.remaining, summary.left = parse_raw_day(pending[0].key).day, len(pending)

    def _load_pending(self, stager: Stager, pending: Sequence[RawObject], request: Request, summary: Summary) -> None:
        """Load the pending objects in batches, until time is up. What changes under the reading is left out."""
        left = list(pending)
        while left:
            if time.monotonic() > request.deadline:
                summary.remaining, summary.left = parse_raw_day(left[0].key).day, len(left)
                break
            began = time.monotonic()
            staging = stager.stage(first_batch(left), request.deadline - TIME_TO_COMMIT)
            if not staging.taken:
                summary.remaining, summary.left = parse_raw_day(left[0].key).day, len(left)
                summary.slices = staging.slices
                break
            left = left[staging.taken :]
            staged = time.monotonic()
            self._commit_parts([_noted(s, request.notes) for s in staging.staged], request, summary)
            summary.validate_seconds += staged - began
            summary.commit_seconds += time.monotonic() - staged
            if summary.remaining:
                summary.left += len(left)
                break

    def _commit_parts(self, staged: list[Staged], request: Request, summary: Summary) -> None:
        """Commit the staged objects.

        Where the warehouse refuses a value, in halves until the object is found, which is set aside: others load.
        """
        parts = [staged] if staged else []
        while parts:
            part = parts.pop()
            try:
                done = self._commit(part, request, summary)
            except DataRefused as error:
                if part[0].entry.status == BAD and len(part) == 1:
                    raise
                parts += _halves(part, conceal(str(error), self._contract))
                if time.monotonic() > request.deadline:
                    summary.remaining = min(s.entry.raw_day for p in parts for s in p)
                    summary.left = sum(len(p) for p in parts)
                    break
                continue
            summary.add(done)

    def _since(self, request: Request) -> int:
        if not request.anew or request.since is not None:
            return request.since or 0
        return retry(self._generation, f"look {self._contract.name}", request.deadline + TIME_TO_COMMIT)

    def _generation(self) -> int:
        with self._warehouse.session(f"look {self._contract.name}", TIME_TO_COMMIT) as connection:
            found = read_generation(connection, self._contract.name)
            rollback(connection)
            return found

    def _anew(self, request: Request, summary: Summary) -> Anew | None:
        return Anew(summary.since, self._contract.hash) if request.anew else None

    def _pending(self, request: Request, summary: Summary) -> tuple[list[RawObject], int, list[Entry]]:
        """The objects whose content is not in force yet, how many are, and what withdraws those that have lapsed.

        These were set aside and have gone since: nobody has to be told of them any more. A hint: the lock decides.
        """
        listed = list_raw(self._s3, self._bucket, self._contract.name, request.start, request.end)
        limit = request.deadline + TIME_TO_COMMIT
        known = retry(lambda: self._known(request), f"look {self._contract.name}", limit)
        anew = self._anew(request, summary)
        pending = [o for o in listed if not is_in_force(known.get(o.key), o.etag, anew)]
        gone = known.keys() - {o.key for o in listed}
        lapsed = [self._withdrawal(key, known[key]) for key in sorted(gone) if known[key]["status"] == BAD]
        return pending, len(listed) - len(pending), lapsed

    def _withdrawal(self, key: str, known: Mapping[str, Any]) -> Entry:
        return Entry(key, known["raw_day"], known["etag"], self._contract.hash, FORGOTTEN, reason=GONE)

    def _known(self, request: Request) -> dict[str, dict[str, Any]]:
        with self._warehouse.session(f"look {self._contract.name}", TIME_TO_COMMIT) as connection:
            known = read_in_force(connection, self._contract.name, request.start, request.end)
            rollback(connection)
            return known

    def _commit(self, staged: Sequence[Staged], request: Request, summary: Summary) -> Loaded:
        manifest = self._manifest(staged, summary.load_id)
        limit = request.deadline + TIME_TO_COMMIT
        attempt = partial(self._attempt, staged, manifest, request, summary=summary, limit=limit)
        return retry(attempt, f"load {summary.load_id}", limit)

    def _manifest(self, staged: Sequence[Staged], load_id: str) -> Manifest | None:
        files = {key: size for s in staged for key, size in s.files.items()}
        if not files:
            return None
        key = f"manifests/{self._contract.name}/{load_id}-{uuid.uuid4().hex[:8]}.json"
        url = write_manifest(self._s3, self._bucket, key, files)
        return Manifest(url, sum(s.entry.rows_accepted for s in staged))

    def _attempt(
        self,
        staged: Sequence[Staged],
        manifest: Manifest | None,
        request: Request,
        *,
        summary: Summary,
        limit: float,
    ) -> Loaded:
        source, entries = self._contract.name, [s.entry for s in staged]
        stamp = Stamp(source, summary.load_id, 0, request.requested_by, request.request_id)
        days = {e.raw_day for e in entries}
        listing = partial(list_days, self._s3, self._bucket, source, days)
        batch = Batch(self._contract, entries, listing, limit, self._anew(request, summary))
        name = session_name(source, limit, summary.load_id)
        with self._warehouse.session(name, limit - time.monotonic()) as connection:
            stage(connection, batch, manifest, self._warehouse.copy_role)
            return commit(connection, batch, stamp)


def first_batch(objects: Sequence[RawObject]) -> list[RawObject]:
    """As many of the first objects as one COPY takes well; one at least, however large, and a large one alone."""
    size = 0
    for count, item in enumerate(objects):
        size += item.size
        if count and (count == BATCH_OBJECTS or size > BATCH_BYTES):
            return list(objects[:count])
    return list(objects)


def _noted(staged: Staged, notes: Mapping[str, str]) -> Staged:
    note = notes.get(staged.entry.raw_key)
    return replace(staged, entry=replace(staged.entry, reason=note)) if note and not staged.entry.reason else staged


def _halves(staged: list[Staged], reason: str) -> list[list[Staged]]:
    """What is to be committed in place of these that were refused; the second half first. A single one is the one."""
    if len(staged) == 1:
        return [[Staged(set_aside(staged[0].entry, reason))]]
    middle = len(staged) // 2
    return [staged[middle:], staged[:middle]]
