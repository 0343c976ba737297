"""Raw objects through the engine: fetched as they were listed, split, and put under curated/ and rejected/.

Curated names carry raw stem, ETag and contract hash, so that a name always means the same rows.
"""

import logging
import math
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import BAD, LOADED, Entry
from lambdas.common.errors import ObjectError
from lambdas.common.lake import RAW_KEY_WORDS, RawObject, day_prefix, is_raw_key, parse_raw_day, parse_raw_key
from lambdas.common.remarks import join
from lambdas.common.room import is_disk_full
from lambdas.process import slices
from lambdas.process.disk import clear, give_up_alone
from lambdas.process.engine import Engine, Split
from lambdas.process.ranges import CHANGED, ChangedError
from lambdas.process.shelf import Shelf

logger = logging.getLogger(__name__)

TRANSFERS = 8
QUOTED = re.compile(r"([\"'])(.*?)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Staged:
    """An entry for the ledger, and what COPY takes in: the size in bytes of each curated file, by key."""

    entry: Entry
    files: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Staging:
    """What staging gave: the staged objects, and how many of the asked it came to (some may have changed meanwhile).

    `slices` are those of a large first object that are there, where it was not come to the end of it.
    """

    staged: list[Staged]
    taken: int
    slices: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What staging would say of an object, and its rejected file, gone with the next trial.

    `part` says how much of a large object was tried; None where all was.
    """

    entry: Entry
    rejected: Path
    part: str | None = None


class Stager:
    """Stages the raw objects of one source. Objects that changed since the listing are left for the next one."""

    def __init__(self, s3: Any, bucket: str, contract: Contract, engine: Engine, workspace: Path) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._engine = engine
        self._workspace = workspace
        self._shelf = Shelf(s3, bucket)

    def stage(self, objects: Sequence[RawObject], deadline: float = math.inf) -> Staging:
        """Fetch and put in the background, split one after the other, in the order of the objects.

        Args:
            objects: as they were listed; a large one (`is_large`) alone.
            deadline: time.monotonic() after which no further object is begun; the first one always is.

        Raises:
            ContractError: the contract does not fit the data.
            WorkspaceFull: there is no room for an object that had not the whole disk for itself.
        """
        try:
            return self._stage(objects, deadline)
        except Exception as error:
            if not is_disk_full(error):
                raise
            if len(objects) > 1:
                clear(self._workspace)
                return self.stage(objects[:1], deadline)  # which may need the room that the others took
            return Staging([Staged(self._without_room(objects[0], error))], 1)

    def _without_room(self, item: RawObject, error: Exception) -> Entry:
        found = give_up_alone(self._workspace, error)
        if not isinstance(found, ObjectError):
            raise found
        return set_aside(self._blank(item), str(found))

    def _stage(self, objects: Sequence[RawObject], deadline: float) -> Staging:
        if is_large(objects[0]):
            return self._stage_slices(objects[0], deadline)
        pool = ThreadPoolExecutor(TRANSFERS)
        fetches = [pool.submit(self._fetch, item) for item in objects]
        puts: list[Future[Staged]] = []
        taken = 0
        try:
            for item, fetch in zip(objects, fetches, strict=True):
                if taken and time.monotonic() > deadline:
                    break
                taken += 1
                if split := self._split(item, fetch.result):
                    puts.append(pool.submit(self._put, *split))
            return Staging([put.result() for put in puts], taken)
        finally:
            pool.shutdown(cancel_futures=True)
            _remove(fetches[taken:])

    def _stage_slices(self, item: RawObject, deadline: float) -> Staging:
        try:
            sliced = self._slicer().take(item, deadline)
        except ChangedError as error:
            logger.info("%s; the next listing has it", error)
            return Staging([], 1)
        except ObjectError as error:
            return Staging([Staged(set_aside(self._blank(item), str(error)))], 1)
        logger.info("%s: %d slices are there", item.key, len(sliced.slices))
        if not sliced.ready:
            return Staging([], 0, len(sliced.slices))
        files = {s.curated_key: s.size for s in sliced.slices if s.rows_accepted}
        entry = slices.sum_up(item, self._contract, sliced.slices)
        reason = _noted(item.key, slices.remarks_of(sliced.slices))
        return Staging([Staged(replace(entry, reason=reason), files)], 1)

    def _slicer(self) -> slices.Slicer:
        return slices.Slicer(self._s3, self._bucket, self._contract, self._engine, self._workspace)

    def _blank(self, item: RawObject) -> Entry:
        return Entry(item.key, parse_raw_day(item.key).day, item.etag, self._contract.hash, BAD)

    def tries(self, objects: Iterable[RawObject]) -> Iterator[Trial]:
        """What staging would say of each object, one after the other; of a large one, of its first slice.

        Nothing is put. Objects that changed since the listing are left out.

        Raises:
            ContractError, WorkspaceFull: as of `stage`.
        """
        for item in objects:
            with tempfile.TemporaryDirectory(dir=self._workspace) as folder:
                if trial := self._try(item, Path(folder)):
                    yield trial
                    trial.rejected.unlink(missing_ok=True)

    def _try(self, item: RawObject, folder: Path) -> Trial | None:
        try:
            return self._try_slice(item, folder) if is_large(item) else self._try_whole(item)
        except Exception as error:
            if not is_disk_full(error):
                raise
            return Trial(self._without_room(item, error), folder / "none.rejected")

    def _try_whole(self, item: RawObject) -> Trial | None:
        if not (split := self._split(item, partial(self._fetch, item))):
            return None
        entry, curated, rejected = split
        curated.unlink(missing_ok=True)
        return Trial(entry, rejected)

    def _try_slice(self, item: RawObject, folder: Path) -> Trial | None:
        try:
            split, rejected, planned = self._slicer().try_first(item, folder)
        except ChangedError:
            return None
        except ObjectError as error:
            return Trial(set_aside(self._blank(item), str(error)), folder / "none.rejected")
        entry = replace(_counted(self._blank(item), split), reason=_noted(item.key, split.remarks))
        if not planned:
            return Trial(entry, rejected)
        part = (
            f"{item.size:,} bytes: of its {planned[-1].end:,} rows the first {split.rows_in:,} were tried; "
            f"a load takes it in {len(planned)} slices"
        )
        return Trial(entry, rejected, part)

    def _fetch(self, item: RawObject) -> Path | None:
        """The object's bytes on disk, as the listing saw it; None where it has changed or gone since.

        None as well where its name sets it aside: nothing of it is read.
        """
        if fault_of(item.key):
            return None
        path = self._workspace / f"{parse_raw_key(item.key).day}-{item.etag}-{abs(hash(item.key))}.raw"
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=item.key, IfMatch=item.etag)
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in CHANGED:
                logger.info("%s changed since it was listed", item.key, extra={"raw_key": item.key})
                return None
            raise
        with path.open("wb") as file:
            for chunk in reply["Body"].iter_chunks(1 << 20):
                file.write(chunk)
        return path

    def _split(self, item: RawObject, fetch: Callable[[], Path | None]) -> tuple[Entry, Path, Path] | None:
        """The object's entry and files; None where it has changed or gone since it was listed."""
        if fault := fault_of(item.key):
            nothing = self._workspace / "nothing"
            return set_aside(self._blank(item), fault), nothing, nothing
        raw = fetch()
        return self._split_file(item, raw) if raw else None

    def _split_file(self, item: RawObject, raw: Path) -> tuple[Entry, Path, Path]:
        parsed = parse_raw_key(item.key)
        curated, rejected = raw.with_suffix(".curated"), raw.with_suffix(".rejected")
        name = f"{parsed.stem}_{item.etag}_{self._contract.hash}.parquet"
        try:
            split = self._engine.split(raw, item.key, parsed.day, curated=curated, rejected=rejected)
        except ObjectError as error:
            return set_aside(self._blank(item), str(error)), curated, rejected
        finally:
            raw.unlink()
        entry = replace(
            _counted(self._blank(item), split),
            curated_key=day_prefix("curated", parsed.source, parsed.day) + name if split.rows_accepted else None,
            rejected_key=day_prefix("rejected", parsed.source, parsed.day) + name if split.rows_rejected else None,
            reason=_noted(item.key, split.remarks),
        )
        return entry, curated, rejected

    def _put(self, entry: Entry, curated: Path, rejected: Path) -> Staged:
        """Put the two files; the entry with the names under which they lie."""
        curated_key, size = self._shelf.put(entry.curated_key, curated)
        rejected_key, _ = self._shelf.put(entry.rejected_key, rejected)
        files = {curated_key: size} if curated_key else {}
        return Staged(replace(entry, curated_key=curated_key, rejected_key=rejected_key), files)


def is_large(item: RawObject) -> bool:
    """Whether the object is taken in slices."""
    return item.size > slices.SLICE_BYTES and fault_of(item.key) is None


def fault_of(key: str) -> str | None:
    """Why an object is set aside for its name alone, and what to do; None for a raw key."""
    if key.endswith("/"):
        return "a folder marker, as consoles make them: it holds no rows, and no folder needs one. Delete it"
    if is_raw_key(key):
        return None
    return (
        f"its name breaks the pattern, so it is not read; expected {RAW_KEY_WORDS}, right in the day's folder. Put it "
        "again under such a name, or have scripts/data_ingest.py SOURCE --file PATH land its rows; then delete this one"
    )


def _counted(entry: Entry, split: Split) -> Entry:
    names = ("rows_in", "rows_accepted", "rows_rejected", "rows_late", "event_from", "event_to")
    return replace(entry, status=LOADED, **{name: getattr(split, name) for name in names})


def _noted(key: str, remarks: Sequence[str]) -> str | None:
    """What the ledger says of an object that loads and yet is not as its contract has it."""
    for remark in remarks:
        logger.warning("%s: %s", key, remark, extra={"raw_key": key})
    return join(remarks)


def set_aside(entry: Entry, reason: str) -> Entry:
    """The entry of an object that does not load: it says why, and counts no rows."""
    logger.warning("%s is set aside: %s", entry.raw_key, reason, extra={"raw_key": entry.raw_key})
    return Entry(entry.raw_key, entry.raw_day, entry.etag, entry.contract_hash, status=BAD, reason=reason)


def conceal(text: str, contract: Contract) -> str:
    """What the warehouse said, without the values that it quotes: the ledger keeps reasons for ever.

    Nothing that is forgotten later, and nothing of a restricted column, may stand there. Names of columns stay.
    """
    names = {column.name for column in contract.columns}
    return QUOTED.sub(lambda found: found[0] if found[2] in names else f"{found[1]}...{found[1]}", text)


def _remove(fetches: Sequence["Future[Path | None]"]) -> None:
    """The files of objects that were fetched and not come to."""
    for fetch in fetches:
        if not fetch.cancelled() and not fetch.exception() and (path := fetch.result()):
            path.unlink(missing_ok=True)
