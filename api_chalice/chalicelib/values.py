"""Values in a URL: read strictly by the type of their column, never guessed, and written back for a cursor."""

import datetime as dt
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,310}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
BITS = {"smallint": 15, "integer": 31, "bigint": 63}
LONGEST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the warehouse as the API knows it.

    `parse` raises ValueError with what is allowed; `write` is its inverse; `placeholder` is the SQL
    that binds a value of it.
    """

    name: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str] = str
    placeholder: str = "%s"


def parse_moment(text: str) -> dt.datetime:
    """The UTC time, naive, that an ISO date (its midnight) or timestamp names; UTC where no offset is given.

    Raises:
        ValueError: says what is allowed.
    """
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError("must be YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS with Z, an offset (its + written %2B) or none: UTC")
    try:
        moment = dt.datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}{match['zone'] or '+00:00'}")
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not in the calendar") from error


def write_moment(moment: dt.datetime) -> str:
    """The UTC time in ISO 8601 with Z; aware times are turned to UTC, naive ones are UTC."""
    naive = moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return naive.isoformat() + "Z"


def _date(text: str) -> dt.date:
    if not DATE.fullmatch(text):
        raise ValueError("must be a date, YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not in the calendar") from error


def _aware(text: str) -> dt.datetime:
    return parse_moment(text).replace(tzinfo=dt.UTC)


def _integer(bits: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not INTEGER.fullmatch(text):
            raise ValueError("must be a whole number")
        value = int(text)
        if not -(2**bits) <= value < 2**bits:
            raise ValueError(f"must be between {-(2**bits)} and {2**bits - 1}")
        return value

    return parse


def _float(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("is too large a number")
    return value


def _real(text: str) -> float:
    """The single-precision number nearest to a text: what is beyond its range would fail in the warehouse."""
    try:
        (value,) = struct.unpack("<f", struct.pack("<f", _float(text)))
    except OverflowError as error:
        raise ValueError("is too large a number") from error
    return float(value)


def _decimal(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("must be a number") from error
    exponent = value.as_tuple().exponent
    if value.adjusted() > 37 or not isinstance(exponent, int) or exponent < -37:
        raise ValueError("must have at most 38 digits")
    return value


def _text(text: str) -> str:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode") from error
    if "\x00" in text:
        raise ValueError("must not hold the character NUL")
    if size > LONGEST_TEXT:
        raise ValueError(f"must be at most {LONGEST_TEXT} bytes long")
    return text


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _no_values(text: str) -> Any:
    raise ValueError("cannot be compared; only col__null is allowed")


KINDS = {
    "text": Kind("text", _text),
    "integer": Kind("integer", _integer(63)),
    # 0.1 as a double is not 0.1 as a real: both sides of a comparison have to be reals.
    "real": Kind("real", _real, repr, "CAST(%s AS real)"),
    "double": Kind("double", _float, repr),
    "decimal": Kind("decimal", _decimal),
    "boolean": Kind("boolean", _boolean, lambda value: "true" if value else "false"),
    "date": Kind("date", _date, dt.date.isoformat),
    "timestamp": Kind("timestamp", parse_moment, write_moment),
    "timestamptz": Kind("timestamptz", _aware, write_moment),
    "super": Kind("super", _no_values),
}
NAMES = {"double precision": "double", "varchar": "text", "char": "text"}


def kind_of(physical_type: str) -> Kind:
    """The kind of Redshift's type as a contract writes it."""
    base = physical_type.partition("(")[0].strip()
    if base in BITS:
        return Kind("integer", _integer(BITS[base]))
    return KINDS[NAMES.get(base, base)]
