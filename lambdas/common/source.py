"""The defs.yaml of a source, read without Dagster: where its data comes from, and since when."""

import datetime as dt
import fnmatch
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lambdas.common.contract import assets_folder
from lambdas.common.cron import last_tick_day
from lambdas.common.errors import ContractError, RequestError

logger = logging.getLogger(__name__)

ATTRIBUTES = ("start", "end", "schedule", "paused", "extract")
EXTRACTORS = ("rest_api", "filesystem", "sql_database")
# The keys of `extract` beside the extractor, and those of each extractor. rest_api is dlt's own.
OPTIONS = ("end", "precision", "pass_days", "timeout", "attempts", "max_pages", "data_may_be_absent", "may_be_empty")
KEYS = {
    "rest_api": ("client", "resource_defaults", "resources"),
    "filesystem": ("bucket_url", "file_glob", "members", "format", "csv", "json"),
    "sql_database": ("url", "table", "query", "window_column"),
}
FORMATS = ("csv", "ndjson", "json", "parquet", "arrow")
CSV_KEYS = ("delimiter", "quote", "escape", "encoding", "skip", "names", "ragged", "comment")
JSON_KEYS = ("data_selector",)
ENDINGS = {"jsonl": "ndjson", "feather": "arrow", "ipc": "arrow", "txt": "csv", "tsv": "csv"}
PACKINGS = ("gz", "zip")
HIDDEN = re.compile(r"^__MACOSX/|(?:^|/)\.")
WINDOW_TOKEN = re.compile(r"\{(?:start|end)(?::epoch(?:_ms)?)?\}")
PRECISIONS = ("day", "second", "millisecond", "microsecond")
DAY = dt.timedelta(days=1)
# So long a landing may take, its tries and the load after it included, before its day is missing.
TIME_TO_LAND = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """The attributes of a defs.yaml. `start` and `end` are the first and the last UTC day.

    Without an `end` the source goes on. `schedule` is a cron line in UTC. While `paused` nothing of it runs by itself.
    `extract` holds one of rest_api, filesystem or sql_database in dlt's own configuration, beside
    `end: inclusive` where the source includes the end of a window, and other options that
    lambdas.ingest.request lists. None: others drop the files.
    """

    name: str
    start: dt.date
    schedule: str | None = None
    extract: Mapping[str, Any] | None = None
    end: dt.date | None = None
    paused: bool = False

    def has_day(self, day: dt.date, today: dt.date) -> bool:
        """Whether the source has that UTC day, seen on the UTC day `today`. Objects of other days are not loaded."""
        return self.start <= day <= self.last_day(today)

    def last_day(self, today: dt.date) -> dt.date:
        """The last day that the source has on the UTC day `today`, which itself has begun."""
        return min(today, self.end or today)

    @property
    def scheduled(self) -> bool:
        """Whether a schedule lands its days."""
        return self.schedule is not None and self.extract is not None

    def last_promised(self, now: dt.datetime) -> dt.date | None:
        """The last UTC day that has to be there at that aware moment; None where nobody promised one.

        A tick of the schedule promises the day before it, an hour later; without a schedule, an `end` promises the days
        up to it.
        """
        if not self.scheduled:
            return self.last_day(now.astimezone(dt.UTC).date() - DAY) if self.end else None
        tick = last_tick_day(str(self.schedule), now - TIME_TO_LAND)
        return self.last_day(tick - DAY) if tick else None

    def watched_until(self, now: dt.datetime) -> dt.datetime | None:
        """The moment at which its newest event has to be fresh, seen at that aware one: the end of its last day, then.

        Until that comes it is `now`. None while nothing is expected of it, because it is paused.
        """
        if self.paused:
            return None
        return min(now, dt.datetime.combine(self.end + DAY, dt.time(), dt.UTC)) if self.end else now

    @property
    def extractor(self) -> str | None:
        """Which extractor `extract` configures; None where others drop the files."""
        if self.extract is None:
            return None
        return next(kind for kind in EXTRACTORS if kind in self.extract)

    @property
    def windowed(self) -> bool:
        """Whether the source is asked for days; if not, it is read whole at every call."""
        extract = self.extract or {}
        return holds_window(extract) or "window_column" in (extract.get("sql_database") or {})

    @property
    def pass_days(self) -> int:
        """The most days that one pass over the source asks for."""
        return max(1, int((self.extract or {}).get("pass_days", 31)))


def holds_window(value: Any) -> bool:
    """Whether {start} or {end} stands anywhere in the value, as a time or as an epoch."""
    if isinstance(value, Mapping):
        return any(holds_window(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_window(item) for item in value)
    return isinstance(value, str) and bool(WINDOW_TOKEN.search(value))


def load_source_config(name: str, assets: Path | None = None) -> SourceConfig:
    """The configuration of that source.

    Raises:
        ContractError: the file is missing or wrong; names it and what is allowed.
    """
    path = (assets or assets_folder()) / "sources" / name / "defs.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse_source_config(name, document["attributes"])
    except FileNotFoundError as error:
        raise ContractError(f"{path}: no such source; is the name right?") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ContractError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def find_source_config(name: str) -> SourceConfig | None:
    """The same, but None where the file is missing or wrong: nobody knows then which days the source has."""
    try:
        return load_source_config(name)
    except ContractError:
        logger.warning("%s: its defs.yaml does not say which days it has", name)
        return None


def parse_source_config(name: str, attributes: Mapping[str, Any]) -> SourceConfig:
    """The same from the `attributes` block itself.

    Raises:
        ValueError: an attribute is unknown, missing or malformed.
    """
    unknown = set(attributes) - set(ATTRIBUTES)
    if unknown:
        raise ValueError(f"unknown attributes {sorted(unknown)}; allowed are {', '.join(ATTRIBUTES)}")
    extract = attributes.get("extract")
    if extract is not None and sum(kind in extract for kind in EXTRACTORS) != 1:
        raise ValueError(f"extract must hold exactly one of {', '.join(EXTRACTORS)}")
    start = dt.date.fromisoformat(str(attributes["start"]))
    end = dt.date.fromisoformat(str(attributes["end"])) if attributes.get("end") else None
    if end and end < start:
        raise ValueError(f"end {end} lies before start {start}")
    paused = attributes.get("paused") or False
    if not isinstance(paused, bool):
        raise ValueError(f"paused is {paused!r}; it must be true or false")
    return SourceConfig(name, start, attributes.get("schedule"), extract, end, paused)


def archive_members(names: Iterable[str], glob: str = "*") -> list[str]:
    """The files of a ZIP that are to be read, in their order: those of the glob, without what systems leave there.

    The glob is for the whole name, folders and all; capitals do not matter.
    """
    files = (name for name in names if not name.endswith("/") and not HIDDEN.search(name))
    return sorted(name for name in files if fnmatch.fnmatchcase(name.lower(), glob.lower()))


def format_of_file(name: str) -> str:
    """The format that a file's name tells: `a.jsonl.gz` is ndjson.

    Raises:
        RequestError: its ending tells none.
    """
    endings = [part for part in name.lower().split(".")[1:] if part not in PACKINGS]
    found = ENDINGS.get(endings[-1], endings[-1]) if endings else ""
    if found not in FORMATS:
        raise RequestError(f"{name}: its ending tells no format; known are {', '.join((*FORMATS, *ENDINGS))}")
    return found
