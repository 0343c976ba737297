"""Which type of a contract reads all values of a column, tried with the very SQL that loads them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lambdas.common.decimals import MOST_DIGITS, exact_number
from lambdas.common.propose.found import Found, failed_texts, fits, keep_values
from lambdas.common.propose.times import choose_formats, find_mixed, formatted, read_times

NULL_WORDS = ("", "NA", "N/A", "n/a", "na", "null", "NULL", "Null", "none", "None", "NONE", "nan", "NaN", "-", "--",
              "?", "\\N", "#N/A", "nil", "missing", "k.A.", "k. A.")  # fmt: skip
TRUTH = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
# decimal and thousands separator, the plain one first
SEPARATORS = ((".", None), (".", ","), (",", "."), (",", None), (",", " "), (",", "\u00a0"), (",", "\u202f"),
              (".", "'"), (".", " "))  # fmt: skip
BLANKS = "has blanks around some values, which are part of them: trim as transformLogic takes them off"
OPEN = "has no value in the sample: its type is open"
# Redshift's integers with room to grow
LARGE = 200_000_000
FEW = 4
# one text in so many may be a mistake
RARE, SHOWN, LONGEST_SHOWN = 4, 3, 40
NUMBER = re.compile(r"[+-]?(?=\.?\d)\d*\.?\d*(?:[eE][+-]?\d{1,3})?", re.ASCII)
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65535)


def read_texts(connection: Any, values: Sequence[str]) -> Found:
    """The narrowest reading under which each of these distinct texts is a value; text where there is none."""
    words = tuple(value for value in values if value.strip(" ") in NULL_WORDS)
    left = [value for value in values if value not in words]
    if not left:
        return Found("string", "varchar(256)", notes=[OPEN], null_words=words)
    bare = list(dict.fromkeys(value.strip(" ") for value in left))
    keep_values(connection, bare)
    found = next(_readings(connection, bare), None)
    if found is None:
        return _text(list(values), words, [*_nearly(connection, bare), *([BLANKS] if bare != left else [])])
    if bare != left:
        _take_blanks_off(connection, left, found)
    return replace(found, null_words=words)


def _take_blanks_off(connection: Any, values: list[str], found: Found) -> None:
    """Where blanks around the values are in the way of that reading, an expression that takes them off."""
    keep_values(connection, values)
    if not fits(connection, found):
        found.expression = found.expression.replace("{value}", "trim({value})")
        found.notes.append("has blanks around its values, which transformLogic takes off")


def _readings(connection: Any, values: list[str]) -> Iterator[Found]:
    lower = {value.lower() for value in values}
    # one of them alone can be anything: NO is Norway
    if any(lower == words for words in TRUTH) or lower <= {"true", "false"}:
        yield Found("boolean", "boolean")
    if all(re.fullmatch(r"[+-]?(0|[1-9]\d*)", value) for value in values):
        yield from _integer(connection, values)
    if not any(re.match(r"[+-]?0\d", value) for value in values):
        yield from _numbers(connection, values)
    if times := read_times(connection, values):
        yield times
    if all(value[0] in "{[" for value in values) and fits(connection, Found("object", "super")):
        yield Found("object" if values[0][0] == "{" else "array", "super")


def _integer(connection: Any, values: list[str]) -> Iterator[Found]:
    if all(len(v) == 8 and "1900" < v[:4] < "2100" for v in values):
        day = Found("date", "date", {"format": "yyyyMMdd"}, notes=["reads eight digits as a day: is it a number?"])
        if fits(connection, day):
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
    fitting = [found for found in _number_readings(values) if fits(connection, found)]
    if not fitting:
        return
    best = fitting[0]
    other = [f for f in fitting if f.custom.get("decimalSeparator") != best.custom.get("decimalSeparator")]
    signs = any(sign in value for value in values for sign in ".,")
    if other and signs and not any(re.match(r"[+-]?0[.,]", value) for value in values):
        shown = next(value for value in values if "." in value or "," in value)
        best.notes.append(f"is {shown} a thousand or a fraction? Both would be read: look at the separators")
    yield best


def _number_readings(values: list[str]) -> Iterator[Found]:
    """Numbers under each pair of separators, in an exact type if there is one."""
    for decimal, thousands in SEPARATORS:
        custom = {"decimalSeparator": decimal} if decimal != "." else {}
        custom |= {"thousandsSeparator": thousands} if thousands else {}
        if all(NUMBER.fullmatch(_plain(value, decimal, thousands)) for value in values):
            yield replace(number([_plain(value, decimal, thousands) for value in values]), custom=custom)


def _plain(text: str, decimal: str, thousands: str | None) -> str:
    """The text without its separators of thousands, with a point."""
    return (text.replace(thousands, "") if thousands else text).replace(decimal, ".").strip()


def number(texts: Sequence[str]) -> Found:
    """The type of these numbers: exact where no value has more than four digits behind the point, as amounts have.

    Others are doubles, but for those whose digits a double does not hold.
    """
    exact = [Decimal(text).as_tuple() for text in texts]
    scale = max(max(0, -int(value.exponent)) for value in exact)
    whole = max(len(value.digits) + int(value.exponent) for value in exact)
    plain = not any(sign in text for text in texts for sign in "eE")
    if plain and scale <= FEW and whole < 11:
        return Found("number", f"decimal(18,{2 if scale <= 2 else 4})")
    rounded = [text for text in texts if isinstance(exact_number(text), Decimal)]
    if not rounded:
        return Found("number", "double precision")
    told = f"has numbers of more digits than a double holds, as {max(rounded, key=len)}"
    if plain and max(whole, 0) + scale <= MOST_DIGITS:
        size = min(MOST_DIGITS, max(whole, 0) + scale + 2)
        return Found("number", f"decimal({size},{scale})", notes=[f"{told}: decimal keeps them; is that meant?"])
    return Found(
        "number", "double precision", notes=[f"{told}: a double rounds them, or refuses integers; varchar keeps them"]
    )


def _nearly(connection: Any, values: list[str]) -> list[str]:
    """A note where all texts but a few are numbers, or most are times: the others may be mistakes, or mean no value.

    A source needs a time more than anything else, so that a column that may be meant for it is always named.
    """
    if any({value.lower() for value in values} <= words for words in TRUTH):
        return [f"has {values[0]!r} alone: if that is a yes or no, boolean reads it"]
    formats = choose_formats(connection, values, "timestamp")
    if mixed := find_mixed(connection, formats):
        return [f"has days as {mixed} and others with the month where that has the day, which no format tells apart"]
    readings = {"numbers": Found("number", "double precision"), "times": Found("timestamp", "timestamp")}
    if formats:
        readings[f"times of {', '.join(formats)}"] = formatted("timestamp", formats)
    for decimal, thousands in SEPARATORS[1:]:
        read = {"decimalSeparator": decimal} | ({"thousandsSeparator": thousands} if thousands else {})
        readings[f"numbers with {_pairs(read)}"] = Found("number", "double precision", custom=read)
    for what, found in readings.items():
        rare = len(values) // RARE
        most = (len(values) - 1) // 2 if found.logical == "timestamp" else rare
        few = failed_texts(connection, found, most + 1)
        if 0 < len(few) <= most:
            told = ", ".join(repr(text[:LONGEST_SHOWN]) for text in few[:SHOWN])
            more = f" and {len(few) - SHOWN} others" if len(few) > SHOWN else ""
            share = "nearly all" if len(few) <= rare else "most"
            return [f"{share} are {what}, but {told}{more} not, so it stays a text; wrong, or nullWords?"]
    return []


def _pairs(custom: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in custom.items())


def _text(values: list[str], words: tuple[str, ...], notes: Sequence[str]) -> Found:
    longest = max(len(value.encode()) for value in values)
    length = next((n for n in LENGTHS if n >= longest * 1.5), 65535)
    long = [f"has texts of {longest:,} bytes; Redshift holds 65,535"] if longest > LENGTHS[-1] else []
    return Found("string", f"varchar({length})", notes=[*notes, *long], null_words=words)
