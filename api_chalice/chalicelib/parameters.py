"""A query string read against a dataset: everything wrong with it is found before anything is said."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .cursor import fingerprint, read_cursor
from .errors import Mistake, invalid
from .schemas import Dataset, Field
from .values import parse_moment

BUCKETS = ("hour", "day", "week", "month", "year")
DEFAULT_ROWS, MOST_ROWS, MOST_GROUPS = 100, 10_000, 10_000
MOST_DIMENSIONS, MOST_METRICS = 5, 20
RANGE = ("from", "to")
RECORDS = (*RANGE, "columns", "sort", "limit", "cursor")
AGGREGATE = (*RANGE, "metrics", "by", "bucket", "sort", "limit")
RESERVED = frozenset({*RECORDS, *AGGREGATE, "format", "count"})

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose column compares so to the values; `null` has one truth value."""

    field: Field
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a dataset: UTC range [start, end), open where None, and filters that all hold."""

    dataset: Dataset
    start: dt.datetime | None
    end: dt.datetime | None
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class RecordsQuery:
    """Rows asked for. `order` is the sort column and the tie breakers; `after` the sort values to go on behind."""

    selection: Selection
    columns: tuple[str, ...]
    order: tuple[str, ...]
    descending: bool
    limit: int
    digest: str
    after: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A number over the rows of a group; `column` is empty for count."""

    name: str
    function: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """Groups asked for. `sort` is the name of an output, or empty for the order of bucket and dimensions."""

    selection: Selection
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    bucket: str
    sort: str
    descending: bool
    limit: int


class Reader:
    """Takes one query string apart and collects what is wrong with it."""

    def __init__(self, dataset: Dataset, query: Query) -> None:
        self.dataset = dataset
        self.query = query
        self.mistakes: list[Mistake] = []

    def wrong(self, parameter: str, detail: str, allowed: Iterable[str] = ()) -> None:
        """Remember a mistake."""
        self.mistakes.append(Mistake(parameter, detail, tuple(allowed)))

    def finish(self) -> None:
        """Stop here if anything was wrong.

        Raises:
            ApiError: 400 with all mistakes.
        """
        if self.mistakes:
            raise invalid(self.mistakes)

    def one(self, parameter: str) -> str | None:
        """The value of a parameter that may stand once."""
        values = self.query.get(parameter, ())
        if len(values) > 1:
            self.wrong(parameter, "may be given only once")
        return values[0] if values else None

    def parsed(self, parameter: str, parse: Callable[[str], Any], default: Any = None) -> Any:
        """The value of a parameter that may stand once, read by `parse`."""
        text = self.one(parameter)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(parameter, str(error))
            return default

    def names(self, parameter: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """The names in a parameter: separated by commas, the parameter repeated, or both; each once."""
        found = [name for text in self.query.get(parameter, ()) for name in text.split(",")]
        for name in dict.fromkeys(found):
            if name not in allowed:
                self.wrong(parameter, f"there is no {name!r} here", allowed)
            elif found.count(name) > 1:
                self.wrong(parameter, f"{name} stands twice")
        return tuple(dict.fromkeys(name for name in found if name in allowed))

    def limit(self, default: int, most: int) -> int:
        """The parameter `limit`, a whole number from 1."""

        def parse(text: str) -> int:
            if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
                raise ValueError(f"must be a whole number from 1 to {most}")
            return int(text)

        return int(self.parsed("limit", parse, default))

    def sort(self, allowed: Sequence[str], default: str = "") -> tuple[str, bool]:
        """The name in `sort`, and whether it goes downwards."""
        text = self.one("sort")
        if text is None:
            return default, False
        name = text.removeprefix("-")
        if name not in allowed:
            self.wrong("sort", f"cannot sort by {name!r}; put - in front to go downwards", allowed)
            return default, False
        return name, text.startswith("-")

    def selection(self, own: Sequence[str]) -> Selection:
        """Range and filters: every parameter that is not one of the endpoint's `own` is a filter."""
        start, end = self.parsed("from", parse_moment), self.parsed("to", parse_moment)
        if start and end and start >= end:
            self.wrong("from", "must be before `to`: `from` belongs to the range, `to` does not")
        filters = [self._filter(name, own) for name in self.query if name not in own]
        return Selection(self.dataset, start, end, tuple(f for f in filters if f))

    def _filter(self, parameter: str, own: Sequence[str]) -> Filter | None:
        name, operator = _split(parameter, self.dataset)
        field = self.dataset.fields.get(name)
        if field is None:
            self.wrong(parameter, "is neither a parameter nor a column here", [*own, *self.dataset.fields])
            return None
        if operator not in field.operators:
            allowed = [f"{name}__{op}" for op in field.operators]
            self.wrong(parameter, f"there is no filter {operator!r} for {name}", allowed)
            return None
        return self._values(parameter, field, operator)

    def _values(self, parameter: str, field: Field, operator: str) -> Filter | None:
        texts = self.query[parameter]
        if operator not in ("eq", "ne") and len(texts) > 1:
            self.wrong(parameter, "may be given only once")
            return None
        parse = _truth if operator == "null" else field.kind.parse
        values = []
        for text in texts:
            try:
                values.append(parse(text))
            except ValueError as error:
                self.wrong(parameter, f"{text[:100]!r} {error}")
        return Filter(field, operator, tuple(values))


def read_records(dataset: Dataset, query: Query) -> RecordsQuery:
    """The query of /records.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query)
    selection = reader.selection(RECORDS)
    columns = reader.names("columns", list(dataset.fields)) or tuple(dataset.fields)
    sortable = [field.name for field in dataset.fields.values() if field.sortable]
    sort, descending = reader.sort(sortable, dataset.time.name)
    order = tuple(dict.fromkeys([sort, *dataset.tie_breaker]))
    limit = reader.limit(DEFAULT_ROWS, MOST_ROWS)
    asked = {name: list(values) for name, values in query.items() if name not in ("cursor", "limit")}
    digest = fingerprint(dataset.name, sorted(asked.items()))
    kinds = [dataset.kind(name) for name in order]
    after = reader.parsed("cursor", lambda text: read_cursor(text, digest, kinds))
    reader.finish()
    return RecordsQuery(selection, columns, order, descending, limit, digest, after)


def read_aggregate(dataset: Dataset, query: Query) -> AggregateQuery:
    """The query of /aggregate.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query)
    selection = reader.selection(AGGREGATE)
    known = metrics_of(dataset)
    metrics = tuple(known[name] for name in reader.names("metrics", list(known))) or (known["count"],)
    by = reader.names("by", [field.name for field in dataset.fields.values() if field.groupable])
    bucket = _bucket(reader)
    outputs = [*(["bucket"] if bucket else []), *by, *(metric.name for metric in metrics)]
    for name in sorted({name for name in outputs if outputs.count(name) > 1}):
        reader.wrong("by", f"the column {name} cannot stand beside the output of the same name")
    if len(by) > MOST_DIMENSIONS or len(metrics) > MOST_METRICS:
        reader.wrong("by", f"at most {MOST_DIMENSIONS} columns in `by` and {MOST_METRICS} in `metrics`")
    sort, descending = reader.sort(outputs)
    limit = reader.limit(MOST_GROUPS, MOST_GROUPS)
    reader.finish()
    return AggregateQuery(selection, metrics, by, bucket, sort, descending, limit)


def read_nothing(query: Query) -> None:
    """For endpoints without parameters.

    Raises:
        ApiError: 400 naming each that was given.
    """
    if query:
        raise invalid([Mistake(name, "is no parameter of this endpoint; it has none") for name in query])


def metrics_of(dataset: Dataset) -> dict[str, Metric]:
    """Every metric that the dataset has, by the name that asks for it: count, or function:column."""
    pairs = [(function, f.name) for f in dataset.fields.values() for function in f.metrics]
    return {"count": Metric("count", "count")} | {f"{fn}:{c}": Metric(f"{fn}:{c}", fn, c) for fn, c in pairs}


def _bucket(reader: Reader) -> str:
    allowed = BUCKETS[1:] if reader.dataset.time.kind.name == "date" else BUCKETS
    text = reader.one("bucket")
    if text is not None and text not in allowed:
        reader.wrong("bucket", f"{text!r} is no bucket of {reader.dataset.time.name}", allowed)
    return text or ""


def _split(parameter: str, dataset: Dataset) -> tuple[str, str]:
    """Column and operator that a parameter names. A column named like a parameter is reached by col__eq."""
    if parameter in dataset.fields and parameter not in RESERVED:
        return parameter, "eq"
    name, mark, operator = parameter.rpartition("__")
    return (name, operator) if mark and name in dataset.fields else (parameter, "eq")


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"
