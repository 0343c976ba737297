"""Queries compiled to Redshift SQL: names come from the contract and are quoted, values are only ever bound.

Redshift has neither row comparison nor FILTER: a position in an order is written out column by column.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.common.db.sql import identifier

from .metrics import metric_sql
from .parameters import AggregateQuery, RecordsQuery, StatsQuery, ValuesQuery
from .reader import Filter, Selection
from .schemas import Dataset, Field
from .values import Kind

COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "LIKE", "ilike": "ILIKE"}
MIDNIGHT = dt.time(0)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and the values of its placeholders in their order."""

    sql: str
    values: tuple[Any, ...] = ()

    def __add__(self, other: "Statement") -> "Statement":
        """Both, one behind the other."""
        return Statement(f"{self.sql} {other.sql}", (*self.values, *other.values))


def compile_records(query: RecordsQuery) -> Statement:
    """SELECT of the rows, one more than asked for: it tells whether there is a next page.

    The columns of `order` that were not asked for come behind the others.
    """
    dataset = query.selection.dataset
    shown = dict.fromkeys([*query.columns, *query.order])
    conditions = selection_conditions(query.selection)
    if query.after is not None:
        conditions.append(_behind(dataset, query.order, query.after, descending=query.descending))
    direction = "DESC" if query.descending else "ASC"
    order = ", ".join(f"{identifier(name)} {direction}" for name in query.order)
    head = Statement(f"SELECT {', '.join(identifier(name) for name in shown)} FROM {dataset.relation}")
    return head + _where(conditions) + Statement(f"ORDER BY {order} LIMIT {int(query.limit) + 1}")


def compile_rows(selection: Selection, columns: Sequence[str]) -> Statement:
    """SELECT of all rows, in no order."""
    head = Statement(f"SELECT {', '.join(identifier(name) for name in columns)} FROM {selection.dataset.relation}")
    return head + _where(selection_conditions(selection))


def compile_aggregate(query: AggregateQuery) -> Statement:
    """SELECT of the groups, one more than asked for: it tells whether some were cut off."""
    dataset = query.selection.dataset
    keys = [identifier(name) for name in query.by]
    if query.bucket:
        keys.insert(0, f'{_bucket(dataset.time, query.bucket)} AS "bucket"')
    metrics = [
        f'{metric_sql(dataset.fields[m.column], m.function) if m.column else "COUNT(*)"} AS "{m.name}"'
        for m in query.metrics
    ]
    head = Statement(f"SELECT {', '.join([*keys, *metrics])} FROM {dataset.relation}")
    positions = [str(place) for place in range(1, len(keys) + 1)]
    tail = f"GROUP BY {', '.join(positions)}" if positions else ""
    order = _aggregate_order(query, positions)
    tail += f" ORDER BY {', '.join(order)}" if order else ""
    return head + _where(selection_conditions(query.selection)) + Statement(f"{tail} LIMIT {int(query.limit) + 1}")


def compile_count(selection: Selection) -> Statement:
    """SELECT of how many rows are selected."""
    return Statement(f'SELECT COUNT(*) AS "count" FROM {selection.dataset.relation}') + _where(
        selection_conditions(selection)
    )


def compile_stats(query: StatsQuery) -> Statement:
    """SELECT of one row: `count`, and behind it each column's metrics, named by their places."""
    outputs = ['COUNT(*) AS "count"']
    for place, field in enumerate(query.columns):
        outputs += [f'{metric_sql(field, metric)} AS "{metric}_{place}"' for metric in statistics_of(field)]
    head = Statement(f"SELECT {', '.join(outputs)} FROM {query.selection.dataset.relation}")
    return head + _where(selection_conditions(query.selection))


def statistics_of(field: Field) -> tuple[str, ...]:
    """Which of the column's metrics its statistics show."""
    return tuple(metric for metric in field.metrics if metric not in ("sum", "p1", "p10", "p90", "p99"))


def compile_values(query: ValuesQuery) -> Statement:
    """SELECT of the values and their counts, the most frequent first, one more than asked for."""
    name = identifier(query.column.name)
    head = Statement(f'SELECT {name} AS "value", COUNT(*) AS "count" FROM {query.selection.dataset.relation}')
    tail = Statement(f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(query.limit) + 1}")
    return head + _where(selection_conditions(query.selection)) + tail


def selection_conditions(selection: Selection) -> list[Statement]:
    """What a row must fulfil to be selected."""
    field = selection.dataset.time
    bounds = ((">=", selection.start), ("<", selection.end))
    conditions = [
        Statement(f"{identifier(field.name)} {sign} {field.kind.placeholder}", (_bound(field.kind, moment),))
        for sign, moment in bounds
        if moment is not None
    ]
    return conditions + [_filter(item) for item in selection.filters]


def _where(conditions: Sequence[Statement]) -> Statement:
    values = tuple(value for condition in conditions for value in condition.values)
    return Statement("WHERE " + " AND ".join(c.sql for c in conditions) if conditions else "", values)


def _bound(kind: Kind, moment: dt.datetime) -> dt.datetime | dt.date:
    """The bound for the type of the time column. A date is its midnight: a bound within a day is the next date."""
    if kind.name == "date":
        next_day = dt.timedelta(days=1 if moment.time() > MIDNIGHT else 0)
        return moment.date() + next_day if moment.date() < dt.date.max else moment.date()
    return moment.replace(tzinfo=dt.UTC) if kind.name == "timestamptz" else moment


def _filter(item: Filter) -> Statement:
    name, placeholder = identifier(item.field.name), item.field.kind.placeholder
    if item.operator == "null":
        return Statement(f"{name} IS {'NULL' if item.values[0] else 'NOT NULL'}")
    if item.operator in COMPARE:
        return Statement(f"{name} {COMPARE[item.operator]} {placeholder}", item.values)
    sign = "NOT IN" if item.operator == "ne" else "IN"
    return Statement(f"{name} {sign} ({', '.join([placeholder] * len(item.values))})", item.values)


def _behind(dataset: Dataset, order: Sequence[str], after: Sequence[Any], *, descending: bool) -> Statement:
    """Rows behind a position: a > x OR (a = x AND (b > y OR ...)), with a >= x in front so that blocks are skipped."""
    sign = "<" if descending else ">"
    nested: Statement | None = None
    for name, value in reversed(list(zip(order, after, strict=True))):
        column, placeholder = identifier(name), dataset.kind(name).placeholder
        strict = Statement(f"{column} {sign} {placeholder}", (value,))
        if nested is None:
            nested = strict
        else:
            nested = Statement(
                f"({strict.sql} OR ({column} = {placeholder} AND {nested.sql}))", (value, value, *nested.values)
            )
    first = Statement(f"{identifier(order[0])} {sign}= {dataset.kind(order[0]).placeholder} AND", (after[0],))
    return first + nested if nested else first


def _bucket(time: Field, bucket: str) -> str:
    if time.kind.name == "date":
        return f"CAST(DATE_TRUNC('{bucket}', CAST({identifier(time.name)} AS timestamp)) AS date)"
    return f"DATE_TRUNC('{bucket}', {identifier(time.name)})"


def _aggregate_order(query: AggregateQuery, positions: list[str]) -> list[str]:
    if not query.sort:
        return positions
    first = f"{query.outputs.index(query.sort) + 1} {'DESC' if query.descending else 'ASC'}"
    return [first, *positions]
