"""A table that is read whole, slice by slice in the order of its key: each slice begins behind the last key before.

Rows that are inserted or deleted meanwhile shift nothing, as they would where rows were counted. Which keys are equal,
and which comes first, only the database says: it may hold d and D for one.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lambdas.ingest import slices

# values that JSON has not, by the name of their class: how they are written and read
WRITTEN: dict[str, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (dt.datetime.isoformat, dt.datetime.fromisoformat),
    "date": (dt.date.isoformat, dt.date.fromisoformat),
    "Decimal": (str, Decimal),
    "UUID": (str, uuid.UUID),
}
# where NULL would come last, so that no slice began behind it
NULLS_LAST = ("postgresql", "oracle")


@dataclass(slots=True)
class Keyset:
    """`names` are the key's columns as the database spells them. `following` is set where another slice follows."""

    names: Sequence[str]
    after: Sequence[Any] | None
    following: dict[str, Any] | None = field(default=None, init=False)

    def bounded(self, statement: Any, connection: Any) -> Any:
        """The statement's rows of this slice, in the order of the key: behind the last key, until one is full."""
        from sqlalchemy import column

        columns: list[Any] = [column(name) for name in self.names]
        if self.after is not None:
            statement = statement.where(_behind(columns, [_read(value) for value in self.after]))
        nulls_last = connection.dialect.name in NULLS_LAST
        statement = statement.order_by(*(c.asc().nulls_first() if nulls_last else c for c in columns))
        last = self._last(statement.with_only_columns(*columns, maintain_column_froms=True), connection)
        if last is None:
            return statement
        self.following = {"after": [_written(value) for value in last]}
        return statement.where(_up_to(columns, [_read(value) for value in self.following["after"]]))

    def positions(self) -> list[Any]:
        """The values of the keys at which this slice begins and ends: no message shows them."""
        return [_read(value) for value in [*(self.after or ()), *(self.following or {}).get("after", ())]]

    def _last(self, keys: Any, connection: Any) -> Sequence[Any] | None:
        """The key of the row that fills the slice; None where no row comes after it, or the key cannot be written."""
        found = connection.execute(keys.offset(slices.SLICE_ROWS - 1).limit(2)).fetchall()
        return found[0] if len(found) == 2 and all(map(_is_writable, found[0])) else None


def _same(columns: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    return [c.is_(None) if v is None else c == v for c, v in zip(columns, values, strict=True)]


def _behind(columns: Sequence[Any], values: Sequence[Any]) -> Any:
    """SQL: the columns' values come behind these; NULL comes first."""
    from sqlalchemy import and_, or_

    choices = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = _same(columns[:place], values[:place])
        choices.append(and_(*same, column.is_not(None) if value is None else column > value))
    return or_(*choices)


def _up_to(columns: Sequence[Any], values: Sequence[Any]) -> Any:
    """SQL: every row that is not behind these values. NOT would not do: it knows nothing of NULL."""
    from sqlalchemy import and_, or_

    choices = [and_(*_same(columns, values))]
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        if value is not None:
            same = _same(columns[:place], values[:place])
            choices.append(and_(*same, or_(column.is_(None), column < value)))
    return or_(*choices)


def _is_writable(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str) or type(value).__name__ in WRITTEN


def _written(value: Any) -> Any:
    kind = type(value).__name__
    return {kind: WRITTEN[kind][0](value)} if kind in WRITTEN else value


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    ((kind, text),) = value.items()
    return WRITTEN[kind][1](text)
