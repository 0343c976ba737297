"""Slices of a source that is read whole: how much of it one pass reads, and where the next one goes on.

Where a slice ends depends on the source alone, never on time, so that reading again gives the same objects.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from lambdas.common.errors import RequestError

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

    `run` names the reading of the source that the slice belongs to; the first slice begins one.
    """

    number: int = 0
    at: Mapping[str, Any] | None = None
    run: str | None = None

    def following(self, at: Mapping[str, Any] | None) -> "Slice | None":
        """The next slice of the same reading; None where nothing is left."""
        return None if at is None else Slice(self.number + 1, at, self.run or uuid4().hex)

    def remaining(self) -> dict[str, Any]:
        """The slice as an answer says it, for the event that goes on with it."""
        return {"slice": {"number": self.number, "at": self.at, "run": self.run}}


def read_slice(event: Mapping[str, Any]) -> Slice:
    """The slice that an event goes on with: what `remaining` of the answer before said.

    Raises:
        RequestError: it says no such thing.
    """
    given = event.get("slice")
    if given is None:
        return Slice()
    number, at, run = map(given.get, ("number", "at", "run")) if isinstance(given, Mapping) else (None, None, None)
    if not isinstance(number, int) or not 0 < number < MOST_SLICES:
        number = None
    if number is None or not isinstance(at, Mapping) or not RUN.fullmatch(str(run)):
        raise RequestError(f"slice is {given!r}; it must be what `remaining` of an answer says")
    return Slice(number, at, run)


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
