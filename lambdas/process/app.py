"""The process function: load days, refresh marts. Called by Dagster (Pipes), by SQS, or by hand.

{"action": "load", "source": "weather", "start": "2013-01-01", "end": "2013-02-01"}   half-open UTC days
{"action": "refresh", "marts": ["daily_seismicity"]}                                  absent: all
{"Records": [...]}                                                                    S3 notifications from SQS
"""

import time
from typing import Any

from lambdas.common import telemetry
from lambdas.common.errors import RequestError
from lambdas.common.pipes import reporting
from lambdas.process.requests import load_days, load_messages, refresh_marts

# The function's own limit is 300 s: the rest is for the batch that is under way.
WORK_SECONDS = 240


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what the event asks, and answer in the shapes that docs/functions.md lists.

    Raises:
        RequestError: the event asks for something that cannot be; names the parameter.
        PermanentError, TransientError: as the work behind it.
    """
    telemetry.start("process", context)
    deadline = time.monotonic() + WORK_SECONDS
    if "Records" in event:
        return load_messages(event["Records"], telemetry.request_id(context), deadline)
    with reporting(event) as report:
        answer = _answer(event, telemetry.request_id(context), deadline)
        report(answer)
    return answer


def _answer(event: dict[str, Any], request_id: str, deadline: float) -> dict[str, Any]:
    action = event.get("action")
    if action == "load":
        return load_days(event, request_id, deadline)
    if action == "refresh":
        return refresh_marts(event, deadline)
    raise RequestError(f"action {action!r} is unknown; allowed are load and refresh")
