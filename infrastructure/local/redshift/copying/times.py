"""Dates and times in text files: DATEFORMAT and TIMEFORMAT (DG/r_DATEFORMAT_and_TIMEFORMAT_strings).

`auto` recognises the forms below and refuses the rest; AWS's list has more (DG/automatic-recognition).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from infrastructure.local.redshift.errors import not_covered

Parser = Callable[[str], str]

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}  # fmt: skip
_MONTH_NAME = r"(?P<month_name>[A-Za-z]{3,9})"
_PARTS = {
    "YYYY": r"(?P<year>\d{4})", "YY": r"(?P<short_year>\d{2})", "MONTH": _MONTH_NAME, "MON": _MONTH_NAME,
    "MM": r"(?P<month>\d{1,2})", "DD": r"(?P<day>\d{1,2})", "HH24": r"(?P<hour>\d{1,2})",
    "HH12": r"(?P<hour>\d{1,2})", "HH": r"(?P<hour>\d{1,2})", "MI": r"(?P<minute>\d{1,2})",
    "SS": r"(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,6}))?", "AM": r"(?P<half>[AaPp][Mm])",
    "PM": r"(?P<half>[AaPp][Mm])",
}  # fmt: skip
_TOKEN = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)) + r"|.", re.IGNORECASE | re.DOTALL)
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6})\d{0,3})?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?"
)
_OFFSET = r"(?P<offset>[+-]\d{1,2}(?::?\d{2})?|Z|UTC|GMT)"
_AUTO_DATES = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    r"(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4})",
    rf"(?P<day>\d{{1,2}})[ -]{_MONTH_NAME}[ -](?P<year>\d{{4}})",
    rf"{_MONTH_NAME}[ -](?P<day>\d{{1,2}}),?[ -](?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[ -]{_MONTH_NAME}[ -](?P<day>\d{{1,2}})",
)
_AUTO = [re.compile(rf"{date}(?:(?:[ T]|T | +){_CLOCK}(?: ?{_OFFSET})?)?", re.IGNORECASE) for date in _AUTO_DATES]
_DEFAULT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2}) (?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r":(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?"
)
_DEFAULT_WITH_OFFSET = re.compile(rf"{_DEFAULT.pattern} ?{_OFFSET}")
_TIME_OF_DAY = re.compile(rf"{_CLOCK}(?P<offset>[+-]\d{{1,2}}(?::?\d{{2}})?|Z)?")
_AFTER_DATE = r"(?:[ T]\d{1,2}:.*)?"
_DEFAULT_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + _AFTER_DATE, re.DOTALL)


def date_parser(form: str) -> Parser:
    """Text of the form to an ISO date; a time behind it is ignored. The parser raises ValueError."""
    if form == "auto":
        return lambda text: _moment(_first(_AUTO, text)).date().isoformat()
    if form == "YYYY-MM-DD":
        return lambda text: _moment(_DEFAULT_DATE.fullmatch(text)).date().isoformat()
    pattern = re.compile(_pattern(form) + _AFTER_DATE, re.IGNORECASE | re.DOTALL)
    return lambda text: _moment(pattern.fullmatch(text)).date().isoformat()


def timestamp_parser(form: str, *, with_zone: bool) -> Parser:
    """Text of the form (nothing: the type's default) to an ISO timestamp. The parser raises ValueError."""
    if form == "auto":
        return lambda text: _shown(_first(_AUTO, text), with_zone=with_zone)
    if form in {"epochsecs", "epochmillisecs"}:
        unit = 1_000_000 if form == "epochsecs" else 1_000
        return lambda text: _epoch(text, unit, with_zone=with_zone)
    if not form:
        default = _DEFAULT_WITH_OFFSET if with_zone else _DEFAULT
        return lambda text: _shown(default.fullmatch(text), with_zone=with_zone)
    pattern = re.compile(_pattern(form), re.IGNORECASE)
    return lambda text: _shown(pattern.fullmatch(text), with_zone=with_zone)


def time_parser(text: str) -> str:
    """A time of day as it is, if it is one.

    Raises:
        ValueError: It is none.
    """
    if not _TIME_OF_DAY.fullmatch(text):
        raise ValueError(text)
    return text


def _pattern(form: str) -> str:
    parts = []
    for token in _TOKEN.findall(form):
        part = _PARTS.get(token.upper())
        if part is None and token.isalpha() and token.upper() != "T":
            raise not_covered(f"the date or time format '{form}'")
        parts.append(part or re.escape(token))
    return "".join(parts)


def _first(patterns: list[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.fullmatch(text))), None)


def _moment(found: re.Match[str] | None) -> dt.datetime:
    if found is None:
        raise ValueError
    parts = found.groupdict()
    year = int(parts.get("year") or 0) or _full_year(int(parts.get("short_year") or 0))
    name = parts.get("month_name")
    month = _MONTHS[name[:3].lower()] if name and name[:3].lower() in _MONTHS else int(parts.get("month") or 1)
    if name and name[:3].lower() not in _MONTHS:
        raise ValueError(name)
    hour = _hour(int(parts.get("hour") or 0), (parts.get("half") or "").lower())
    fraction = int((parts.get("fraction") or "").ljust(6, "0"))
    clock = (hour, int(parts.get("minute") or 0), int(parts.get("second") or 0), fraction)
    return dt.datetime(year, month, int(parts.get("day") or 1), *clock)  # noqa: DTZ001 - the zone is kept apart


def _full_year(short: int) -> int:
    return short + (2000 if short < 70 else 1900)


def _hour(hour: int, half: str) -> int:
    if half and not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "pm" else 0) if half else hour


def _shown(found: re.Match[str] | None, *, with_zone: bool) -> str:
    moment = _moment(found)
    offset = (found.groupdict().get("offset") or "") if found else ""
    if offset.upper() in {"Z", "UTC", "GMT"}:
        offset = "+00"
    if not with_zone and offset.strip("+-0:"):
        raise ValueError("an offset for a column without a time zone")
    return moment.isoformat(sep=" ") + (offset if with_zone else "")


def _epoch(text: str, unit: int, *, with_zone: bool) -> str:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(text)
    try:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=int(text) * unit)  # noqa: DTZ001
    except OverflowError as problem:
        raise ValueError(text) from problem
    return moment.isoformat(sep=" ") + ("+00" if with_zone else "")
