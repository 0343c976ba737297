"""The process function: load days, refresh marts, prove and tell. Called by Dagster (Pipes), by SQS, or by hand.

{"action": "load", "source": "weather", "start": "2013-01-01", "end": "2013-02-01"}   half-open UTC days
{"action": "rebuild", "source": "weather", "start": "2013-01-01", "end": "2013-02-01"}  the same, whatever is in force
{"action": "refresh", "marts": ["daily_seismicity"]}                                  absent: all
{"action": "prove", "source": "weather"}                                              the ledger against the tables
{"action": "days", "source": "weather", "start": "2013-01-01", "end": "2013-02-01"}   what the ledger says of each day
{"action": "examine", "source": "weather"}                                            what its table holds, in numbers
{"action": "rejected", "source": "weather"}                                           rejected rows and their reasons
{"action": "plan", "source": "weather", "start": "2013-01-01", "end": "2013-02-01"}   what a load would do
{"action": "status"}                                                                  where all datasets stand
{"Records": [...]}                                                                    S3 notifications from SQS
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.common import telemetry
from lambdas.common.deadline import deadline
from lambdas.common.errors import RequestError
from lambdas.common.pipes import reporting
from lambdas.process.days import read_counts
from lambdas.process.examine import examine_source
from lambdas.process.plan import plan_load
from lambdas.process.rejected import read_rejected
from lambdas.process.reports import prove_source, read_status
from lambdas.process.requests import load_days, load_messages, refresh_marts
from lambdas.process.work import TIME_TO_COMMIT

ACTIONS: dict[Any, Callable[[Mapping[str, Any], float], dict[str, Any]]] = {
    "refresh": refresh_marts,
    "prove": prove_source,
    "days": read_counts,
    "examine": examine_source,
    "rejected": read_rejected,
    "plan": plan_load,
    "status": lambda _event, until: read_status(until),
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what the event asks, and answer in the shapes that docs/functions.md lists.

    Raises:
        RequestError: the event asks for something that cannot be; names the parameter.
        PermanentError, TransientError: as the work behind it.
    """
    telemetry.start("process", context, event)
    if event.get("action") == "ping":
        return {"function": "process"}
    until = deadline(context, TIME_TO_COMMIT)
    if "Records" in event:
        return load_messages(event["Records"], telemetry.request_id(context), until)
    with reporting(event) as report:
        answer = _answer(event, telemetry.request_id(context), until)
        report(answer)
    return answer


def _answer(event: dict[str, Any], request_id: str, until: float) -> dict[str, Any]:
    action = event.get("action")
    if action in ("load", "rebuild"):
        return load_days(event, request_id, until)
    if action not in ACTIONS:
        raise RequestError(f"action {action!r} is unknown; allowed are load, rebuild, {', '.join(ACTIONS)}")
    return ACTIONS[action](event, until)
