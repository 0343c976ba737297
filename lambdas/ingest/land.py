"""Landing: the spool's rows as raw objects, one a UTC day (more where a day is large), written only where they differ.

The same rows give the same bytes, so that the MD5 of an object tells whether it lies in the lake already.
"""

import datetime as dt
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.errors import RequestError
from lambdas.common.lake import RawObject, days_between, list_objects, list_raw, parse_raw_key, raw_key, window_stamp
from lambdas.ingest.days import Day, date_rows
from lambdas.ingest.objects import Encoded, encode_days, encode_empty
from lambdas.ingest.request import Window
from lambdas.ingest.spool import Rows, Spool

logger = logging.getLogger(__name__)

PUTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Lake:
    """Where objects go. `client` is boto3's for S3."""

    client: Any
    bucket: str


@dataclass(frozen=True, slots=True)
class Landed:
    """What a landing did. `rows` and `bytes` are those of all objects of the range, put or unchanged.

    `outside`: rows of another day than was asked for. They were left out: the window of their own day brings them,
    and a part of a day must not overwrite the whole of it.
    """

    rows: int = 0
    put: int = 0
    unchanged: int = 0
    emptied: int = 0
    bytes: int = 0
    outside: int = 0

    def __add__(self, other: "Landed") -> "Landed":
        return Landed(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def land(spool: Spool, rows: Rows, contract: Contract, lake: Lake, *, window: Window | None, home: dt.date) -> Landed:
    """Bring the raw objects of the window to what the rows say.

    Args:
        spool: where the rows are, and where the objects are made.
        rows: what one pass extracted.
        contract: the source's contract.
        lake: the bucket.
        window: UTC days, end excluded; None for all days that the rows have.
        home: the day of the rows whose day cannot be read.

    Every object is made before the first is put. Objects of the window that no rows are left for become 0-row ones.
    """
    dated = date_rows(spool, rows, contract, home)
    days = dated.days()
    inside = [found for found in days if window is None or window.start <= found.day < window.end]
    wanted: dict[str, Encoded] = {}
    for day, part, encoded in encode_days(dated, inside, contract, window):
        wanted[_key(contract.name, day, part)] = encoded
    empty = encode_empty(spool.folder, contract)
    for day in _reach(inside, window, home):
        wanted.setdefault(_key(contract.name, day, 0), empty)
    present = _present(lake, contract.name, window)
    wanted |= {key: empty for key in present if key not in wanted}
    landed = _put_changed(lake, wanted, present)
    return replace(landed, outside=sum(found.count for found in days) - landed.rows)


def _reach(days: list[Day], window: Window | None, home: dt.date) -> Iterator[dt.date]:
    """The days that must have an object, empty ones too.

    A source read whole shows its days from the first one on; a row far ahead of today proves nothing for the days
    before it.
    """
    if window is not None:
        return days_between(window.start, window.end)
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    last = max((day.day for day in days if day.day <= tomorrow), default=home)
    return days_between(home, last + dt.timedelta(days=1))


def _key(source: str, day: dt.date, part: int) -> str:
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return raw_key(source, day, window_stamp(midnight, part))


def _present(lake: Lake, source: str, window: Window | None) -> dict[str, RawObject]:
    """What lies in the window by key, as far as landing wrote it: files that others dropped are theirs."""
    if window is None:
        found: Any = list_objects(lake.client, lake.bucket, f"raw/{source}/")
    else:
        found = list_raw(lake.client, lake.bucket, source, window.start, window.end)
    return {item.key: item for item in found if _is_own(item.key)}


def _is_own(key: str) -> bool:
    try:
        raw = parse_raw_key(key)
    except RequestError:
        return False
    return re.fullmatch(rf"data_{raw.day:%Y%m%d}T000000\d{{6}}Z", raw.stem) is not None


def _put_changed(lake: Lake, wanted: dict[str, Encoded], present: dict[str, RawObject]) -> Landed:
    changed = {key: item for key, item in wanted.items() if key not in present or present[key].etag != item.md5}
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        for key, _ in zip(changed, pool.map(lambda key: _put(lake, key, changed[key]), changed), strict=True):
            logger.debug("put %s", key)
    emptied = sum(1 for key, item in changed.items() if key in present and not item.rows)
    return Landed(
        rows=sum(item.rows for item in wanted.values()),
        put=len(changed) - emptied,
        unchanged=len(wanted) - len(changed),
        emptied=emptied,
        bytes=sum(item.size for item in wanted.values()),
    )


def _put(lake: Lake, key: str, item: Encoded) -> None:
    with item.path.open("rb") as body:
        lake.client.put_object(Bucket=lake.bucket, Key=key, Body=body, ContentType="application/vnd.apache.parquet")
