"""Functions of dates and times; catalog/calendar.sql has their parts."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import arguments, call, cast, date_part
from infrastructure.local.redshift.errors import not_covered

_UNITS = {"milliseconds": "1000", "microseconds": "1000000"}


def whole_extract(node: exp.Extract) -> exp.Expr:
    """EXTRACT gives the named part alone, as an integer (DG/r_Dateparts_for_datetime_functions)."""
    part = date_part(node.this, read=True)
    if part == "microseconds":
        raise not_covered("EXTRACT of microseconds; the manual and its examples do not agree on it")
    kept: exp.Expr = call("trunc", exp.Extract(this=exp.var(part.upper()), expression=node.expression.copy()))
    if part == "decade":
        kept = _next(kept)
    if part == "milliseconds":
        kept = exp.Paren(this=exp.Mod(this=kept, expression=exp.Literal.number(_UNITS[part])))
    return cast(kept, "bigint" if part == "epoch" else "integer")


def _next(decade: exp.Expr) -> exp.Expr:
    """Decade 1 begins with the year 1 (DG/r_Dateparts_for_datetime_functions); PostgreSQL calls it 0."""
    return exp.Paren(this=exp.Add(this=decade, expression=exp.Literal.number(1)))


def _part_first(node: exp.Anonymous) -> exp.Expr:
    """DATE_TRUNC and DATE_PART: the part may be a bare word; a string as the date has no zone."""
    given, value = arguments(node, 2)
    named = isinstance(given, (exp.Literal, exp.Column, exp.Var))
    part = date_part(given, read=node.name == "date_part") if named else ""
    name: exp.Expr = exp.Literal.string(part) if part else given
    found = call(node.name, name, _timestamp(value))
    if node.name == "date_part" and part == "decade":
        return _next(found)
    if node.name != "date_part" or part not in _UNITS:
        return found
    fraction = exp.Mod(this=cast(found, "numeric"), expression=exp.Literal.number(_UNITS[part]))
    return cast(exp.Paren(this=fraction), "double precision")


def _date_function(node: exp.Anonymous) -> exp.Expr:
    part, first, second = arguments(node, 3)
    name = {"date_add": "dateadd", "date_diff": "datediff"}.get(node.name, node.name)
    first = _timestamp(first) if name == "datediff" else first
    return call(name, exp.Literal.string(date_part(part)), first, _timestamp(second))


def _timestamp(node: exp.Expr) -> exp.Expr:
    """A string that stands for a time is one without a zone."""
    return cast(node, "timestamp") if isinstance(node, exp.Literal) and node.is_string else node


def _of_timestamps(node: exp.Anonymous) -> exp.Expr:
    first, *rest = arguments(node, 1, 2)
    rest = [_timestamp(item) for item in rest] if node.name == "months_between" else rest
    return call(node.name, cast(first, "timestamp"), *rest)


def _from_text(node: exp.Anonymous) -> exp.Expr:
    value, form, *strict = arguments(node, 2, 3)
    return call(f"rs_{node.name}", cast(value, "varchar"), form, strict[0] if strict else exp.false())


def _compared(node: exp.Anonymous) -> exp.Expr:
    first, second = arguments(node, 2)
    return call("interval_cmp", cast(first, "interval"), cast(second, "interval"))


def _timezone(node: exp.Anonymous) -> exp.Expr:
    zone, value = arguments(node, 2)
    return call("timezone", zone, _timestamp(value))


CALENDAR: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "add_months": _of_timestamps,
    "date_add": _date_function,
    "date_diff": _date_function,
    "date_part": _part_first,
    "date_trunc": _part_first,
    "dateadd": _date_function,
    "datediff": _date_function,
    "interval_cmp": _compared,
    "last_day": _of_timestamps,
    "months_between": _of_timestamps,
    "next_day": _of_timestamps,
    "pgdate_part": lambda node: _part_first(exp.Anonymous(this="date_part", expressions=node.expressions)),
    "timezone": _timezone,
    "to_date": _from_text,
    "to_timestamp": _from_text,
}
