"""Landing: the spool's rows as raw objects, one a UTC day (more where a day is large), written only where they differ.

The same rows give the same bytes, so that the MD5 of an object tells whether it lies in the lake already.
"""

import datetime as dt
import logging
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.errors import RequestError, SourceError
from lambdas.common.lake import RawObject, days_between, list_objects, list_raw, parse_raw_key, raw_key, window_stamp
from lambdas.ingest.days import date_rows
from lambdas.ingest.footers import count_rows
from lambdas.ingest.held import held_key, release
from lambdas.ingest.objects import Encoded, encode_days, encode_empty
from lambdas.ingest.request import Window
from lambdas.ingest.slices import PARTS
from lambdas.ingest.spool import Rows, Spool

logger = logging.getLogger(__name__)

PUTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Lake:
    """Where objects go. `client` is boto3's for S3. With `dry_run` none goes; all is counted as if.

    `filled` are the days for which a dry run's former slices would have put something: they lie nowhere.
    """

    client: Any
    bucket: str
    dry_run: bool = False
    filled: set[dt.date] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Landed:
    """What a landing did. `rows` and `bytes` are those of all objects of the range, put or unchanged.

    `outside`: rows of another day than was asked for. They were left out: the window of their own day brings them,
    and a part of a day must not overwrite the whole of it.
    `unloaded`: rows of days that the source does not have by its defs.yaml: they land, and no load takes them.
    `released`: objects of former slices that were held back until now. `left`: objects for which there was no time.
    `changes`: of a dry run, the key and the rows of each object that would be put or emptied.
    """

    rows: int = 0
    put: int = 0
    unchanged: int = 0
    emptied: int = 0
    bytes: int = 0
    outside: int = 0
    unloaded: int = 0
    released: int = 0
    left: int = 0
    changes: tuple[tuple[str, int], ...] = field(default=(), repr=False)

    def __add__(self, other: "Landed") -> "Landed":
        return Landed(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Naming:
    """Which keys a landing writes: those of a source's windows, or with `digest` those of one file.

    `window` None: all days that the rows have. `home` is the day of the rows whose day cannot be read. `part` is the
    slice of a source that is read whole, `last` whether no other follows: each has part numbers of its own, and the
    last one takes care of those that no slice has any more. `run` names the reading that has several slices.
    `may_be_empty`: no rows at all are an answer, and empty every object. `end` is the source's last day, if it has one.
    `resumed`: a call before has landed a part of this slice.
    """

    source: str
    window: Window | None
    home: dt.date
    digest: str | None = None
    part: int = 0
    last: bool = True
    run: str | None = None
    may_be_empty: bool = True
    end: dt.date | None = None
    resumed: bool = False

    def target(self, key: str) -> str:
        """Where what is to lie under that key is put: held back while slices follow."""
        return key if self.last or self.run is None else held_key(self.run, key)

    def key(self, day: dt.date, part: int, number: int | None = None) -> str:
        """The key of a day's part, in this slice or in the one of that number."""
        digits = (self.part if number is None else number) * PARTS + part
        if self.digest:
            return raw_key(self.source, day, f"file_{self.digest}_{digits:06d}")
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        return raw_key(self.source, day, window_stamp(midnight, digits))

    def number(self, key: str) -> int | None:
        """The slice that a key is of; None where no landing of this naming may have written it."""
        try:
            raw = parse_raw_key(key)
        except RequestError:
            return None
        stem = f"data_file_{self.digest}_" if self.digest else f"data_{raw.day:%Y%m%d}T000000"
        match = re.fullmatch(rf"{stem}(\d{{6}}){'' if self.digest else 'Z'}", raw.stem)
        return int(match[1]) // PARTS if match else None

    def decides(self, key: str) -> bool:
        """Whether that key is this landing's to empty: of this slice, or of one that is no more."""
        number = self.number(key)
        return number is not None and (number == self.part or (self.last and number > self.part))

    def bare_days(self, days: Iterable[dt.date], present: Iterable[str]) -> list[dt.date]:
        """The days that must have an object though no row is theirs; `days` are those of rows.

        A source read whole shows its days from the first one on; a row far ahead of today proves nothing for the
        days before it. A slice knows by the objects that lie there which days the slices before it have filled.
        """
        if self.digest or not self.last:
            return []
        filled = {*days, *(parse_raw_key(key).day for key in present if (self.number(key) or 0) < self.part)}
        if self.window is not None:
            return [day for day in days_between(self.window.start, self.window.end) if day not in filled]
        tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        last = max((day for day in filled if day <= tomorrow), default=self.home)
        return [day for day in days_between(self.home, last + dt.timedelta(days=1)) if day not in filled]


def land(
    spool: Spool, rows: Rows, contract: Contract, lake: Lake, naming: Naming, deadline: float = float("inf")
) -> Landed:
    """Bring the raw objects of a window, a slice or a file to what the rows say.

    Args:
        spool: where the rows are, and where the objects are made.
        rows: what one pass extracted.
        contract: the source's contract.
        lake: the bucket.
        naming: which objects these are.
        deadline: value of time.monotonic() after which no object is put but the first; `left` says how many were not.

    Every object is made before the first is put; those of a slice are held back until the last one is made
    (`lambdas.ingest.held`). Objects of the window that no rows are left for become 0-row ones;
    those of days that a single file has no rows for are not touched.

    Raises:
        SourceError: there are no rows although the naming says that there must be, and some lie in the lake.
    """
    dated = date_rows(spool, rows, contract, naming.home)
    window = naming.window
    days = dated.days()
    inside = [found for found in days if window is None or window.start <= found.day < window.end]
    wanted: dict[str, Encoded] = {}
    for day, part, encoded in encode_days(dated, inside, contract):
        wanted[naming.key(day, part)] = encoded
    empty = encode_empty(spool.folder, contract)
    if naming.run and naming.last and not lake.dry_run:
        released, held = release(lake.client, lake.bucket, naming.run, deadline)
        if held:
            return Landed(released=released, left=held)
    present = _present(lake, naming)
    if not rows.count and not naming.may_be_empty and naming.part == 0:
        _refuse_to_empty(lake, naming.source, [item for item in present.values() if item.etag != empty.md5])
    days_with_rows = {found.day for found in inside}
    for day in naming.bare_days(days_with_rows | lake.filled, present):
        wanted[naming.key(day, 0, number=0)] = empty
    wanted |= {key: empty for key in present if key not in wanted and naming.decides(key)}
    if lake.dry_run and not naming.last:
        lake.filled.update(days_with_rows)
    landed = _put_changed(lake, naming, wanted, present, deadline)
    if landed.left:
        return landed
    unloaded = sum(found.count for found in inside if not naming.home <= found.day <= (naming.end or found.day))
    outside = sum(found.count for found in days if not _is_asked(found.day, rows, window))
    return replace(landed, outside=outside, unloaded=unloaded)


def _refuse_to_empty(lake: Lake, source: str, objects: Iterable[RawObject]) -> None:
    """Raise SourceError where one of the objects has rows: a source that lost all of them is more often a mistake."""
    if any(count_rows(lake.client, lake.bucket, item) != 0 for item in objects):
        raise SourceError(
            f"{source}: the source has no row, and raw/{source}/ has some: nothing was landed. Is the place right, and "
            "is it complete? Where all rows are to leave the warehouse, say extract.may_be_empty: true in defs.yaml"
        )


def _is_asked(day: dt.date, rows: Rows, window: Window | None) -> bool:
    """Whether rows of that day had to come: those of the window, and those read on both sides of it.

    A day more by the column's own clock reaches into a second one by UTC.
    """
    if window is None:
        return True
    margin = dt.timedelta(days=2 * rows.asked.margin if rows.asked else 0)
    return window.start - margin <= day < window.end + margin


def _present(lake: Lake, naming: Naming) -> dict[str, RawObject]:
    """What lies in the window by key, as far as ingest writes it: files that others dropped are theirs."""
    window = naming.window
    if window is None:
        found: Any = list_objects(lake.client, lake.bucket, f"raw/{naming.source}/")
    else:
        found = list_raw(lake.client, lake.bucket, naming.source, window.start, window.end)
    folder = held_key(naming.run or "", "")
    held = list_objects(lake.client, lake.bucket, folder) if naming.resumed and naming.run and not naming.last else ()
    lying = [*found, *(replace(item, key=item.key.removeprefix(folder)) for item in held)]
    return {item.key: item for item in lying if naming.number(item.key) is not None}


def _put_changed(
    lake: Lake, naming: Naming, wanted: dict[str, Encoded], present: dict[str, RawObject], deadline: float
) -> Landed:
    changed = {key: item for key, item in wanted.items() if key not in present or present[key].etag != item.md5}
    done = [*changed] if lake.dry_run else _put_in_time(lake, naming, changed, deadline)
    emptied = sum(1 for key in done if key in present and not changed[key].rows)
    if len(done) < len(changed):
        # the call that puts the last one counts what all of them hold
        return Landed(put=len(done) - emptied, emptied=emptied, left=len(changed) - len(done))
    return Landed(
        rows=sum(item.rows for item in wanted.values()),
        put=len(changed) - emptied,
        unchanged=len(wanted) - len(changed),
        emptied=emptied,
        bytes=sum(item.size for item in wanted.values()),
        changes=tuple((key, item.rows) for key, item in changed.items()) if lake.dry_run else (),
    )


def _put_in_time(lake: Lake, naming: Naming, changed: dict[str, Encoded], deadline: float) -> list[str]:
    """Put the objects for which there is time, the first in any case; their keys."""
    first = next(iter(changed), None)

    def put(key: str) -> bool:
        if time.monotonic() > deadline and key != first:
            return False
        _put(lake, naming.target(key), changed[key])
        logger.debug("put %s", naming.target(key))
        return True

    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        return [key for key, done in zip(changed, pool.map(put, changed), strict=True) if done]


def _put(lake: Lake, key: str, item: Encoded) -> None:
    with item.path.open("rb") as body:
        lake.client.put_object(Bucket=lake.bucket, Key=key, Body=body, ContentType="application/vnd.apache.parquet")
