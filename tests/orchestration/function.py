"""The code of the scratch functions: each does what its MODE says, and reports as the platform's functions do."""

import datetime as dt
import os

from lambdas.common.errors import LoadError, WarehouseBusy
from lambdas.common.pipes import reporting


def handler(event, context):
    """Answer, stay silent or raise."""
    mode = os.environ["MODE"]
    with reporting(event) as report:
        if mode == "busy":
            raise WarehouseBusy("the warehouse is busy")
        if mode == "refused":
            raise LoadError("the warehouse refuses")
        answer = {"rows_in": 10, "objects": {"put": 2}, "request_id": context.aws_request_id, "event": plain(event)}
        if mode == "days":
            answer["remaining"] = remaining(event)
        if mode == "stuck":
            answer["remaining"] = {"start": event["start"], "end": event["end"]}
        if mode != "silent":
            report(answer)
    return answer


def remaining(event):
    """All but the first day of the event; None where that is nothing."""
    start = (dt.date.fromisoformat(event["start"]) + dt.timedelta(days=1)).isoformat()
    return {"start": start, "end": event["end"]} if start < event["end"] else None


def plain(event):
    """The event without Dagster's keys."""
    return {name: value for name, value in event.items() if not name.startswith("DAGSTER")}
