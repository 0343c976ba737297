"""A raw object that is too large for one file on a function's disk, or for one call: in slices of whole row groups.

A slice's files lie in folders that are named like the files of a small object. Its curated file is put last and carries
the counts, so that the next call goes on behind it. The tables see nothing before the last slice is there: the object
is loaded in one transaction, like any other.
"""

import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import disk_usage
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import LOADED, Entry
from lambdas.common.errors import ObjectError
from lambdas.common.lake import RawObject, day_prefix, list_objects, parse_raw_key
from lambdas.common.remarks import text_of
from lambdas.process.engine import Engine, Part, Split
from lambdas.process.former import Former
from lambdas.process.ranges import Range, Ranges, plan_ranges, refuse_if_too_wide
from lambdas.process.rows import refuse_schema
from lambdas.process.shelf import Shelf

# Raw bytes of a slice; one row group at least. Objects up to this size are taken whole.
SLICE_BYTES = 256 << 20
# What COPY takes in at least: whether what is left of a call is enough for the transaction.
COPY_BYTES_A_SECOND = 40 << 20
# Curated bytes of an object: what one COPY takes in within a call, with time for the transaction. No part of it can be
# copied in a call before: the tables see an object at once, and a temp table goes with the call's session.
MOST_BYTES = 200 * COPY_BYTES_A_SECOND
DETAILS = "slice"
# S3 keeps 2 KB of metadata with an object; the rest of a slice's takes some 600 bytes.
REMARKS_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Slice:
    """What became of the rows [first, end) of an object. Counts and remarks are those of its Split."""

    first: int
    end: int
    rows_accepted: int
    rows_late: int
    event_from: str | None
    event_to: str | None
    remarks: tuple[str, ...]
    curated_key: str
    size: int
    rejected_key: str | None

    @property
    def rows_rejected(self) -> int:
        """Rows of it that are not in the curated file."""
        return self.end - self.first - self.rows_accepted


@dataclass(frozen=True, slots=True)
class Sliced:
    """The slices of an object that are there, and whether these are all and the call has time to load them."""

    slices: tuple[Slice, ...]
    ready: bool


class Slicer:
    """Takes one large object after the other, slice by slice."""

    def __init__(self, s3: Any, bucket: str, contract: Contract, engine: Engine, workspace: Path) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._engine = engine
        self._workspace = workspace
        self._shelf = Shelf(s3, bucket)

    def take(self, item: RawObject, deadline: float) -> Sliced:
        """Bring slices of the object into the lake until all are there or time is up; one at least.

        Args:
            item: as it was listed.
            deadline: time.monotonic() after which no further slice is begun.

        Raises:
            ChangedError: it is not there as it was listed.
            ObjectError: it is no readable Parquet, or the contract refuses it.
        """
        with tempfile.TemporaryDirectory(dir=self._workspace) as folder:
            return self._take(item, Ranges(self._s3, self._bucket, item, Path(folder) / "large.raw"), deadline)

    def try_first(self, item: RawObject, folder: Path) -> tuple[Split, Path, list[Range]]:
        """What the object's first slice would be, nothing put: its split, its rejected file, and what all slices hold.

        Args:
            item: as it was listed.
            folder: where the files go; its caller takes it away.

        Raises:
            ChangedError, ObjectError: as `take`.
        """
        raw = Ranges(self._s3, self._bucket, item, folder / "large.raw")
        planned = self._plan(raw)
        if not planned:
            return Split(0, 0, 0, 0, None, None), folder / "none.rejected", []
        split, _, rejected = self._split(item, raw, planned[0], Part(rows=planned[-1].end))
        return split, rejected, planned

    def _plan(self, raw: Ranges) -> list[Range]:
        disk = disk_usage(self._workspace).total
        planned = plan_ranges(raw.read_footer(), SLICE_BYTES, disk)
        refuse_if_too_wide(planned, disk)
        refuse_schema(raw.path)
        return planned

    def _take(self, item: RawObject, raw: Ranges, deadline: float) -> Sliced:
        planned = self._plan(raw)
        done = self._find_done(item, planned)
        former = Former(self._s3, self._bucket, self._contract, raw.path.parent)
        found = len(done)
        _refuse_if_too_large(done, planned)
        for place in planned[found:]:
            if len(done) > found and time.monotonic() > deadline:
                return Sliced(tuple(done), ready=False)
            for before in done[len(former.files) :]:
                former.fetch(before.curated_key, before.size, before.end)
            part = Part(place.first, planned[-1].end, sum(s.rows_rejected for s in done), former.files)
            done.append(self._take_one(item, raw, place, part))
            _refuse_if_too_large(done, planned)
        seconds = sum(s.size for s in done) / COPY_BYTES_A_SECOND
        return Sliced(tuple(done), ready=len(done) == found or time.monotonic() + seconds < deadline)

    def _take_one(self, item: RawObject, raw: Ranges, place: Range, part: Part) -> Slice:
        return self._put(item, place, *self._split(item, raw, place, part))

    def _split(self, item: RawObject, raw: Ranges, place: Range, part: Part) -> tuple[Split, Path, Path]:
        name = name_of(place)
        rows, day = raw.path.with_name(f"{name}.rows"), parse_raw_key(item.key).day
        curated, rejected = rows.with_suffix(".curated"), rows.with_suffix(".rejected")
        raw.read(place)
        self._engine.cut(raw.path, place.first, place.end, rows)
        raw.forget()
        split = self._engine.split(rows, item.key, day, curated=curated, rejected=rejected, part=part)
        rows.unlink()
        return split, curated, rejected

    def _put(self, item: RawObject, place: Range, split: Split, curated: Path, rejected: Path) -> Slice:
        file = f"{name_of(place)}.parquet"
        rejected_key = folder("rejected", item, self._contract) + file if split.rows_rejected else None
        rejected_key, _ = self._shelf.put(rejected_key, rejected)
        remarks = _fitting(split.remarks)
        days = [value.isoformat() if value else None for value in (split.event_from, split.event_to)]
        counts = (place.first, place.end, split.rows_accepted, split.rows_late, days[0], days[1], remarks)
        done = Slice(*counts, curated_key="", size=0, rejected_key=rejected_key)
        key = folder("curated", item, self._contract) + file
        curated_key, size = self._shelf.put(key, curated, {DETAILS: json.dumps(asdict(done))})
        return replace(done, curated_key=str(curated_key), size=size)

    def _find_done(self, item: RawObject, planned: Sequence[Range]) -> list[Slice]:
        """The slices that lie in the lake, up to the first that does not."""
        # a release with another SLICE_BYTES leaves slices that begin at the same row and end elsewhere
        there = {(found.first, found.end): found for found in self._read_done(item)}
        done: list[Slice] = []
        for place in planned:
            found = there.get((place.first, place.end))
            if found is None:
                break
            done.append(found)
        return done

    def _read_done(self, item: RawObject) -> Iterator[Slice]:
        for file in list_objects(self._s3, self._bucket, folder("curated", item, self._contract)):
            head = self._s3.head_object(Bucket=self._bucket, Key=file.key)
            details = json.loads(head["Metadata"][DETAILS])
            details |= {"curated_key": file.key, "size": file.size, "remarks": tuple(details["remarks"])}
            yield Slice(**details)


def _refuse_if_too_large(done: Sequence[Slice], planned: Sequence[Range]) -> None:
    size = sum(found.size for found in done)
    if size > MOST_BYTES:
        raise ObjectError(
            f"the first {done[-1].end:,} of {planned[-1].end:,} rows take {size:,} bytes in curated files; an object "
            f"may take {MOST_BYTES:,}: one COPY takes it in, within a call. Put its rows into several objects"
        )


def name_of(part: Range | Slice) -> str:
    """What the files of these rows are called: by the row that is the first and the one behind the last."""
    return f"{part.first:012}-{part.end:012}"


def folder(zone: str, item: RawObject, contract: Contract) -> str:
    """Where the slices of that content lie in the zone, with a trailing slash."""
    parsed = parse_raw_key(item.key)
    return f"{day_prefix(zone, parsed.source, parsed.day)}{parsed.stem}_{item.etag}_{contract.hash}/"


def sum_up(item: RawObject, contract: Contract, slices: Sequence[Slice]) -> Entry:
    """The ledger's entry of the object. Its curated and rejected keys are the folders of the slices."""
    accepted = sum(s.rows_accepted for s in slices)
    rejected = sum(s.rows_rejected for s in slices)
    return Entry(
        item.key,
        parse_raw_key(item.key).day,
        item.etag,
        contract.hash,
        LOADED,
        rows_in=slices[-1].end if slices else 0,
        rows_accepted=accepted,
        rows_rejected=rejected,
        rows_late=sum(s.rows_late for s in slices),
        event_from=min((dt.datetime.fromisoformat(s.event_from) for s in slices if s.event_from), default=None),
        event_to=max((dt.datetime.fromisoformat(s.event_to) for s in slices if s.event_to), default=None),
        curated_key=folder("curated", item, contract) if accepted else None,
        rejected_key=folder("rejected", item, contract) if rejected else None,
    )


def remarks_of(slices: Sequence[Slice]) -> tuple[str, ...]:
    """What was found in any of them, each remark once."""
    return tuple(dict.fromkeys(text for found in slices for text in found.remarks))


def _fitting(remarks: Sequence[str]) -> tuple[str, ...]:
    """The remarks, cut so that they fit into metadata, where each letter outside ASCII takes six bytes or more."""
    kept: list[str] = []
    for remark in remarks:
        text = text_of(remark)
        kind = remark.removesuffix(text)
        while text and len(json.dumps([*kept, kind + text])) > REMARKS_BYTES:
            text = text[: len(text) * 3 // 4]
        if text:
            kept.append(kind + text)
    return tuple(kept)
