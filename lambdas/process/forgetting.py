"""Forgetting a raw object, and what forgetting a key shares with it. Source of the order: docs/adr/0006."""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import FORGOTTEN, Entry, Stamp, append, read_applied, read_generation, read_in_force
from lambdas.common.db.load import Batch, forget_objects, stage
from lambdas.common.db.lock import LedgerTurn, lock_source, session_name, take_turns
from lambdas.common.db.redshift import rollback, transaction
from lambdas.common.db.retry import retry
from lambdas.common.errors import RequestError
from lambdas.common.lake import day_prefix, list_objects, parse_raw_day
from lambdas.common.settings import Settings
from lambdas.process.erase import Derived, Version, delete_versions, derived_from, list_versions
from lambdas.process.work import TIME_TO_COMMIT, Loader, Warehouse

logger = logging.getLogger(__name__)

# What is done under the lock; False where the object lies in the lake again.
Work = Callable[[Any, Entry, LedgerTurn], bool]
NOTE = "forgotten on request"
ATTEMPTS = 3


@dataclass(slots=True)
class Forgotten:
    """What was taken out. `unreadable` could not be searched.

    `remaining` is the first day that was not come to, and `after` the last raw key that was, of that day or before;
    `slices` are there of a large object that is being loaded.
    """

    objects: int = 0
    rows: int = 0
    versions: int = 0
    unreadable: int = 0
    remaining: dt.date | None = None
    after: str = ""
    slices: int = 0


class Forgetter:
    """Takes data of one source out. Nothing new is begun after `deadline` (time.monotonic)."""

    def __init__(
        self, s3: Any, settings: Settings, warehouse: Warehouse, contract: Contract, request_id: str, deadline: float
    ) -> None:
        self.s3 = s3
        self.bucket = settings.lake_bucket
        self.warehouse = warehouse
        self.contract = contract
        self.loader = Loader(s3, settings, warehouse, contract)
        self.stamp = Stamp(contract.name, str(uuid.uuid4()), 0, "forget", request_id)
        self.deadline = deadline

    def forget_object(self, raw_key: str) -> Forgotten:
        """Take out a raw object with all versions, its rows, and all files made of it. Safe to repeat.

        Raises:
            RequestError: it is none of this source's, was never there, or is put again all the time.
        """
        raw = parse_raw_day(raw_key)
        if raw.source != self.contract.name:
            raise RequestError(f"raw_key (--object) {raw_key!r} is none of {self.contract.name}")
        known, versions = self.in_force(raw.day).get(raw_key), self.versions_of(raw_key)
        if not known and not versions:
            raise RequestError(f"raw_key (--object) {raw_key!r} was never loaded and does not lie in the lake")
        done = Forgotten()
        if versions or (known and known["status"] != FORGOTTEN):
            done.objects, done.rows = 1, int(known["rows_in"]) if known else 0
        etag = next((v.etag for v in versions if v.etag), None) or (known["etag"] if known else "")
        entry = Entry(raw_key, raw.day, etag, self.contract.hash, FORGOTTEN, reason=NOTE)
        done.versions = self._empty(entry, versions)
        done.versions += self.sweep(lambda file: file.raw_key == raw_key, raw.day)
        return done

    def _empty(self, entry: Entry, versions: list[Version]) -> int:
        """First the object leaves the lake, so that nobody can load it any more, then its rows the tables."""
        deleted = 0
        for _ in range(ATTEMPTS):
            deleted += delete_versions(self.s3, self.bucket, versions)
            if self.in_transaction(entry, self._take_object):
                return deleted
            versions = self.versions_of(entry.raw_key)
        raise RequestError(f"raw_key (--object) {entry.raw_key!r} is put again meanwhile: stop its source first")

    def _take_object(self, connection: Any, entry: Entry, turn: LedgerTurn) -> bool:
        """Under the lock: the rows leave, the ledger says so. False where the object lies there again."""
        if self.lies_there(entry.raw_key):
            return False
        known = read_applied(connection, self.contract.name, entry.raw_day, entry.raw_day).get(entry.raw_key)
        if not known or known["status"] != FORGOTTEN:
            forget_objects(connection, self.contract)
            self.append(connection, entry, turn)
        return True

    def in_transaction(self, entry: Entry, work: Work) -> bool:
        """Run the work on one object in a transaction under the source's lock, again where the warehouse was busy."""
        limit = self.deadline + TIME_TO_COMMIT
        batch = Batch(self.contract, [entry], dict, limit)

        def attempt() -> bool:
            name = session_name(self.contract.name, limit, self.stamp.load_id)
            with self.warehouse.session(name, limit - time.monotonic()) as connection:
                stage(connection, batch, None, self.warehouse.copy_role)
                return take_turns(connection, limit, partial(self._transact, connection, entry, work, limit))

        return retry(attempt, f"forget {self.stamp.load_id}", limit)

    def _transact(self, connection: Any, entry: Entry, work: Work, limit: float, turn: LedgerTurn) -> bool:
        with transaction(connection):
            lock_source(connection, self.contract.name, limit)
            return work(connection, entry, turn)

    def lies_there(self, raw_key: str) -> bool:
        """Whether the raw object has a current version."""
        return any(item.key == raw_key for item in list_objects(self.s3, self.bucket, raw_key))

    def append(self, connection: Any, entry: Entry, turn: LedgerTurn) -> None:
        """Append the entry to the ledger as a load of its own."""
        generation = read_generation(connection, self.contract.name) + 1
        with turn.appending(connection):
            append(connection, replace(self.stamp, generation=generation), [entry])

    def in_force(self, day: dt.date | None = None) -> Mapping[str, Mapping[str, Any]]:
        """The entries in force of a raw day, or of all."""
        start, end = (day, day + dt.timedelta(days=1)) if day else (dt.date.min, dt.date.max)
        with self.warehouse.session(f"look {self.contract.name}", TIME_TO_COMMIT) as connection:
            known = read_in_force(connection, self.contract.name, start, end)
            rollback(connection)
        return known

    def versions_of(self, raw_key: str) -> list[Version]:
        """All versions of one raw object, delete markers included."""
        return [v for v in list_versions(self.s3, self.bucket, raw_key) if v.key == raw_key]

    def sweep(self, is_doomed: Callable[[Derived], bool], day: dt.date | None = None) -> int:
        """Delete files under curated/ and rejected/, of one day or of all, with all versions; how many versions."""
        deleted = 0
        for zone in ("curated", "rejected"):
            prefix = day_prefix(zone, self.contract.name, day) if day else f"{zone}/{self.contract.name}/"
            found = list_versions(self.s3, self.bucket, prefix)
            doomed = [v for v in found if (file := derived_from(v.key)) and is_doomed(file)]
            deleted += delete_versions(self.s3, self.bucket, doomed)
        return deleted
