"""Run a whole transaction again where the warehouse was busy, on a new connection, until time is up."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from lambdas.common.errors import WarehouseBusy

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
        WarehouseBusy: the last attempt's, after five attempts or at the deadline.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return work()
        except WarehouseBusy as error:
            pause = BACKOFF_SECONDS * 2 ** (attempt - 1)
            if attempt == ATTEMPTS or time.monotonic() + pause > deadline:
                raise
            logger.warning("%s, attempt %d: %s", what, attempt, error)
            time.sleep(pause)
