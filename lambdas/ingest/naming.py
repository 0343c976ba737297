"""Which objects a landing writes, and where."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lambdas.common.errors import RequestError
from lambdas.common.lake import days_between, parse_raw_key, raw_key, window_stamp
from lambdas.ingest.request import Window
from lambdas.ingest.slices import PARTS

HELD = "landing/"


def held_key(run: str, name: str) -> str:
    """Where what that reading holds back lies: a raw object by its raw key."""
    return f"{HELD}{run}/{name}"


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
class Naming:
    """Which keys a landing writes: those of a source's windows, or with `digest` those of one file.

    `window` None: all days that the rows have. `home` is the day of the rows whose day cannot be read. `part` is the
    slice of a source that is read whole, `last` whether no other follows: each has part numbers of its own, and the
    last one takes care of those that no slice has any more. `run` names the reading that has several slices.
    `may_be_empty`: no rows at all are an answer, and empty every object. `end` is the source's last day, if it has one.
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
