"""From --from and --to to half-open UTC days."""

import datetime as dt

from lambdas.common.contract import source_names
from lambdas.common.errors import RequestError
from lambdas.common.lake import parse_raw_day
from lambdas.common.source import load_source_config

DAY = dt.timedelta(days=1)


def require_source(name: str) -> None:
    """Raise RequestError where no such source is declared."""
    if name not in source_names():
        raise RequestError(f"there is no source {name!r}; known are {', '.join(source_names())}")


def require_object_of(raw_key: str, source: str) -> None:
    """Raise RequestError where the key lies in no day of the source."""
    found = parse_raw_day(raw_key).source
    if found != source:
        raise RequestError(f"{raw_key} is an object of {found}, not of {source}")


def days_of(source: str, first: dt.date | None, last: dt.date | None) -> tuple[dt.date, dt.date]:
    """The days [start, end) that --from and --to mean: by themselves from the source's first day to tomorrow.

    Raises:
        RequestError: no such source, or the first day lies after the last.
    """
    require_source(source)
    start = first or load_source_config(source).start
    # what others drop may carry the day of a zone east of UTC
    end = (last or dt.datetime.now(dt.UTC).date() + DAY) + DAY
    if start >= end:
        raise RequestError(f"--from {start} lies after --to {end - DAY}")
    return start, end
