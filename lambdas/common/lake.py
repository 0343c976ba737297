"""The lake: where objects lie in S3, and what lies there now.

raw/<source>/YYYY/MM/DD/data_<TIMESTAMP>.parquet, and under curated/ and rejected/ the same day folders.
What ingest holds back lies under landing/, uploads under samples/.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lambdas.common.errors import RequestError

# No NUL: the ledger could not hold such a key.
IN_A_DAY = re.compile(r"raw/(?P<source>[a-z][a-z0-9_]{0,40})/(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/[^\0]*")
NAME = re.compile(r"(?P<stem>data_[A-Za-z0-9_.\-+:]{1,128})\.parquet")

RAW_KEY_WORDS = "raw/<source>/YYYY/MM/DD/data_<name>.parquet, the name of letters, digits and _ . - + :"
DAYS_AS_A_MONTH = 3
LISTINGS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, order=True)
class RawDay:
    """A source, and the UTC day in whose folder a key lies, whatever its name."""

    source: str
    day: dt.date


@dataclass(frozen=True, slots=True, order=True)
class RawKey:
    """What a raw key says: the source, the UTC day of its partition, and the file's name without `.parquet`."""

    source: str
    day: dt.date
    stem: str


@dataclass(frozen=True, slots=True, order=True)
class RawObject:
    """One object as S3 lists it. `etag` is without quotes; `last_modified` is aware."""

    key: str
    etag: str
    size: int
    last_modified: dt.datetime


def day_prefix(zone: str, source: str, day: dt.date) -> str:
    """The folder of a source's day in a zone (raw, curated, rejected), with its trailing slash."""
    return f"{zone}/{source}/{_path(day)}/"


def _path(day: dt.date) -> str:
    """YYYY/MM/DD; strftime would leave zeros out before the year 1000."""
    return day.isoformat().replace("-", "/")


def raw_key(source: str, day: dt.date, stamp: str) -> str:
    """The raw key of a window: `stamp` as `window_stamp` makes it."""
    return f"{day_prefix('raw', source, day)}data_{stamp}.parquet"


def window_stamp(start: dt.datetime, part: int = 0) -> str:
    """TIMESTAMP of the window that starts then (aware or UTC); parts of a window differ in the last digits.

    Raises:
        ValueError: more parts than the six digits hold.
    """
    if not 0 <= part < 1_000_000:
        raise ValueError(f"part {part} does not fit six digits")
    return f"{start:%Y%m%dT%H%M%S}{part:06d}Z"


def parse_raw_key(key: str) -> RawKey:
    """What that raw key says.

    Raises:
        RequestError: the key breaks the pattern or its day is not in the calendar.
    """
    lies, name = parse_raw_day(key), NAME.fullmatch(key.split("/", 5)[5])
    if not name:
        raise RequestError(f"{key!r} is no raw key; expected {RAW_KEY_WORDS}")
    return RawKey(lies.source, lies.day, name["stem"])


def parse_raw_day(key: str) -> RawDay:
    """Where that key lies, also one whose name breaks the pattern.

    Raises:
        RequestError: it lies in no day's folder of a source, or its day is not in the calendar.
    """
    match = IN_A_DAY.fullmatch(key)
    if not match:
        raise RequestError(f"{key!r} is no raw key, and lies in no day; expected {RAW_KEY_WORDS}")
    try:
        day = dt.datetime.strptime(match["day"], "%Y/%m/%d").date()  # noqa: DTZ007 - a UTC day has no zone
    except ValueError as error:
        raise RequestError(f"{key!r}: {match['day']} is no day of the calendar") from error
    return RawDay(match["source"], day)


def days_between(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    """The days from start to end, end excluded."""
    for offset in range((end - start).days):
        yield start + dt.timedelta(days=offset)


def contiguous(days: Iterable[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """The days as half-open ranges without gaps, in order."""
    ranges: list[tuple[dt.date, dt.date]] = []
    for day in sorted(days):
        after = day + dt.timedelta(days=1)
        if ranges and ranges[-1][1] == day:
            ranges[-1] = (ranges[-1][0], after)
        else:
            ranges.append((day, after))
    return ranges


def range_texts(ranges: Iterable[tuple[dt.date, dt.date]]) -> list[str]:
    """Half-open ranges of days as answers and metadata say them: first/last, both included."""
    return [f"{start}/{end - dt.timedelta(days=1)}" for start, end in ranges]


def parse_range(text: str) -> tuple[dt.date, dt.date]:
    """The half-open range that first/last says."""
    first, last = map(dt.date.fromisoformat, text.split("/"))
    return first, last + dt.timedelta(days=1)


def hull(days: Iterable[dt.date | str]) -> list[str]:
    """From the first to the last of days, dates or YYYY-MM-DD, as [first/last]; nothing where there are none."""
    found = sorted(map(str, days))
    return [f"{found[0]}/{found[-1]}"] if found else []


def list_objects(s3: Any, bucket: str, prefix: str) -> Iterator[RawObject]:
    """The objects under a prefix, by key."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            yield RawObject(item["Key"], item["ETag"].strip('"'), item["Size"], item["LastModified"])


def list_raw(s3: Any, bucket: str, source: str, start: dt.date, end: dt.date) -> list[RawObject]:
    """The objects of a source's days [start, end), by key, those too whose names break the pattern.

    Long ranges are read with few calls: whole years and months are listed, not day by day.
    """
    found: list[RawObject] = []
    for prefix in _covering_prefixes(f"raw/{source}/", start, end):
        found.extend(item for item in list_objects(s3, bucket, prefix) if _in_range(item.key, start, end))
    return sorted(found)


def list_undated(s3: Any, bucket: str, source: str, most: int) -> list[str]:
    """The keys under raw/<source>/ that lie in no day, among the first `most` keys."""
    return [item.key for item in islice(list_objects(s3, bucket, f"raw/{source}/"), most) if is_undated(item.key)]


def list_days(s3: Any, bucket: str, source: str, days: Iterable[dt.date]) -> dict[str, str]:
    """ETag by raw key of what lies under these days, which need not follow each other.

    For a time when somebody waits: a month of which more than a few days are asked for is one listing, and several
    listings run at once. Keys of other days of such a month come along.
    """
    months: dict[str, set[str]] = {}
    for day in days:
        months.setdefault(f"raw/{source}/{_path(day)[:8]}", set()).add(day_prefix("raw", source, day))
    prefixes = [p for month, found in months.items() for p in ([month] if len(found) > DAYS_AS_A_MONTH else found)]
    with ThreadPoolExecutor(LISTINGS_AT_ONCE) as pool:
        pages = pool.map(lambda prefix: list(list_objects(s3, bucket, prefix)), prefixes)
        return {item.key: item.etag for page in pages for item in page}


def is_raw_key(key: str) -> bool:
    """Whether that is the key of a raw object; other files may lie beside them."""
    try:
        parse_raw_key(key)
    except RequestError:
        return False
    return True


def lies_in_day(key: str) -> bool:
    """Whether that key lies in the folder of a source's day, so that the ledger can say what became of it."""
    try:
        parse_raw_day(key)
    except RequestError:
        return False
    return True


def is_undated(key: str) -> bool:
    """Whether that key under raw/ is of no day, so that nothing loads it.

    A folder above the days, as consoles make them, is nothing at all.
    """
    return not key.endswith("/") and not lies_in_day(key)


def _in_range(key: str, start: dt.date, end: dt.date) -> bool:
    return lies_in_day(key) and start <= parse_raw_day(key).day < end


def _covering_prefixes(root: str, start: dt.date, end: dt.date) -> list[str]:
    """Prefixes that cover [start, end): days for a few days, else months, else years."""
    days = list(days_between(start, end))
    if len(days) <= 7:
        return [f"{root}{_path(day)}/" for day in days]
    kept = len("YYYY/MM/") if len(days) <= 366 else len("YYYY/")
    return [root + part for part in dict.fromkeys(_path(day)[:kept] for day in days)]
