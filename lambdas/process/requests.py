"""What may be asked of the process function, from the event's words to an answer."""

import datetime as dt
import json
import logging
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lambdas.common.contract import Contract, load_marts, load_source, source_names
from lambdas.common.db import marts
from lambdas.common.db.redshift import read_secret
from lambdas.common.db.retry import retry
from lambdas.common.errors import AnalyticsError, RequestError
from lambdas.common.lake import contiguous, parse_raw_key
from lambdas.common.settings import Settings
from lambdas.process.work import Loader, Request, Summary, Warehouse

logger = logging.getLogger(__name__)


def load_days(event: Mapping[str, Any], request_id: str, deadline: float) -> dict[str, Any]:
    """Load the event's days.

    Args:
        event: source, start and end (UTC days, half-open), and requested_by, which goes into the ledger.
        request_id: the Lambda request that does it.
        deadline: time.monotonic() after which no new batch is begun.

    Returns:
        Counts, load_id, request_id and remaining: null, or the days that are left to ask for.
    """
    began = time.monotonic()
    contract = load_source(event.get("source"))
    start, end = _day(event, "start"), _day(event, "end")
    asked_by = str(event.get("requested_by") or request_id or "by hand")
    summary = _loader(contract).load(Request(start, end, asked_by, request_id, deadline))
    remaining = {"start": str(summary.remaining), "end": str(end)} if summary.remaining else None
    answer = _counts(summary)
    answer |= {"source": contract.name, "start": str(start), "end": str(end), "request_id": request_id}
    answer |= {"seconds": round(time.monotonic() - began, 3), "remaining": remaining}
    logger.info("load %s", answer)
    return answer


def _counts(summary: Summary) -> dict[str, Any]:
    names = ("load_id", "objects", "rows_in", "rows_accepted", "rows_rejected", "rows_late", "bad", "skipped")
    return {name: getattr(summary, name) for name in names}


def refresh_marts(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Refresh the marts that the event names, or all, each after the marts that it reads.

    Returns:
        {"marts": {name: {source: generation that the refresh has seen}}, "seconds"}.
    """
    known = load_marts()
    names = event.get("marts") or list(known)
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise RequestError(f"marts {unknown} are unknown; known are {sorted(known)}")
    return _refresh([m for m in marts.in_order(known) if m.name in names], deadline=deadline)


def _refresh(chosen: Sequence[Contract], *, deadline: float) -> dict[str, Any]:
    began = time.monotonic()
    warehouse = _warehouse(Settings.from_environment())

    def refresh_one(mart: Contract) -> dict[str, int]:
        with warehouse.session(f"refresh {mart.name}") as connection:
            return marts.refresh(connection, mart)

    seen = {m.name: retry(partial(refresh_one, m), f"refresh {m.name}", deadline) for m in chosen}
    return {"marts": seen, "seconds": round(time.monotonic() - began, 3)}


def load_messages(records: Sequence[Mapping[str, Any]], request_id: str, deadline: float) -> dict[str, Any]:
    """Load the days that these SQS messages mark dirty, then refresh the marts that have not seen all of it.

    Returns:
        {"batchItemFailures": [...]}: the messages whose days did not load; SQS brings them again.
    """
    dirty, known = _dirty_days(records), source_names()
    failed: set[str] = set()
    for source, days in dirty.items():
        if source in known:
            failed |= _load_ranges(source, days, request_id, deadline)
        else:
            logger.warning("source %r is not declared (yet?); its messages come again, at last to the DLQ", source)
            failed |= {message for messages in days.values() for message in messages}
    try:
        _refresh_stale([source for source in dirty if source in known], deadline)
    except AnalyticsError:
        logger.exception("the marts on %s were not refreshed; the messages come again", sorted(dirty))
        failed |= {message for days in dirty.values() for messages in days.values() for message in messages}
    return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(failed)]}


def _load_ranges(source: str, days: Mapping[dt.date, set[str]], request_id: str, deadline: float) -> set[str]:
    """Load range by range; a range that fails does not keep the others from loading. The failed ones' messages."""
    failed: set[str] = set()
    for start, end in contiguous(days):
        try:
            summary = _loader(load_source(source)).load(Request(start, end, "s3 event", request_id, deadline))
            left = summary.remaining
        except AnalyticsError:
            logger.exception("the days [%s, %s) of %s did not load", start, end, source)
            left = start
        if left:
            failed |= {message for day, messages in days.items() if left <= day < end for message in messages}
    return failed


def _refresh_stale(sources: Sequence[str], deadline: float) -> None:
    """Refresh by what the marts have seen, not by what this call loaded: a former call may have died in between."""
    fed = marts.fed_by(load_marts(), sources)
    if not fed:
        return
    with _warehouse(Settings.from_environment()).session("look for stale marts") as connection:
        stale = [mart for mart in fed if marts.is_stale(connection, mart)]
    if stale:
        _refresh(stale, deadline=deadline)


def _dirty_days(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[dt.date, set[str]]]:
    """By source and day, the ids of the messages that mark it dirty."""
    dirty: dict[str, dict[dt.date, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        for key in _keys(record):
            try:
                parsed = parse_raw_key(key)
            except RequestError as error:
                logger.warning("not a raw object, left alone: %s", error)
                continue
            dirty[parsed.source][parsed.day].add(record["messageId"])
    return dirty


def _keys(record: Mapping[str, Any]) -> list[str]:
    """The object keys in a message's S3 notification; none for S3's own test message or for foreign text."""
    try:
        events = json.loads(record["body"]).get("Records", [])
        return [urllib.parse.unquote_plus(e["s3"]["object"]["key"]) for e in events if "s3" in e]
    except (ValueError, AttributeError, KeyError, TypeError):
        logger.warning("message %s is no S3 notification; left alone", record.get("messageId"))
        return []


def _day(event: Mapping[str, Any], name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(str(event.get(name)))
    except ValueError as error:
        raise RequestError(f"{name} is {event.get(name)!r}; expected a UTC day, YYYY-MM-DD") from error


def _warehouse(settings: Settings) -> Warehouse:
    import boto3

    secret = read_secret(boto3.client("secretsmanager"), settings.warehouse_secret)
    return Warehouse(secret, settings.warehouse_sslmode, settings.copy_role)


def _loader(contract: Contract) -> Loader:
    import boto3

    settings = Settings.from_environment()
    return Loader(boto3.client("s3"), settings, _warehouse(settings), contract)
