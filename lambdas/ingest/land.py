"""Landing: the spool's rows as raw objects, one a UTC day (more where a day is large), written only where they differ.

The same rows give the same bytes, so that the MD5 of an object tells whether it lies in the lake already.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from lambdas.common.contract import Contract
from lambdas.common.errors import SourceError
from lambdas.common.lake import RawObject
from lambdas.ingest.days import Dated
from lambdas.ingest.footers import count_rows
from lambdas.ingest.held import clear, list_held, release
from lambdas.ingest.naming import Lake, Naming
from lambdas.ingest.objects import Encoded, encode_days, encode_empty
from lambdas.ingest.request import Window
from lambdas.ingest.seen import Seen, etags, look, require_own, write_over
from lambdas.ingest.spool import Rows

logger = logging.getLogger(__name__)

PUTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Landed:
    """What a landing did. `rows` and `bytes` are those of all objects of the range, put or unchanged.

    `outside`: rows of another day than was asked for. They were left out: the window of their own day brings them,
    and a part of a day must not overwrite the whole of it.
    `unloaded`: rows of days that the source does not have by its defs.yaml: they land, and no load takes them.
    `early`: rows of days to come, UTC, which no load takes before their day has begun.
    `released`: objects of former slices that were held back until now. `left`: objects for which there was no time.
    `changes`: of a dry run, the key and the rows of each object that would be put or emptied. `new` and `lost`: of a
    dry run, the columns that the contract names nowhere, and those that it reads in vain.
    """

    rows: int = 0
    put: int = 0
    unchanged: int = 0
    emptied: int = 0
    bytes: int = 0
    outside: int = 0
    unloaded: int = 0
    early: int = 0
    released: int = 0
    left: int = 0
    changes: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    new: tuple[str, ...] = field(default=(), repr=False)
    lost: tuple[str, ...] = field(default=(), repr=False)

    def __add__(self, other: "Landed") -> "Landed":
        return Landed(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def land(
    dated: Dated, contract: Contract, lake: Lake, naming: Naming, seen: Seen, deadline: float = float("inf")
) -> Landed:
    """Bring the raw objects of a window, a slice or a file to what the rows say.

    Args:
        dated: what one pass extracted, by day.
        contract: the source's contract.
        lake: the bucket.
        naming: which objects these are.
        seen: what lay there when the reading began.
        deadline: value of time.monotonic() after which no object is put but the first; `left` says how many were not.

    Every object is made before the first is put; those of a slice are held back until the last one is made
    (`lambdas.ingest.held`). Objects of the window that no rows are left for become 0-row ones;
    those of days that a single file has no rows for are not touched.

    Raises:
        SourceError: there are no rows although the naming says that there must be, and some lie in the lake.
        Overtaken: another ingest has landed the same days since what was seen.
    """
    rows, days = dated.rows, dated.days()
    inside = [found for found in days if naming.window is None or naming.window.start <= found.day < naming.window.end]
    wanted = {naming.key(day, part): encoded for day, part, encoded in encode_days(dated, inside, contract)}
    empty = encode_empty(dated.spool.folder, contract)
    held = list_held(lake, naming.run) if naming.run and not lake.dry_run else {}
    present = seen | held
    if not rows.count and not naming.may_be_empty and naming.part == 0:
        _refuse_to_empty(lake, naming.source, [item for item in seen.values() if item.etag != empty.md5])
    days_with_rows = {found.day for found in inside}
    for day in naming.bare_days(days_with_rows | lake.filled, present):
        wanted[naming.key(day, 0, number=0)] = empty
    wanted |= {key: empty for key in present if key not in wanted and naming.decides(key)}
    if lake.dry_run and not naming.last:
        lake.filled.update(days_with_rows)
    landed = _bring(lake, naming, wanted, seen, held, deadline)
    if landed.left:
        return landed
    unloaded = sum(found.count for found in inside if not naming.home <= found.day <= (naming.end or found.day))
    today = dt.datetime.now(dt.UTC).date()
    early = sum(found.count for found in inside if found.day > today)
    outside = sum(found.count for found in days if not _is_asked(found.day, rows, naming.window))
    return replace(landed, outside=outside, unloaded=unloaded, early=early)


def _bring(lake: Lake, naming: Naming, wanted: dict[str, Encoded], seen: Seen, held: Seen, deadline: float) -> Landed:
    """Put what differs: a slice beside what is held back, the last one after all that is held back was released."""
    if lake.dry_run or not naming.last:
        return _put_changed(lake, naming, wanted, seen | held, deadline)[0]
    lying, run = seen, naming.run
    released: dict[str, str] = {}
    if run:
        lying = look(lake, naming)
        require_own(naming, lying, etags(seen), etags(held), {key: item.md5 for key, item in wanted.items()})
        released, left = release(lake, naming, held, lying, deadline)
        if left:
            return Landed(released=len(released), left=left)
    landed, put = _put_changed(lake, naming, wanted, lying, deadline)
    if landed.left:
        return landed
    if run or put:
        require_own(naming, look(lake, naming), etags(lying) | released | put)
    if run:
        clear(lake, run)
    return landed


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


def _put_changed(
    lake: Lake, naming: Naming, wanted: dict[str, Encoded], lying: Seen, deadline: float
) -> tuple[Landed, dict[str, str]]:
    """What landed, and the ETags of what was put."""
    changed = {key: item for key, item in wanted.items() if key not in lying or lying[key].etag != item.md5}
    done = dict.fromkeys(changed, "") if lake.dry_run else _put_in_time(lake, naming, changed, lying, deadline)
    emptied = sum(1 for key in done if key in lying and not changed[key].rows)
    if len(done) < len(changed):
        # the call that puts the last one counts what all of them hold
        return Landed(put=len(done) - emptied, emptied=emptied, left=len(changed) - len(done)), done
    landed = Landed(
        rows=sum(item.rows for item in wanted.values()),
        put=len(changed) - emptied,
        unchanged=len(wanted) - len(changed),
        emptied=emptied,
        bytes=sum(item.size for item in wanted.values()),
        changes=tuple((key, item.rows) for key, item in changed.items()) if lake.dry_run else (),
    )
    return landed, done


def _put_in_time(
    lake: Lake, naming: Naming, changed: dict[str, Encoded], lying: Seen, deadline: float
) -> dict[str, str]:
    """Put the objects for which there is time, the first in any case; their ETags by key."""
    first = next(iter(changed), None)

    def put(key: str) -> str | None:
        if time.monotonic() > deadline and key != first:
            return None
        return _put(lake, naming, key, changed[key], lying.get(key))

    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        return {key: etag for key, etag in zip(changed, pool.map(put, changed), strict=True) if etag}


def _put(lake: Lake, naming: Naming, key: str, item: Encoded, lying: RawObject | None) -> str:
    """Put the object, in the place of what lies there where that is not held back; its ETag."""
    target = naming.target(key)
    given = {"Bucket": lake.bucket, "ContentType": "application/vnd.apache.parquet"}
    with item.path.open("rb") as body:
        if target == key:
            reply = write_over(lake.client.put_object, naming, key, lying, Body=body, **given)
        else:
            reply = lake.client.put_object(Key=target, Body=body, **given)
    logger.debug("put %s", target)
    return str(reply["ETag"]).strip('"')
