"""Slices of a source that is read whole: how much of it one pass reads, and where the next one goes on.

Where a slice ends depends on the source alone, never on time, so that reading again gives the same objects.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from lambdas.common.errors import RequestError
from lambdas.common.remaining import shown

# What a function of 1 GiB with a disk of 2 GiB reads and lands in a part of its time.
SLICE_ROWS = 2_000_000
SLICE_BYTES = 256 << 20
# Parts of a day that one slice may write; their numbers begin anew with each.
PARTS = 1000
MOST_SLICES = 1000
CHECK_ROWS = 10_000
RUN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Slice:
    """The `number`th slice, from 0; `at` says to the extractor where it begins, and is None at the beginning.

    `run` names the reading of the source that the slice belongs to; the first slice begins one. `put` and `released`
    are how many of its objects former calls have landed, whose time was up before the last one.
    """

    number: int = 0
    at: Mapping[str, Any] | None = None
    run: str | None = None
    put: int = 0
    released: int = 0

    def following(self, at: Mapping[str, Any] | None) -> "Slice | None":
        """The next slice of the same reading; None where nothing is left."""
        return None if at is None else Slice(self.number + 1, at, self.run or uuid4().hex)

    def again(self, run: str | None, *, put: int, released: int) -> "Slice":
        """The same slice, of which so many objects more have landed."""
        return replace(self, run=run, put=self.put + put, released=self.released + released)

    def remaining(self) -> dict[str, Any]:
        """The slice as an answer says it, for the event that goes on with it."""
        begun = {"put": self.put, "released": self.released} if self.put or self.released else {}
        return {"slice": {"number": self.number, "at": self.at, "run": self.run, **begun}}


def read_slice(event: Mapping[str, Any]) -> Slice:
    """The slice that an event goes on with: what `remaining` of the answer before said.

    Raises:
        RequestError: it says no such thing.
    """
    given = event.get("slice")
    if given is None:
        return Slice()
    found = _slice(given) if isinstance(given, Mapping) else None
    if found is None:
        raise RequestError(f"slice is {shown(event)['slice']!r}; it must be what `remaining` of an answer says")
    return found


def _slice(given: Mapping[str, Any]) -> Slice | None:
    number, at, run = map(given.get, ("number", "at", "run"))
    put, released = given.get("put", 0), given.get("released", 0)
    if not all(isinstance(count, int) and count >= 0 for count in (number, put, released)):
        return None
    named = bool(RUN.fullmatch(str(run)))
    # the first slice begins at no place, and is gone on with only where it has landed in part
    first = number == 0 and at is None and bool(put or released) and (named or run is None)
    later = number and number < MOST_SLICES and isinstance(at, Mapping) and named
    return Slice(number or 0, at, run, put, released) if first or later else None


def read_filled(event: Mapping[str, Any]) -> set[dt.date]:
    """The days that a dry run's former slices would have filled: what `remaining` of the answer before said.

    Raises:
        RequestError: it says no such thing.
    """
    given = event.get("filled", [])
    try:
        return {dt.date.fromisoformat(day) for day in given}
    except (TypeError, ValueError) as error:
        raise RequestError(f"filled is {given!r}; it must be what `remaining` of an answer says") from error


@dataclass(slots=True)
class Cut:
    """The records of several parts, one after the other, from the row `skip` of the first on, until a slice is full.

    `stopped` then is the part and the row at which the next slice begins. `check_time` gets the number of the row now
    and then while rows are passed over; what it raises ends the reading.
    """

    parts: Sequence[Iterable[Any]]
    skip: int
    check_time: Callable[[int], None]
    stopped: tuple[int, int] | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[Any]:
        count = 0
        for number, part in enumerate(self.parts):
            first = self.skip if number == 0 else 0
            for row, record in enumerate(part):
                if row < first:
                    if row % CHECK_ROWS == 0:
                        self.check_time(row)
                    continue
                if count == SLICE_ROWS:
                    self.stopped = (number, row)
                    return
                count += 1
                yield record
