"""What the tables hold, worked out from the current raw objects and from nothing else."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A raw row; `n` may be 100 at most, `id` is required, `v` is the version where the source has one."""

    id: str | None
    at: dt.datetime
    n: int | None = 1
    v: int | None = 1


class Line(NamedTuple):
    """A row of a table."""

    id: str
    at: dt.datetime
    n: int | None
    v: int | None
    raw_key: str
    raw_row: int


def accepted(row: Row) -> bool:
    """Whether the contract lets the row in."""
    return row.id is not None and (row.n is None or row.n <= 100)


def tables(objects: Mapping[str, Sequence[Row]], key: Sequence[str], *, version: bool) -> tuple[list[Line], list[Line]]:
    """Core and history: raw key -> rows in, both sorted by raw key and row out."""
    history = [
        Line(*row, raw_key, number)  # type: ignore[arg-type]
        for raw_key in sorted(objects)
        for number, row in enumerate(objects[raw_key])
        if accepted(row)
    ]
    if not key:
        return history, []
    winners: dict[tuple[object, ...], Line] = {}
    for line in sorted(history, key=lambda x: (version and (x.v is not None, x.v or 0), x.raw_key, x.raw_row)):
        winners[tuple(getattr(line, name) for name in key)] = line
    return sorted(winners.values(), key=lambda x: (x.raw_key, x.raw_row)), history
