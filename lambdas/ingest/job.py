"""One pass over a source, as every extractor gets it."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import SourceUnavailable
from lambdas.ingest.request import Options, Window
from lambdas.ingest.spool import Rows, Spool


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

    def keep(self, records: Iterable[Any]) -> Rows:
        """The records, in the spool.

        Raises:
            SourceError: a record is no mapping, or two of its keys differ in case alone.
            SourceUnavailable: the deadline passed before the last record.
        """
        return self.spool.records(records, self._check_time)

    def _check_time(self, number: int) -> None:
        if time.monotonic() > self.deadline:
            raise SourceUnavailable(
                f"{self.source}: the time was up after {number} records and the source was still sending; "
                "ask for fewer days, or set a lower extract.pass_days in defs.yaml"
            )
