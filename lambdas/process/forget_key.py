"""Forgetting a key: every raw object that holds rows of it is written again without them. Order: docs/adr/0006."""

import datetime as dt
import itertools
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from shutil import disk_usage
from typing import Any

from lambdas.common.db.ledger import LOADED, Entry, is_in_force
from lambdas.common.db.load import forget_key, key_predicate
from lambdas.common.db.lock import LedgerTurn
from lambdas.common.db.redshift import query, rollback
from lambdas.common.db.sql import identifier, statement
from lambdas.common.errors import ObjectError, RequestError
from lambdas.common.lake import is_raw_key, parse_raw_key
from lambdas.common.source import find_source_config
from lambdas.process.engine import open_engine
from lambdas.process.erase import Version, delete_versions, list_versions
from lambdas.process.forgetting import ATTEMPTS, Forgetter, Forgotten
from lambdas.process.keys import KeyRows
from lambdas.process.work import TIME_TO_COMMIT, Request

logger = logging.getLogger(__name__)

NOTE = "without the rows of a key that was forgotten"
CHANGED = ("PreconditionFailed", "NoSuchKey", "NoSuchVersion", "ConditionalRequestConflict", "412", "404")


def forget_rows(forgetter: Forgetter, values: Mapping[str, Any], start: dt.date, after: str = "") -> Forgotten:
    """Take every row of a key out, from the raw day `start` on and behind the raw key `after`. Safe to repeat.

    Raises:
        RequestError: see KeyRows; or an object is put again all the time, or does not fit on the disk; or the tables
            hold the key as a former contract read it, and today's does not find it in the raw objects.
    """
    with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder)) as connection:
        rows = KeyRows(connection, forgetter.contract, values)
        return _Search(forgetter, rows, Path(folder)).run(start, after)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A raw object: what a reader gets now, None where it was deleted, and all other versions."""

    key: str
    current: Version | None
    former: list[Version]


class _Search:
    """One call's search through the source's raw objects, in the order of their keys."""

    def __init__(self, forgetter: Forgetter, rows: KeyRows, folder: Path) -> None:
        self._forgetter = forgetter
        self._rows = rows
        self._folder = folder
        self._known = forgetter.in_force()
        self._held = self._objects_that_hold_it()
        self._contract_hash = forgetter.contract.hash
        self._config = find_source_config(forgetter.contract.name)
        self._misnamed: set[str] = set()
        self._done = Forgotten()

    def run(self, start: dt.date, after: str) -> Forgotten:
        """Clean object by object; at the end what no longer lies under raw/, and the files of former contents."""
        done, first = self._done, True
        done.after = after
        for raw in self._raw_objects():
            day = parse_raw_key(raw.key).day
            if day < start or raw.key <= after:
                continue
            if not first and time.monotonic() > self._forgetter.deadline:
                done.remaining = day
            else:
                self._clean(raw, day)
            if done.remaining:
                return done
            first, done.after = False, raw.key
        self._finish()
        return done

    def _clean(self, raw: _Raw, day: dt.date) -> None:
        """Write the object again where it holds the key, load it, then delete the versions that hold the key.

        An object of a day that the source does not have is written again, and not loaded, as nothing loads it.
        """
        removed = self._rewrite(raw.current) if raw.current and self._is_due(raw.current) else 0
        changed = removed or (raw.current and not self._is_in_force(raw.current))
        if changed and self._is_to_load(raw.key, day):
            notes = {raw.key: NOTE} if removed else {}
            after, stamp = day + dt.timedelta(days=1), self._forgetter.stamp
            request = Request(day, after, "forget", stamp.request_id, self._forgetter.deadline, notes=notes)
            loaded = self._forgetter.loader.load(request)
            if loaded.remaining:
                self._done.remaining, self._done.slices = day, loaded.slices
                return
        former = raw.former
        if removed:
            former = [v for v in self._forgetter.versions_of(raw.key) if not v.current]
        doomed = former if removed else [v for v in former if self._holds(v)]
        self._done.versions += delete_versions(self._forgetter.s3, self._forgetter.bucket, doomed)
        self._done.objects += bool(removed or doomed)
        self._done.rows += removed

    def _is_to_load(self, raw_key: str, day: dt.date) -> bool:
        """Nothing loads days that the source does not have; but what was loaded of them has to leave the tables."""
        known = self._known.get(raw_key)
        has_day = self._config is None or self._config.has_day(day, dt.datetime.now(dt.UTC).date())
        return has_day or bool(known and known["status"] == LOADED)

    def _is_due(self, version: Version) -> bool:
        """Whether the object has to be read: it holds the key, or rows of which the tables know nothing."""
        entry = self._known.get(version.key)
        clean = self._is_in_force(version) and entry and entry["status"] == LOADED and not int(entry["rows_rejected"])
        # what another contract made of it says nothing of the rows that today's reads as this key
        return version.key in self._held or not clean or bool(entry and entry["contract_hash"] != self._contract_hash)

    def _is_in_force(self, version: Version) -> bool:
        return is_in_force(self._known.get(version.key), version.etag or "")

    def _rewrite(self, version: Version) -> int:
        """Put the object without the key's rows; again where somebody puts it meanwhile. The rows left out."""
        path, target = self._folder / "raw", self._folder / "clean"
        for _ in range(ATTEMPTS):
            etag = self._fetch(path, Key=version.key)
            found = self._find(path, version) if etag else []
            if not found:
                return 0
            self._rows.write_without(path, found, target)
            if self._put(version.key, target, etag):
                return len(found)
        raise RequestError(f"{version.key} is put again while it is written without the key: stop its source first")

    def _holds(self, version: Version) -> bool:
        path = self._folder / "version"
        if version.etag is None or not self._fetch(path, Key=version.key, VersionId=version.version_id):
            return False
        return bool(self._find(path, version))

    def _find(self, path: Path, version: Version) -> list[int]:
        try:
            return self._rows.find(path)
        except ObjectError:
            logger.warning("%s, version %s, could not be searched", version.key, version.version_id)
            self._done.unreadable += 1
            return []

    def _fetch(self, path: Path, **which: str) -> str | None:
        """The object's bytes on disk, and its ETag; None where it has gone."""
        s3 = self._forgetter.s3
        try:
            reply = s3.get_object(Bucket=self._forgetter.bucket, **which)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in CHANGED:
                raise
            return None
        self._refuse_if_too_large(which["Key"], int(reply["ContentLength"]))
        with path.open("wb") as file:
            for chunk in reply["Body"].iter_chunks(1 << 20):
                file.write(chunk)
        return str(reply["ETag"]).strip('"')

    def _refuse_if_too_large(self, key: str, size: int) -> None:
        """The object and what is written of it have to fit beside each other: no part of it is put alone."""
        room = disk_usage(self._folder).free // 2
        if size > room:
            raise RequestError(
                f"{key} has {size:,} bytes, and this function's disk has room for {room:,} to search and write again: "
                f"forget it as a whole (raw_key, --object), and put it again without the key"
            )

    def _put(self, key: str, path: Path, etag: str | None) -> bool:
        """Put the file in place of exactly that content; False where another lies there now."""
        s3 = self._forgetter.s3
        try:
            with path.open("rb") as body:
                s3.put_object(Bucket=self._forgetter.bucket, Key=key, Body=body, IfMatch=etag)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in CHANGED:
                raise
            return False
        return True

    def _finish(self) -> None:
        there = {raw.current.key: raw.current.etag for raw in self._raw_objects() if raw.current}
        for key in sorted(self._misnamed):
            logger.warning("%s was not searched: it has no name of a raw object", key)
        self._done.unreadable += len(self._misnamed)
        for raw_key in sorted(self._held - there.keys()):
            self._done.rows += self._take_rows(raw_key)
        named = {e["curated_key"] for key, e in self._forgetter.in_force().items() if key not in there} - {None}
        folders = tuple(name for name in named if name.endswith("/"))
        self._done.versions += self._forgetter.sweep(
            lambda file: (
                there.get(file.raw_key) != file.etag and not (file.key in named or file.key.startswith(folders))
            )
        )
        left = [] if self._done.remaining else self._objects_that_hold_it()
        if left:
            raise RequestError(
                f"the tables still hold rows of the key, of {len(left)} objects, that a former contract read so: "
                f"rebuild {self._forgetter.contract.name} first, then forget the key as today's contract reads it"
            )

    def _take_rows(self, raw_key: str) -> int:
        """The key's rows of an object that no longer lies under raw/, out of the tables; how many they were.

        Its entry counts them no more, and names no files: they are deleted, and nobody can make them again.
        """
        known, contract, counts = self._known[raw_key], self._forgetter.contract, [0]

        def take(connection: Any, entry: Entry, turn: LedgerTurn) -> bool:
            if self._forgetter.lies_there(raw_key):
                # put again meanwhile: the next call cleans it like the others
                self._done.remaining, self._done.after = entry.raw_day, ""
                return False
            gone = forget_key(connection, contract, self._rows.values)
            counts.append(gone)
            if gone:  # none is left where a former attempt committed and its reply was lost
                rows_in, accepted = int(known["rows_in"]) - gone, int(known["rows_accepted"]) - gone
                entry = replace(entry, rows_in=rows_in, rows_accepted=accepted)
                self._forgetter.append(connection, entry, turn)
            return True

        entry = Entry(raw_key, known["raw_day"], known["etag"], known["contract_hash"], LOADED, reason=NOTE)
        entry = replace(entry, rows_rejected=int(known["rows_rejected"]), rows_late=int(known["rows_late"]))
        self._forgetter.in_transaction(entry, take)
        return max(counts)

    def _raw_objects(self) -> Iterator[_Raw]:
        forgetter = self._forgetter
        listed = list_versions(forgetter.s3, forgetter.bucket, f"raw/{forgetter.contract.name}/")
        found = []
        for version in listed:
            if is_raw_key(version.key):
                found.append(version)
            elif version.etag and not version.key.endswith("/"):
                self._misnamed.add(version.key)
        found.sort(key=attrgetter("key"))
        for key, group in itertools.groupby(found, key=attrgetter("key")):
            versions = list(group)
            current = next((v for v in versions if v.current and v.etag), None)
            yield _Raw(key, current, [v for v in versions if v is not current])

    def _objects_that_hold_it(self) -> set[str]:
        """Raw keys of all rows of the key in the tables."""
        contract = self._forgetter.contract
        sql = statement("keyed_objects").format(
            history=identifier("history." + contract.name), where=key_predicate(contract)
        )
        with self._forgetter.warehouse.session(f"look {contract.name}", TIME_TO_COMMIT) as connection:
            found = query(connection, sql, [self._rows.values[name] for name in contract.key])
            rollback(connection)
        return {row["raw_key"] for row in found}
