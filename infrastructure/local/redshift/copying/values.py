"""Fields of text files to values of their columns, by the rules and with the errors of a COPY."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from infrastructure.local.redshift.copying import jsontext, times, utf8
from infrastructure.local.redshift.copying.failures import FieldError
from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.dialect.transfers import TextOptions
from infrastructure.local.redshift.errors import not_covered

# a field's text, or None for a field that is missing, to the backend's text, or None for NULL
Reader = Callable[[str | None], str | None]
_Converter = Callable[[str], str | None]

_INTEGERS = {"smallint": ("Short", 15), "integer": ("Integer", 31), "bigint": ("Long", 63)}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN|[+-]?Inf(?:inity)?", re.IGNORECASE)
_TRUE = {"t", "true", "y", "yes", "1"}
_FALSE = {"f", "false", "n", "no", "0"}
_BLANKS = " \t\r\n\f\v"


def reader(column: Column, options: TextOptions) -> Reader:
    """How fields of a column are read.

    Raises:
        RedshiftError: There is no COPY from text into such a column, or a format is not covered.
    """
    convert = _converter(column, options)

    def read(field: str | None) -> str | None:
        value = None if field is None or _is_null(field, column, options) else convert(field)
        if value is None and column.not_null:
            raise FieldError(1213, "Missing data for not-null field")
        return value

    return read


def _is_null(field: str, column: Column, options: TextOptions) -> bool:
    if field == options.null_as:
        return True
    if not column.is_text:
        return not field.strip(_BLANKS)
    if not field:
        return options.empty_as_null
    return options.blanks_as_null and not field.strip(_BLANKS)


def _converter(column: Column, options: TextOptions) -> _Converter:
    if column.base in _INTEGERS:
        name, bits = _INTEGERS[column.base]
        return lambda field: _integer(field, name, bits)
    if column.is_text:
        return lambda field: _text(field, column, options)
    if column.base == "numeric":
        return lambda field: _decimal(field, column, round_up=options.round_decimals)
    if column.base.startswith(("timestamp", "date")):
        return _moment(column, options)
    try:
        return _OTHERS[column.base]
    except KeyError as problem:
        raise not_covered(f"COPY from text into a column of type {column.type}") from problem


def _invalid_digit(field: str, pattern: re.Pattern[str], kind: str) -> FieldError:
    fitting = pattern.match(field)
    position = fitting.end() if fitting else len(field) - len(field.lstrip("+-"))
    shown = field[position : position + 1]
    return FieldError(1207, f"Invalid digit, Value '{shown}', Pos {position}, Type: {kind}")


def _integer(field: str, kind: str, bits: int) -> str:
    if not _INTEGER.fullmatch(field):
        raise _invalid_digit(field, _INTEGER, kind)
    if not -(1 << bits) <= int(field) < 1 << bits:
        raise FieldError(1222, f"Overflow, Value '{field}', Type: {kind}")
    return field


def _decimal(field: str, column: Column, *, round_up: bool) -> str:
    if not _DECIMAL.fullmatch(field):
        raise _invalid_digit(field, _DECIMAL, "Decimal")
    precision, scale = column.sizes
    sign, digits, exponent = Decimal(field).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the pattern admits no NaN
    if len(digits) + exponent > precision - scale and any(digits):
        raise FieldError(1204, f"Overflow for NUMERIC({precision},{scale}), Value '{field}'")
    scaled = _scaled((sign, digits, exponent), scale, round_up=round_up)
    if abs(scaled) >= 10**precision:
        raise FieldError(1204, f"Overflow for NUMERIC({precision},{scale}), Value '{field}'")
    return f"{scaled}E-{scale}"


def _scaled(parts: tuple[int, tuple[int, ...], int], scale: int, *, round_up: bool) -> int:
    """The value as a whole number of units of its scale: COPY cuts, ROUNDEC rounds."""
    sign, digits, exponent = parts
    whole = int("".join(map(str, digits)) or "0")
    shift = exponent + scale
    if shift >= 0:
        found = whole * int(10**shift)
    else:
        rounding = ROUND_HALF_UP if round_up else ROUND_DOWN
        found = int((Decimal(f"{whole % 10**-shift}E{shift}")).to_integral_value(rounding)) + whole // 10**-shift
    return -found if sign else found


def _text(field: str, column: Column, options: TextOptions) -> str:
    if options.trim_blanks and column.base == "character varying":
        field = field.rstrip(_BLANKS)
    if "\0" in field:
        raise FieldError(1218, "Invalid null byte - field longer than 1 byte")
    size = len(field) if field.isascii() else len(_checked(field, column))
    if column.size is None or size <= column.size:
        return field
    if options.truncate_columns:
        return field.encode()[: column.size].decode(errors="ignore")
    kind = "String" if column.base == "character varying" else "Char"
    raise FieldError(1204, f"{kind} length exceeds DDL length")


def _checked(field: str, column: Column) -> bytes:
    data = field.encode(errors="surrogateescape")
    reason = utf8.invalid_reason(data)
    if reason:
        raise FieldError(utf8.CODE, reason)
    if column.base == "character":
        bad = next(character for character in field if not character.isascii()).encode().hex(" ")
        text = f"Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: {bad}"
        raise FieldError(utf8.CODE, text)
    return data


def _float(field: str) -> str:
    if not _FLOAT.fullmatch(field):
        raise FieldError(1208, f"Invalid floating point value, Value '{field}'")
    return field


def _boolean(field: str) -> str:
    word = field.lower()
    if word in _TRUE:
        return "t"
    if word in _FALSE:
        return "f"
    raise FieldError(1210, "Unknown boolean format")


def _moment(column: Column, options: TextOptions) -> _Converter:
    if column.base == "date":
        parse = times.date_parser(options.date_format)
        return lambda field: _parsed(field, parse, 1205, _date_reason(field, options.date_format), options)
    form = options.time_format
    parse = times.timestamp_parser(form, with_zone=column.base.endswith("with time zone"))
    reason = f"Invalid timestamp format or value [{form or 'YYYY-MM-DD HH24:MI:SS'}]"
    return lambda field: _parsed(field, parse, 1206, reason, options)


def _date_reason(field: str, form: str) -> str:
    if form == "YYYY-MM-DD" and len(field) < 10:
        return "Invalid Date Format - length must be 10 or more"
    return f"Invalid Date Format or value [{form}]"


def _parsed(field: str, parse: times.Parser, code: int, reason: str, options: TextOptions) -> str | None:
    try:
        return parse(field)
    except ValueError as problem:
        if options.accept_any_date:
            return None
        raise FieldError(code, reason) from problem


def _time(field: str) -> str:
    try:
        return times.time_parser(field)
    except ValueError as problem:
        raise FieldError(1206, "Invalid time format or value") from problem


def _super(field: str) -> str:
    try:
        return jsontext.compact(field)
    except ValueError as problem:
        raise FieldError(1224, f"Invalid JSON for SUPER: {problem}") from problem


_OTHERS: dict[str, _Converter] = {
    "real": _float,
    "double precision": _float,
    "boolean": _boolean,
    "super": _super,
    "time without time zone": _time,
    "time with time zone": _time,
}
