"""The query of each endpoint over a dataset, read from its parameters."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from .cursor import fingerprint, read_cursor
from .errors import Mistake, invalid, unknown_column
from .reader import Query, Reader, Selection
from .schemas import Dataset, Field

BUCKETS = ("hour", "day", "week", "month", "year")
DEFAULT_ROWS, MOST_ROWS = 100, 10_000
MOST_GROUPS = 10_000
# The least that a bucket lasts: a range that is sure to hold more than MOST_GROUPS of them is a mistake.
SHORTEST = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "week": dt.timedelta(days=7)}
DEFAULT_VALUES, MOST_VALUES = 20, 1_000
MOST_DIMENSIONS, MOST_METRICS = 5, 20
# Statistics take up to eleven outputs a column, and Redshift's target list ends at 1,664.
MOST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class RecordsQuery:
    """Rows asked for. `order` is the sort column and the tie breakers; `after` the sort values to go on behind.

    `began` is the dataset's version when the walk began, empty on the first page; `count` asks how many there are.
    """

    selection: Selection
    columns: tuple[str, ...]
    order: tuple[str, ...]
    descending: bool
    limit: int
    digest: str
    after: tuple[Any, ...] | None = None
    began: str = ""
    count: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """A number over the rows of a group; `column` is empty for the count of rows."""

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

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns of the answer."""
        return (*(("bucket",) if self.bucket else ()), *self.by, *(metric.name for metric in self.metrics))


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """Columns of whom statistics are asked for; `truncated` where the dataset has more."""

    selection: Selection
    columns: tuple[Field, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class ValuesQuery:
    """The most frequent values of a column are asked for."""

    selection: Selection
    column: Field
    limit: int


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """All rows of a selection are asked for as files of a format."""

    selection: Selection
    columns: tuple[str, ...]
    form: str


def read_records(dataset: Dataset, query: Query) -> RecordsQuery:
    """The query of /records.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query, "records")
    selection = reader.selection()
    columns = reader.names("columns", list(dataset.fields)) or tuple(dataset.fields)
    sortable = [field.name for field in dataset.fields.values() if field.sortable]
    sort, descending = reader.sort(sortable, dataset.default_sort)
    order = tuple(dict.fromkeys([sort, *dataset.tie_breaker]))
    limit = reader.limit(DEFAULT_ROWS, MOST_ROWS)
    count = reader.choice("count", ("exact",)) == "exact"
    asked = {name: list(values) for name, values in query.items() if name not in ("cursor", "limit", "format")}
    digest = fingerprint(dataset.name, sorted(asked.items()))
    kinds = [dataset.kind(name) for name in order]
    began, after = reader.parsed("cursor", lambda text: read_cursor(text, digest, kinds), ("", None))
    reader.finish()
    return RecordsQuery(selection, columns, order, descending, limit, digest, after, began, count)


def read_aggregate(dataset: Dataset, query: Query) -> AggregateQuery:
    """The query of /aggregate.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query, "aggregate")
    selection = reader.selection()
    known = metrics_of(dataset)
    metrics = tuple(known[name] for name in reader.names("metrics", list(known))) or (known["count"],)
    by = reader.names("by", [field.name for field in dataset.fields.values() if field.groupable])
    allowed = buckets_of(dataset)
    bucket = reader.choice("bucket", allowed, f"{dataset.time.name} is put into buckets of these sizes only")
    _check_range(reader, selection, bucket)
    outputs = [*(["bucket"] if bucket else []), *by, *(metric.name for metric in metrics)]
    for name in sorted({name for name in outputs if outputs.count(name) > 1}):
        reader.wrong("by", f"the column {name} cannot stand beside the output of the same name")
    if len(by) > MOST_DIMENSIONS or len(metrics) > MOST_METRICS:
        reader.wrong("by", f"at most {MOST_DIMENSIONS} columns in `by` and {MOST_METRICS} in `metrics`")
    sort, descending = reader.sort(outputs)
    limit = reader.limit(MOST_GROUPS, MOST_GROUPS)
    reader.finish()
    return AggregateQuery(selection, metrics, by, bucket, sort, descending, limit)


def _check_range(reader: Reader, selection: Selection, bucket: str) -> None:
    """A range given at both ends has to fit into the groups that an answer may have."""
    if bucket in SHORTEST and selection.start and selection.end:
        longest = SHORTEST[bucket] * MOST_GROUPS
        if selection.end - selection.start > longest:
            reader.wrong("bucket", f"{bucket} takes a range of at most {longest.days} days", buckets_of(reader.dataset))


def read_stats(dataset: Dataset, query: Query) -> StatsQuery:
    """The query of /stats.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query, "stats")
    selection = reader.selection()
    asked = reader.names("columns", list(dataset.fields)) or tuple(dataset.fields)
    if "columns" in query and len(asked) > MOST_COLUMNS:
        reader.wrong("columns", f"at most {MOST_COLUMNS} at once")
    reader.finish()
    columns = tuple(dataset.fields[name] for name in asked[:MOST_COLUMNS])
    return StatsQuery(selection, columns, len(asked) > MOST_COLUMNS)


def read_values(dataset: Dataset, column: str, query: Query) -> ValuesQuery:
    """The query of /values/{column}.

    Raises:
        ApiError: 400 with every mistake in it; 404, there is no such column.
    """
    groupable = [field.name for field in dataset.fields.values() if field.groupable]
    if column not in groupable:
        raise unknown_column(column, groupable)
    reader = Reader(dataset, query, "values")
    selection = reader.selection()
    limit = reader.limit(DEFAULT_VALUES, MOST_VALUES)
    reader.finish()
    return ValuesQuery(selection, dataset.fields[column], limit)


def read_days(dataset: Dataset, query: Query) -> Selection:
    """The range of /days.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query, "days")
    selection = reader.selection()
    reader.finish()
    return selection


def read_export(dataset: Dataset, query: Query, form: str) -> ExportQuery:
    """The query of an export.

    Raises:
        ApiError: 400 with every mistake in it.
    """
    reader = Reader(dataset, query, "exports")
    selection = reader.selection()
    columns = reader.names("columns", list(dataset.fields)) or tuple(dataset.fields)
    reader.finish()
    return ExportQuery(selection, columns, form)


def read_nothing(query: Query) -> None:
    """For endpoints without parameters.

    Raises:
        ApiError: 400 naming each that was given.
    """
    if query:
        raise invalid([Mistake(name[:200], "is no parameter of this endpoint; it has none") for name in query])


def buckets_of(dataset: Dataset) -> tuple[str, ...]:
    """The sizes that the dataset's event time can be put into; dates have no hours."""
    return BUCKETS[1:] if dataset.time.kind.name == "date" else BUCKETS


def metrics_of(dataset: Dataset) -> dict[str, Metric]:
    """Every metric that the dataset has, by the name that asks for it: count, or function:column."""
    pairs = [(function, f.name) for f in dataset.fields.values() for function in f.metrics]
    return {"count": Metric("count", "count")} | {f"{fn}:{c}": Metric(f"{fn}:{c}", fn, c) for fn, c in pairs}
