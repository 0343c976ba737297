"""What a load did, counted while it runs."""

import datetime as dt
from dataclasses import dataclass

from lambdas.common.db.ledger import FORGOTTEN
from lambdas.common.db.load import Loaded


@dataclass(slots=True)
class Summary:
    """What a request did.

    `remaining` is the first day that it did not come to, None where all is done; `left` counts the objects, `slices`
    what is there of the first of them. `since` is the source's generation before it began. `newest` is the greatest
    event time (naive UTC) that it committed.
    """

    load_id: str
    objects: int = 0
    rows_in: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_late: int = 0
    bad: int = 0
    skipped: int = 0
    remaining: dt.date | None = None
    left: int = 0
    slices: int = 0
    since: int = 0
    newest: dt.datetime | None = None
    validate_seconds: float = 0
    commit_seconds: float = 0

    def add(self, done: Loaded) -> None:
        """Count what one batch committed."""
        self.skipped += done.in_force
        loaded = [entry for entry in done.entries if entry.status != FORGOTTEN]
        self.objects += len(loaded)
        for entry in loaded:
            self.rows_in += entry.rows_in
            self.rows_accepted += entry.rows_accepted
            self.rows_rejected += entry.rows_rejected
            self.rows_late += entry.rows_late
            self.bad += entry.status == "bad"
            self.newest = max(filter(None, (self.newest, entry.event_to)), default=None)
