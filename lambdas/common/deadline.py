"""How long an invocation may work: 240 s at most, and less where the function itself has less left."""

import time
from typing import Any

WORK_SECONDS = 240


def deadline(context: Any, spare: float) -> float:
    """When to begin nothing new, as a value of time.monotonic().

    Args:
        context: the Lambda context, which knows what time remains; anything else means that nobody ends the call.
        spare: seconds that what is under way may still take before the function's own end.
    """
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    seconds = remaining() / 1000 - spare if remaining else WORK_SECONDS
    return time.monotonic() + min(WORK_SECONDS, seconds)
