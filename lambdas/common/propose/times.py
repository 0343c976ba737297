"""Texts that are days or times: ISO 8601, up to six formats of a pattern, ticks since 1970 between them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from lambdas.common.contract.formats import parse_format
from lambdas.common.contract.sql import literal
from lambdas.common.propose.found import Found, count_failed, fits, typed_value

DAYS = ("dd.MM.yyyy", "d.M.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy", "yyyy/MM/dd", "dd-MM-yyyy",
        "MM-dd-yyyy", "d-M-yyyy", "M-d-yyyy", "dd-MMM-yyyy", "d-MMM-yyyy", "d MMM yyyy", "dd MMM yyyy", "MMM d yyyy",
        "MMM d, yyyy", "MMMM d, yyyy", "d MMMM yyyy", "d. MMMM yyyy", "dd.MM.yy", "d.M.yy", "dd/MM/yy", "MM/dd/yy",
        "d/M/yy", "M/d/yy", "dd-MMM-yy", "yyyy-MM-dd", "yyyy.MM.dd", "yyyy-M-d", "yyyy/M/d", "yyyyMMdd")  # fmt: skip
CLOCKS = ("", " HH:mm", " HH:mm:ss", " HH:mm:ss.SSS", " HH:mm:ss.SSSSSS", " H:mm", " H:mm:ss", ", HH:mm", ", HH:mm:ss",
          " hh:mm a", " h:mm a", " hh:mm:ss a", " h:mm:ss a", " HHmm", "HHmm", "HHmmss", " HH:mm:ssXXX",
          " HH:mm:ss XXX", " HH:mm:ss Z", "'T'HH:mm", "'T'HH:mm:ss", "'T'HH:mm:ss.SSS", "'T'HH:mm:ss.SSSSSS",
          "'T'HH:mmXXX", "'T'HH:mm:ssXXX", "'T'HH:mm:ss.SSSXXX", "'T'HH:mm:ss.SSSSSSXXX", "'T'HHmmss",
          "'T'HHmmssXX")  # fmt: skip
SWAPPED = {"dd/MM": "MM/dd", "d/M": "M/d", "MM/dd": "dd/MM", "M/d": "d/M", "dd-MM": "MM-dd", "d-M": "M-d",
           "MM-dd": "dd-MM", "M-d": "d-M"}  # fmt: skip
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
OFFSET = re.compile(r".*\d(Z|[+-]\d\d(:?\d\d)?)")
SHORT_YEAR = re.compile(r"(?<!y)yy(?!y)")
MOST_FORMATS, MOST_LOOKS, MOST_LOOKED_AT, MANY = 6, 100, 10_000, 1 << 62
LEAST_DIGITS, LONGEST = 3, 40
# ticks a second: what lies between 2001 and 2100 as a number of them counts from 1970
EPOCH_UNITS = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
FIRST, BEYOND = 978_307_200, 4_102_444_800
TICKS_OF = {1: r"\d{9,10}", 10**3: r"\d{12,13}", 10**6: r"\d{15,16}", 10**9: r"\d{18,19}"}
TICKS = re.compile("|".join(TICKS_OF.values()), re.ASCII)


def find_epoch(values: Iterable[float]) -> int | None:
    """Ticks a second, where all values can be times of this century since 1970."""
    given = list(values)
    return next((s for s in EPOCH_UNITS if all(FIRST * s <= item < BEYOND * s for item in given)), None)


def epoch_expression(scale: int, *, whole: bool = True) -> str:
    """The expression that makes a time of so many ticks a second since 1970; of less than a microsecond it cuts."""
    if not whole:
        return f"make_timestamp(CAST(round({{value}} * {1_000_000 // scale}) AS BIGINT))"
    reckoned = f" * {1_000_000 // scale}" if scale <= 10**6 else f" // {scale // 10**6}"
    return f"make_timestamp(CAST({{value}} AS BIGINT){reckoned})"


def read_times(connection: Any, values: list[str]) -> Found | None:
    """The reading under which all texts, which are those tried, are days or times; None where there is none."""
    plain = "timestamp" if any(len(value) > len("yyyy-MM-dd") for value in values) else "date"
    if all(ISO.fullmatch(value) for value in values) and fits(connection, Found(plain, plain)):
        return Found(plain, plain, notes=[] if plain == "date" else _zone_notes(values))
    for kind in ("date", "timestamp"):
        formats = choose_formats(connection, values, kind)
        if formats and fits(connection, found := formatted(kind, formats)):
            found.notes += [f"has {len(formats)} formats, {', '.join(formats)}"] if len(formats) > 1 else []
            found.notes += _format_notes(connection, formats, kind)
            found.notes += [] if kind == "date" else _zone_notes(values)
            return found
    return _made_iso(connection, values)


def _made_iso(connection: Any, values: list[str]) -> Found | None:
    """Formats and ticks beside texts of ISO 8601, whose many spellings have no one format: an expression joins them."""
    ticks = {value: scale for value in values if TICKS.fullmatch(value) and (scale := find_epoch([int(value)]))}
    others = [value for value in values if value not in ticks and not ISO.fullmatch(value)]
    if len(others) == len(values) or len(ticks) == len(values):
        return None
    formats = choose_formats(connection, others, "timestamp") if others else []
    scales = sorted(set(ticks.values()))
    whens = [_when(TICKS_OF[scale], epoch_expression(scale), "Z") for scale in scales]
    for pattern in (parse_format(text)[0] for text in formats):
        parsed = f"try_strptime({{value}}, {literal(pattern.strptime)})"
        whens.append(_when(pattern.regex, parsed, "Z" if pattern.zoned else ""))
    found = Found("timestamp", "timestamp", expression=f"CASE {' '.join(whens)} ELSE {{value}} END")
    if not whens or not fits(connection, found):
        return None
    units = [f"{EPOCH_UNITS[scale]} since 1970" for scale in scales]
    found.notes.append(f"has {', '.join([*units, *formats])} beside ISO 8601, it seems; transformLogic makes them that")
    found.notes += _format_notes(connection, formats, "timestamp")
    found.notes += _zone_notes([value for value in values if value not in ticks])
    return found


def _when(regex: str, time: str, offset: str) -> str:
    """A text that looks so as ISO 8601, or as it is where it is no time after all."""
    iso = f"strftime({time}, '%Y-%m-%dT%H:%M:%S.%f{offset}')"
    return f"WHEN regexp_full_match({{value}}, {literal(regex)}) THEN coalesce({iso}, {{value}})"


def _format_notes(connection: Any, formats: Sequence[str], kind: str) -> list[str]:
    """What is unsure about formats."""
    notes = [note for text in formats if (note := _swapped(connection, kind, text))]
    if any(SHORT_YEAR.search(text) for text in formats):
        notes.append("has years of two digits: 69 to 99 are read as 1969 to 1999, 00 to 68 as 2000 to 2068")
    if kind == "timestamp" and (bare := [text for text in formats if not re.search("[Hh]", text)]):
        notes.append(f"has days without a time of day, {' '.join(bare)}: they are read as midnight")
    return notes


def _zone_notes(values: list[str]) -> list[str]:
    if all(OFFSET.fullmatch(value) for value in values):
        return []
    return ["has times without an offset, read as UTC; say defaultTimezone where they are local"]


def formatted(kind: str, formats: Sequence[str]) -> Found:
    """The reading by these formats."""
    text = formats[0] if len(formats) == 1 else "".join(f"[{one}]" for one in formats)
    return Found(kind, kind, {"format": text})


@cache
def _known_formats(kind: str) -> dict[str, tuple[re.Pattern[str], str]]:
    """The formats of days, or of days and times, with what a text looks like: for Python, and for DuckDB."""
    texts = [day + clock for clock in CLOCKS for day in DAYS if clock == "" or kind == "timestamp"]
    regexes = {text: parse_format(text)[0].regex for text in texts}
    return {text: (re.compile(regex.replace(r"\pL", r"[^\W\d_]")), regex) for text, regex in regexes.items()}


def choose_formats(connection: Any, values: Sequence[str], kind: str) -> list[str]:
    """Up to six formats that together read as many of the texts tried as can be, the one that reads most first.

    `values` are those that have a format.
    """
    some = values[:: len(values) // MOST_LOOKED_AT + 1]
    looks = [look for look, _ in Counter(map(_look, some)).most_common(MOST_LOOKS) if look]
    candidates = [text for text, (regex, _) in _known_formats(kind).items() if any(map(regex.fullmatch, looks))]
    chosen: list[str] = []
    failed = MANY
    while failed and len(chosen) < MOST_FORMATS:
        scored = [(count_failed(connection, formatted(kind, [*chosen, one])), place)
                  for place, one in enumerate(candidates) if one not in chosen]  # fmt: skip
        best, place = min(scored, default=(failed, 0))
        if best >= failed:
            break
        chosen.append(candidates[place])
        failed = best
    return chosen


def _look(text: str) -> str:
    """The text with one digit for all; empty where it has too few, or too much beside them, to be a day."""
    look = re.sub(r"\d", "0", text) if len(text) <= LONGEST else ""
    return look if look.count("0") >= LEAST_DIGITS else ""


def find_mixed(connection: Any, formats: Sequence[str]) -> str | None:
    """A format of these under which some of the texts that look so are no times, but are with day and month turned."""
    for text in formats:
        turned, looks = _turned(text), f"regexp_full_match(v, {literal(_known_formats('timestamp')[text][1])})"
        failed = count_failed(connection, formatted("timestamp", [text]), looks)
        if turned and failed:
            both = f"{looks} AND ({typed_value('v', 'VARCHAR', formatted('timestamp', [text]))}) IS NULL"
            if count_failed(connection, formatted("timestamp", [turned]), both) < failed:
                return text
    return None


def _turned(text: str) -> str | None:
    """The format with month and day the other way round."""
    return next((other + text[len(one) :] for one, other in SWAPPED.items() if text.startswith(one)), None)


def _swapped(connection: Any, kind: str, text: str) -> str | None:
    """A note where day and month of a format could as well be the other way round."""
    turned = _turned(text)
    looks = f"regexp_full_match(v, {literal(_known_formats(kind)[text][1])})"
    if turned is None or count_failed(connection, formatted(kind, [turned]), looks):
        return None
    return f"could be {turned} as well: no day is greater than 12"
