"""One pass over a source, as every extractor gets it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import SourceUnavailable
from lambdas.ingest.request import Options, Window
from lambdas.ingest.spool import Spool


@dataclass(frozen=True, slots=True)
class Job:
    """One pass: the extractor's configuration with its tokens filled, and where the rows go.

    `deadline` is a value of time.monotonic(); there is no window where the source is read whole.
    """

    source: str
    config: Mapping[str, Any]
    window: Window | None
    options: Options
    spool: Spool
    deadline: float

    def in_time(self, records: Iterable[Any]) -> Iterator[Any]:
        """The records, as long as there is time.

        Raises:
            SourceUnavailable: the deadline passed before the last record.
        """
        for number, record in enumerate(records):
            if number % 500 == 0:
                self.check_time(number)
            yield record

    def check_time(self, number: int) -> None:
        """Raises SourceUnavailable where the deadline has passed; `number` records had come by then."""
        if time.monotonic() > self.deadline:
            raise SourceUnavailable(
                f"{self.source}: the time was up after {number} records and the source was still sending; "
                "ask for fewer days, or set a lower extract.pass_days in defs.yaml"
            )
