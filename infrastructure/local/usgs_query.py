"""The parameters of an fdsnws event query: read, checked, applied to recorded GeoJSON features."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_EVENTS = 20_000
Feature = dict[str, Any]
Test = Callable[[Feature], bool]


class BadRequestError(ValueError):
    """The query is refused; the text says why."""


@dataclass
class Query:
    """What was asked for: all tests must hold; `offset` counts from 1; without a limit at most 20,000 events."""

    tests: list[Test] = field(default_factory=list)
    orderby: str = "time"
    limit: int | None = None
    offset: int = 1


def parse(parameters: Iterable[tuple[str, str]], *, limited: bool = True) -> Query:
    """The query in these parameters.

    Args:
        parameters: names and values as in the URL.
        limited: whether more events than the service gives at once are refused (true for query, not for count).

    Raises:
        BadRequestError: an unknown or repeated name, or a value out of its range.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name in given:
            raise BadRequestError(f'Parameter "{name}" is given more than once')
        given[name] = value
    unknown = sorted(set(given) - set(_READERS))
    if unknown:
        raise BadRequestError(f"Unknown parameter(s): {', '.join(unknown)}")
    query = Query()
    for name, value in given.items():
        _READERS[name](query, name, value)
    if limited and query.limit is None:
        query.limit = MOST_EVENTS
    return query


def select(features: Iterable[Feature], query: Query) -> list[Feature]:
    """The features that pass, in the order and the window asked for."""
    key, descending = _ORDERS[query.orderby]
    passed = [feature for feature in features if all(test(feature) for test in query.tests)]
    # the id makes pages stable where two events share a time or a magnitude
    passed.sort(key=lambda feature: (key(feature), feature["id"]), reverse=descending)
    first = query.offset - 1
    return passed[first:] if query.limit is None else passed[first : first + query.limit]


def _time(feature: Feature) -> float:
    return float(feature["properties"]["time"])


def _magnitude(feature: Feature) -> float:
    magnitude = feature["properties"]["mag"]
    return -math.inf if magnitude is None else float(magnitude)


_ORDERS: dict[str, tuple[Callable[[Feature], float], bool]] = {
    "time": (_time, True),
    "time-asc": (_time, False),
    "magnitude": (_magnitude, True),
    "magnitude-asc": (_magnitude, False),
}


def _instant(name: str, value: str) -> float:
    """Milliseconds since 1970 of an ISO 8601 time; without a zone it is UTC."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadRequestError(f'Bad {name} value "{value}". Valid values are ISO-8601 timestamps.') from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise BadRequestError(f'Bad {name} value "{value}". Valid values are numbers.') from error
    if not math.isfinite(number):
        raise BadRequestError(f'Bad {name} value "{value}". Valid values are numbers.')
    return number


def _count(name: str, value: str, most: float) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= most:
        raise BadRequestError(f'Bad {name} value "{value}". Valid values are 1 to {most:,.0f}.')
    return int(value)


def _format(_query: Query, name: str, value: str) -> None:
    if value != "geojson":
        raise BadRequestError(f'Bad {name} value "{value}". This replay answers geojson only.')


def _order(query: Query, name: str, value: str) -> None:
    if value not in _ORDERS:
        raise BadRequestError(f'Bad {name} value "{value}". Valid values are {", ".join(_ORDERS)}.')
    query.orderby = value


def _limit(query: Query, name: str, value: str) -> None:
    query.limit = _count(name, value, MOST_EVENTS)


def _offset(query: Query, name: str, value: str) -> None:
    query.offset = _count(name, value, math.inf)


def _at_least(read: Callable[[str, str], float], of: Callable[[Feature], float | None]) -> Callable[..., None]:
    def add(query: Query, name: str, value: str) -> None:
        bound = read(name, value)
        query.tests.append(lambda feature: (found := of(feature)) is not None and found >= bound)

    return add


def _at_most(read: Callable[[str, str], float], of: Callable[[Feature], float | None]) -> Callable[..., None]:
    def add(query: Query, name: str, value: str) -> None:
        bound = read(name, value)
        query.tests.append(lambda feature: (found := of(feature)) is not None and found <= bound)

    return add


def _property(name: str) -> Callable[[Feature], float | None]:
    return lambda feature: feature["properties"][name]


def _coordinate(index: int) -> Callable[[Feature], float | None]:
    return lambda feature: feature["geometry"]["coordinates"][index]


_READERS: dict[str, Callable[[Query, str, str], None]] = {
    "format": _format,
    "orderby": _order,
    "limit": _limit,
    "offset": _offset,
    "starttime": _at_least(_instant, _property("time")),
    "endtime": _at_most(_instant, _property("time")),
    "updatedafter": _at_least(_instant, _property("updated")),
    "minmagnitude": _at_least(_number, _property("mag")),
    "maxmagnitude": _at_most(_number, _property("mag")),
    "minlongitude": _at_least(_number, _coordinate(0)),
    "maxlongitude": _at_most(_number, _coordinate(0)),
    "minlatitude": _at_least(_number, _coordinate(1)),
    "maxlatitude": _at_most(_number, _coordinate(1)),
    "mindepth": _at_least(_number, _coordinate(2)),
    "maxdepth": _at_most(_number, _coordinate(2)),
}
