"""The forget function: a raw object, or the rows of a key, out of the whole platform. It alone may delete.

{"source": "weather", "raw_key": "raw/weather/2013/01/01/data_....parquet"}
{"source": "weather", "key": {"origin": "EWR", "time_hour": "2013-01-01T06:00:00Z"}}

The new content is put and loaded before anything old is deleted, and the object's rows leave the tables before its
derived files: a crash anywhere leaves a state that the same event, asked again, completes (docs/adr/0006).
"""

import datetime as dt
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lambdas.common import telemetry
from lambdas.common.contract import load_source
from lambdas.common.deadline import deadline
from lambdas.common.errors import RequestError
from lambdas.common.settings import Settings
from lambdas.process.forget_key import forget_rows
from lambdas.process.forgetting import Forgetter, Forgotten
from lambdas.process.requests import open_warehouse, refresh_stale
from lambdas.process.work import TIME_TO_COMMIT

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Forget what the event names, and answer how much that was, in the shape that docs/functions.md lists.

    Raises:
        RequestError: the event names nothing that can be forgotten; no message shows a key's value.
        WarehouseBusy, LoadError: what was done stands; ask again.
    """
    telemetry.start("forget", context, event)
    if event.get("action") == "ping":
        return {"function": "forget"}
    began = time.monotonic()
    until = deadline(context, TIME_TO_COMMIT)
    contract = load_source(event.get("source"))
    settings = Settings.from_environment()
    import boto3

    warehouse = open_warehouse(settings)
    forgetter = Forgetter(boto3.client("s3"), settings, warehouse, contract, telemetry.request_id(context), until)
    done = _forget(forgetter, event)
    refresh_stale([contract.name], until)
    answer: dict[str, Any] = {"source": contract.name, **asdict(done)}
    rest = {"start": str(done.remaining), "after": answer.pop("after")}
    if slices := answer.pop("slices"):
        rest |= {"slices": slices}  # so that the next call is seen to have moved
    answer["remaining"] = rest if done.remaining else None
    answer["seconds"] = round(time.monotonic() - began, 3)
    logger.info("forget %s", answer)
    return answer


def _forget(forgetter: Forgetter, event: Mapping[str, Any]) -> Forgotten:
    raw_key, values = event.get("raw_key"), event.get("key")
    if (raw_key is None) == (values is None):
        raise RequestError("expected either raw_key or key")
    if raw_key is not None:
        return forgetter.forget_object(str(raw_key))
    if not isinstance(values, Mapping):
        raise RequestError("key has to be an object with a value for each column of the key")
    return forget_rows(forgetter, values, _start(event), str(event.get("after", "")))


def _start(event: Mapping[str, Any]) -> dt.date:
    found = event.get("start")
    try:
        return dt.date.fromisoformat(str(found)) if found else dt.date.min
    except ValueError as error:
        raise RequestError(f"start is {found!r}; expected the one of a former call's `remaining`") from error
