"""One pass over a source, as every extractor gets it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract.model import Column
from lambdas.common.errors import SourceUnavailable
from lambdas.ingest.request import Options, Window
from lambdas.ingest.slices import Cut, Slice
from lambdas.ingest.spool import Rows, Spool


@dataclass(frozen=True, slots=True)
class Job:
    """One pass: the extractor's configuration with its tokens filled, and where the rows go.

    `deadline` is a value of time.monotonic(); there is no window where the source is read whole, in slices of which
    this is `slice`. `redact` takes the secrets out of a text; what is cut goes through it before. `key` are the raw
    columns of the contract's key, where it is made of raw columns as they are; `event_time` is its partition column.
    """

    source: str
    config: Mapping[str, Any]
    window: Window | None
    options: Options
    spool: Spool
    deadline: float
    redact: Callable[[str], str]
    slice: Slice
    key: tuple[str, ...]
    event_time: Column

    def keep(self, records: Iterable[Any]) -> Rows:
        """The records, in the spool.

        Raises:
            SourceError: a record is no mapping, or two of its keys differ in case alone.
            SourceUnavailable: the deadline passed before the last record.
        """
        return self.spool.records(records, self._check_time)

    def keep_each(self, parts: Sequence[Iterable[Any]], skip: int) -> tuple[Rows, tuple[int, int] | None]:
        """The records of these parts, but for the first `skip`, as many as a slice has; and where they stop.

        Raises as `keep`.
        """
        cut = Cut(parts, skip, self._check_time)
        return self.keep(cut), cut.stopped

    def require_time(self, told: str) -> None:
        """Raise SourceUnavailable where the deadline has passed; `told` is what has come so far."""
        if time.monotonic() > self.deadline:
            raise SourceUnavailable(
                f"the time was up after {told} and the source was still sending; "
                "ask for fewer days, or set a lower extract.pass_days in defs.yaml; a source that is read whole needs "
                "days in its parameters, or window_column"
            )

    def _check_time(self, number: int) -> None:
        self.require_time(f"{number} records")
