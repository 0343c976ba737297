"""Which rows of a table a window asks for. The contract alone tells the day of a row, so that more may be read.

A database compares what it holds: local times, texts with an offset, texts of another order. Where that is not the
order of UTC days, a day more is read on both sides, and landing keeps the rows whose own day lies in the window.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract.formats import NO_ORDER, parse_format, sign_of_days
from lambdas.common.contract.model import Column
from lambdas.common.errors import SourceError
from lambdas.ingest.request import Window

ISO_DAY = "____-__-__%"


@dataclass(frozen=True, slots=True)
class Asked:
    """How the rows of a window were asked for: `name` is the raw column, `margin` the days read on both sides of it.

    A row whose day cannot be read is the window's where its text lies in [`first`, `beyond`), which adjacent windows
    share out among them.
    """

    name: str
    first: str
    beyond: str
    margin: int


def ask(name: str, window: Window, event_time: Column, value: Any, *, exact_zones: bool) -> Asked:
    """How to ask for the window in the column `name`, of which `value` is one.

    Args:
        name: the window_column.
        window: UTC days, end excluded.
        event_time: the contract's partition column, which reads it.
        value: any value of the column.
        exact_zones: whether the database compares times that have a zone with UTC days.

    Raises:
        SourceError: the column's order is not that of days; says what to do instead.
    """
    if not isinstance(value, str | dt.date):
        raise SourceError(
            f"sql_database: window_column {name} holds values of type {type(value).__name__}, which do not compare "
            "with days; leave it out and write a query with {start:epoch} and {end:epoch}"
        )
    sign = sign_of_days(event_time.reading.format) if isinstance(value, str) else "-"
    if sign is None:
        raise SourceError(f"sql_database: {NO_ORDER.format(column=name, format=event_time.reading.format)}")
    return Asked(
        name, *_texts(window.start, window.end, sign), 0 if _is_exact(event_time, value, exact_zones=exact_zones) else 1
    )


def _is_exact(event_time: Column, value: Any, *, exact_zones: bool) -> bool:
    """Whether the column's own order is that of UTC days. A text may name an offset, unless its format has none."""
    reading = event_time.reading
    if not event_time.reads_one_raw_column:
        return False
    if isinstance(value, str):
        zoned = reading.format is None or any(pattern.zoned for pattern in parse_format(reading.format))
        return not zoned and reading.zone is None
    return exact_zones if getattr(value, "tzinfo", None) else reading.zone is None


def condition(column: Any, asked: Asked, window: Window, event_time: Column, value: Any) -> Any:
    """SQLAlchemy's condition of the rows to read."""
    from sqlalchemy import Date, bindparam, or_

    margin = asked.margin * dt.timedelta(days=1)
    start, end = window.start - margin, window.end + margin
    if not isinstance(value, str):
        first, beyond = bindparam("window_start", start, type_=Date), bindparam("window_end", end, type_=Date)
        return (column >= first) & (column < beyond)
    lowest, highest = _texts(start, end, str(sign_of_days(event_time.reading.format)))
    within = (column >= lowest) & (column < highest)
    # 2024/05/01 and 2024-5-1 are times as well, and stand elsewhere
    return within if event_time.reading.format else or_(within, column.not_like(ISO_DAY))


def _texts(start: dt.date, end: dt.date, sign: str) -> tuple[str, str]:
    first, beyond = (f"{day:%Y}{sign}{day:%m}{sign}{day:%d}" for day in (start, end))
    return first, beyond
