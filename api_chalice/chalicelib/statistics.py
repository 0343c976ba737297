"""Statistics of columns: one wide row of the warehouse turned into one row a column."""

from collections.abc import Mapping
from typing import Any

from .parameters import StatsQuery
from .query import statistics_of
from .schemas import Field

OUTPUTS = (
    "column", "type", "count", "nulls", "approx_distinct", "min", "max", "avg", "stddev",
    "p5", "p25", "p50", "p75", "p95",
)  # fmt: skip


def columns_of(query: StatsQuery, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The row of `compile_stats`, a row a column; None for what a column's type does not have."""
    rows = int(found["count"])
    return [_column(field, found, rows, place) for place, field in enumerate(query.columns)]


def _column(field: Field, found: Mapping[str, Any], rows: int, place: int) -> dict[str, Any]:
    metrics = {metric: found[f"{metric}_{place}"] for metric in statistics_of(field)}
    told = {"column": field.name, "type": field.column.logical_type, "nulls": rows - int(metrics["count"])}
    return dict.fromkeys(OUTPUTS) | metrics | told
