"""Run a whole transaction again where the warehouse was busy, on a new connection, until time is up."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from lambdas.common.errors import StatementCancelled, WarehouseBusy

logger = logging.getLogger(__name__)

T = TypeVar("T")
ATTEMPTS = 5
BACKOFF_SECONDS = 0.5


def retry(work: Callable[[], T], what: str, deadline: float) -> T:
    """What `work` gives.

    Args:
        work: opens its own connection and runs the whole transaction.
        what: for the log.
        deadline: time.monotonic() after which no further attempt is made.

    Raises:
        WarehouseBusy: the last attempt's: the fifth, at the deadline, or the second that was cancelled.
    """
    cancelled = False
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except WarehouseBusy as error:
            # Half of the pause is left to chance, so that loaders that met once do not meet again.
            pause = BACKOFF_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 - no secret
            again = cancelled and isinstance(error, StatementCancelled)
            if attempt == ATTEMPTS or again or time.monotonic() + pause > deadline:
                raise
            cancelled = cancelled or isinstance(error, StatementCancelled)
            logger.warning("%s, attempt %d: %s", what, attempt, error)
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")
