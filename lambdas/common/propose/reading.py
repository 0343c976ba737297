"""Which type of a contract reads all values of a column, tried with the very SQL that loads them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.common.contract.casts import cast
from lambdas.common.contract.columns import read_column
from lambdas.common.contract.formats import parse_format
from lambdas.common.contract.model import Column
from lambdas.common.contract.reading import read_value

NULL_WORDS = ("", "NA", "N/A", "n/a", "na", "null", "NULL", "Null", "none", "None", "NONE", "nan", "NaN", "-", "--",
              "?", "\\N", "#N/A", "nil", "missing", "k.A.", "k. A.")  # fmt: skip
TRUTH = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
# decimal and thousands separator, the plain one first
SEPARATORS = ((".", None), (".", ","), (",", "."), (",", None), (",", " "), (",", "\u00a0"), (",", "\u202f"),
              (".", "'"), (".", " "))  # fmt: skip
DAYS = ("dd.MM.yyyy", "d.M.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy", "yyyy/MM/dd", "dd-MM-yyyy",
        "dd-MMM-yyyy", "d MMM yyyy", "dd MMM yyyy", "MMM d yyyy", "MMM d, yyyy", "MMMM d, yyyy", "d MMMM yyyy",
        "dd.MM.yy", "dd/MM/yy", "MM/dd/yy", "yyyy-MM-dd", "yyyyMMdd")  # fmt: skip
CLOCKS = ("", " HH:mm", " HH:mm:ss", " HH:mm:ss.SSS", " H:mm", " hh:mm a", " h:mm a", " hh:mm:ss a", " h:mm:ss a",
          "'T'HH:mm", "'T'HH:mm:ss", " HHmm", "HHmmss", " HH:mm:ssXXX", " HH:mm:ss Z")  # fmt: skip
SWAPPED = {"dd/MM": "MM/dd", "d/M": "M/d", "MM/dd": "dd/MM", "M/d": "d/M"}
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
OFFSET = re.compile(r".*\d(Z|[+-]\d\d(:?\d\d)?)")
OPEN = "has no value in the sample: its type is open"
MOST_FORMATS, LOOKED_AT = 3, 1000
# Redshift's integers with room to grow
LARGE = 200_000_000
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65535)


@dataclass(slots=True)
class Found:
    """How a column is to be read: what a property of the contract says, and what is unsure about it."""

    logical: str
    physical: str
    options: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    null_words: tuple[str, ...] = ()


def read_texts(connection: Any, values: Sequence[str]) -> Found:
    """The narrowest reading under which each of these distinct texts is a value; text where there is none."""
    words = tuple(word for word in NULL_WORDS if word in values)
    left = [value for value in values if value not in words]
    if not left:
        return Found("string", "varchar(256)", notes=[OPEN], null_words=words)
    connection.execute("CREATE OR REPLACE TEMP TABLE tried (v VARCHAR)")
    connection.execute("INSERT INTO tried SELECT unnest(?)", [left])
    found = next(_readings(connection, left), None)
    return replace(found, null_words=words) if found else _text(list(values))


def _readings(connection: Any, values: list[str]) -> Iterator[Found]:
    lower = {value.lower() for value in values}
    if any(lower <= words for words in TRUTH):
        yield Found("boolean", "boolean")
    if all(re.fullmatch(r"[+-]?(0|[1-9]\d*)", value) for value in values):
        yield from _integer(connection, values)
    if not any(re.match(r"[+-]?0\d", value) for value in values):
        yield from _numbers(connection, values)
    yield from _times(connection, values)
    if all(value[0] in "{[" for value in values) and _fits(connection, Found("object", "super")):
        yield Found("object" if values[0][0] == "{" else "array", "super")


def _integer(connection: Any, values: list[str]) -> Iterator[Found]:
    if all(len(v) == 8 and "1900" < v[:4] < "2100" for v in values):
        day = Found("date", "date", {"format": "yyyyMMdd"}, notes=["reads eight digits as a day: is it a number?"])
        if _fits(connection, day):
            yield day
    largest = max(abs(int(value)) for value in values)
    if largest < 2**63:
        yield integer(largest)
    elif largest < 10**38:
        yield Found("number", "decimal(38,0)")


def integer(largest: int) -> Found:
    """An integer type in which numbers up to that size, and somewhat larger ones, fit."""
    return Found("integer", "integer" if largest < LARGE else "bigint")


def _numbers(connection: Any, values: list[str]) -> Iterator[Found]:
    fitting = []
    for decimal, thousands in SEPARATORS:
        custom = {"decimalSeparator": decimal} if decimal != "." else {}
        custom |= {"thousandsSeparator": thousands} if thousands else {}
        found = Found("number", _number_type(values, decimal), custom=custom)
        if _fits(connection, found):
            fitting.append(found)
    if fitting:
        other = [f for f in fitting if f.custom.get("decimalSeparator") != fitting[0].custom.get("decimalSeparator")]
        if fitting[0].custom and other:
            fitting[0].notes.append("is 1,234 a thousand or a fraction? Both would be read: look at the separators")
        yield fitting[0]


def _number_type(values: list[str], decimal: str) -> str:
    """An exact type where no value has more than four digits behind the point, as amounts have."""
    parts = [re.sub(r"[^\d" + re.escape(decimal) + "]", "", value).partition(decimal) for value in values]
    plain = not any(sign in value for value in values for sign in "eE")
    scales = {len(fraction) for _, _, fraction in parts}
    exact = plain and max(scales) <= 4 and max(len(whole) for whole, _, _ in parts) < 11
    return f"decimal(18,{2 if max(scales) <= 2 else 4})" if exact else "double precision"


def _times(connection: Any, values: list[str]) -> Iterator[Found]:
    days_only = all(len(value) <= 11 for value in values)
    kind = "date" if days_only else "timestamp"
    if all(ISO.fullmatch(value) for value in values) and _fits(connection, Found(kind, kind)):
        yield Found(kind, kind, notes=[] if days_only else _zone_notes(values))
        return
    formats, left = _formats(connection, kind, values[:LOOKED_AT]), len(values)
    if formats and not _count_failed(connection, _formatted(kind, formats)):
        found = _formatted(kind, formats)
        found.notes += [note for text in formats if (note := _swapped(connection, kind, text, left))]
        found.notes += [] if days_only else _zone_notes(values)
        if len(formats) > 1:
            found.notes.append(f"has {len(formats)} formats")
        yield found


def _zone_notes(values: list[str]) -> list[str]:
    if all(OFFSET.fullmatch(value) for value in values):
        return []
    return ["has times without an offset, read as UTC; say defaultTimezone where they are local"]


def _formatted(kind: str, formats: Sequence[str]) -> Found:
    text = formats[0] if len(formats) == 1 else "".join(f"[{one}]" for one in formats)
    return Found(kind, kind, {"format": text})


@cache
def _known_formats(kind: str) -> dict[str, re.Pattern[str]]:
    """The formats of days, or of times, with what a text that has one looks like."""
    texts = [day + clock for day in DAYS for clock in CLOCKS if (clock == "") == (kind == "date")]
    return {text: re.compile(parse_format(text)[0].regex.replace(r"\pL", r"[^\W\d_]")) for text in texts}


def _formats(connection: Any, kind: str, values: Sequence[str]) -> list[str]:
    """Up to three formats that together read all values, the one that reads most first."""
    candidates = [text for text, regex in _known_formats(kind).items() if any(map(regex.fullmatch, values))]
    chosen: list[str] = []
    for _ in range(MOST_FORMATS if candidates else 0):
        failed = _count_failed(connection, _formatted(kind, chosen)) if chosen else None
        if failed == 0:
            break
        scored = [(_count_failed(connection, _formatted(kind, [*chosen, one])), place)
                  for place, one in enumerate(candidates) if one not in chosen]  # fmt: skip
        best, place = min(scored, default=(len(values), 0))
        if not scored or (failed is not None and best >= failed):
            break
        chosen.append(candidates[place])
    return chosen


def _swapped(connection: Any, kind: str, text: str, total: int) -> str | None:
    """A note where day and month could as well be the other way round."""
    for one, other in SWAPPED.items():
        if text.startswith(one) and _count_failed(connection, _formatted(kind, [text.replace(one, other, 1)])) < total:
            swapped = _formatted(kind, [text.replace(one, other, 1)])
            if not _count_failed(connection, swapped):
                return f"could be {swapped.options['format']} as well: no day is greater than 12"
    return None


def _text(values: list[str]) -> Found:
    longest = max(len(value.encode()) for value in values)
    length = next((n for n in LENGTHS if n >= longest * 1.5), 65535)
    notes = [f"has texts of {longest:,} bytes; Redshift holds 65,535"] if longest > LENGTHS[-1] else []
    words = tuple(word for word in NULL_WORDS if word in values)
    return Found("string", f"varchar({length})", notes=notes, null_words=words)


def _fits(connection: Any, found: Found) -> bool:
    return _count_failed(connection, found) == 0


def _count_failed(connection: Any, found: Found) -> int:
    sql = f"SELECT count(*) FROM tried WHERE ({typed_value('v', 'VARCHAR', found)}) IS NULL"
    return int(connection.execute(sql).fetchall()[0][0])


def typed_value(value: str, raw_type: str, found: Found) -> str:
    """SQL of a value as the contract's type, as a load casts it; NULL where it does not fit."""
    column = _column(found)
    return cast(*read_value(column, value, raw_type), column.physical_type)


def _column(found: Found) -> Column:
    custom = [{"property": key, "value": value} for key, value in found.custom.items()]
    prop = {"name": "v", "logicalType": found.logical, "physicalType": found.physical}
    return read_column({**prop, "logicalTypeOptions": found.options, "customProperties": custom}, Path("contract.yaml"))
