"""Answers as JSON. Times in UTC with Z, dates as YYYY-MM-DD, decimals as text: a JSON number would lose digits."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from .errors import CONTENT_TYPE, ApiError, too_large
from .parameters import AggregateQuery
from .schemas import Dataset

OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
# Lambda hands on 6,291,556 bytes, in which the body is a JSON text: its quotes take two bytes each.
MOST_BYTES = 6_000_000
LARGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the client. The body is a text: Chalice would encode anything else by itself."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def answer(document: dict[str, Any]) -> Answer:
    """The document with status 200.

    Raises:
        ApiError: 413, the document is too large to be sent.
    """
    body = orjson.dumps(document, default=_default, option=OPTIONS).decode()
    size = len(body.encode()) + body.count('"') + body.count("\\")
    if size > MOST_BYTES:
        raise too_large(size, MOST_BYTES)
    return Answer(body, headers={"Content-Type": "application/json"})


def problem(error: ApiError, request_id: str) -> Answer:
    """The error as application/problem+json."""
    body = orjson.dumps(error.body(request_id)).decode()
    return Answer(body, error.status, {"Content-Type": CONTENT_TYPE, **error.headers})


def value_writers(
    dataset: Dataset, names: Iterable[str], asked: AggregateQuery | None
) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """By output, how to write values that orjson would write wrongly: sums of whole numbers, and SUPER."""
    metrics = {metric.name: metric for metric in asked.metrics} if asked else {}
    for name in names:
        metric = metrics.get(name)
        if metric is None:
            if name in dataset.fields and dataset.fields[name].kind.name == "super":
                yield name, _json
        elif metric.function == "sum" and dataset.fields[metric.column].kind.name == "integer":
            yield name, _whole


def _default(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no way to write a {type(value).__name__}")


def _whole(value: Any) -> int | str:
    """A JSON number as long as 64 bits hold it, else text."""
    number = int(value)
    return number if -LARGEST_INTEGER <= number < LARGEST_INTEGER else str(number)


def _json(value: Any) -> Any:
    return orjson.Fragment(value) if isinstance(value, str) else value
