"""What may be asked of the process function, from the event's words to an answer."""

import datetime as dt
import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lambdas.common.contract import Contract, load_marts, load_source, source_names
from lambdas.common.days import read_day
from lambdas.common.db import marts
from lambdas.common.db.redshift import read_secret
from lambdas.common.db.retry import retry
from lambdas.common.errors import AnalyticsError, RequestError
from lambdas.common.lake import RawDay, contiguous
from lambdas.common.notices import read_notices
from lambdas.common.settings import Settings
from lambdas.common.source import load_source_config
from lambdas.common.telemetry import measure
from lambdas.process.summary import Summary
from lambdas.process.work import Loader, Request, Warehouse

logger = logging.getLogger(__name__)


def load_days(event: Mapping[str, Any], request_id: str, deadline: float) -> dict[str, Any]:
    """Load the event's days; a rebuild loads what is in force as well.

    Args:
        event: action (load or rebuild), source, start and end (UTC days, half-open), and requested_by, which goes into
            the ledger. A rebuild that goes on has its load_id and since.
        request_id: the Lambda request that does it.
        deadline: time.monotonic() after which no new batch is begun.

    Returns:
        Counts, load_id, request_id and remaining: null, or what to put into the event to ask for the rest.
    """
    began = time.monotonic()
    contract = load_source(event.get("source"))
    start, end = read_day(event, "start"), read_day(event, "end")
    asked_by = str(event.get("requested_by") or request_id or "by hand")
    anew = event.get("action") == "rebuild"
    request = Request(start, end, asked_by, request_id, deadline, anew)
    if anew:
        request = replace(request, load_id=_load_id(event), since=_since(event))
    summary = _loader(contract).load(request)
    answer = _counts(summary)
    answer |= {"source": contract.name, "start": str(start), "end": str(end), "request_id": request_id}
    answer |= {"seconds": round(time.monotonic() - began, 3), "remaining": _remaining(summary, end, anew=anew)}
    logger.info("%s %s", "rebuild" if anew else "load", answer)
    return answer


def _remaining(summary: Summary, end: dt.date, *, anew: bool) -> dict[str, Any] | None:
    """What to put into the event to ask for the rest; None where all is done."""
    if not summary.remaining:
        return None
    rest: dict[str, Any] = {"start": str(summary.remaining), "end": str(end)}
    # A load that goes on with the same days, because one holds more than calls take, is seen to have moved.
    if anew or summary.objects:
        rest |= {"load_id": summary.load_id, "left": summary.left}
    if summary.slices:
        rest |= {"slices": summary.slices}
    return {**rest, "since": summary.since} if anew else rest


def _load_id(event: Mapping[str, Any]) -> str | None:
    found = event.get("load_id")
    try:
        return str(uuid.UUID(str(found))) if found else None
    except ValueError as error:
        raise RequestError(f"load_id is {found!r}; expected the one of a former call's `remaining`") from error


def _since(event: Mapping[str, Any]) -> int | None:
    found = event.get("since")
    if found is not None and not isinstance(found, int):
        raise RequestError(f"since is {found!r}; expected the one of a former call's `remaining`")
    return found


def _counts(summary: Summary) -> dict[str, Any]:
    names = ("load_id", "objects", "rows_in", "rows_accepted", "rows_rejected", "rows_late", "bad", "skipped")
    return {name: getattr(summary, name) for name in names}


def refresh_marts(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Refresh the marts that the event names, or all, each after the marts that it reads.

    Returns:
        {"marts": {name: {source: generation that the refresh has seen}}, "rows": {name: rows of it}, "seconds"}.
    """
    known = load_marts()
    names = event.get("marts") or list(known)
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise RequestError(f"marts {unknown} are unknown; known are {sorted(known)}")
    return _refresh([m for m in marts.in_order(known) if m.name in names], deadline=deadline)


def _refresh(chosen: Sequence[Contract], *, deadline: float) -> dict[str, Any]:
    began = time.monotonic()
    warehouse = open_warehouse(Settings.from_environment())

    def refresh_one(mart: Contract) -> tuple[dict[str, int], int]:
        with warehouse.session(f"refresh {mart.name}") as connection:
            return marts.refresh(connection, mart), marts.count_rows(connection, mart)

    done = {m.name: retry(partial(refresh_one, m), f"refresh {m.name}", deadline) for m in chosen}
    seconds = round(time.monotonic() - began, 3)
    measure("process", {"RefreshSeconds": seconds})
    seen, rows = ({name: found[part] for name, found in done.items()} for part in (0, 1))
    return {"marts": seen, "rows": rows, "seconds": seconds}


def load_messages(records: Sequence[Mapping[str, Any]], request_id: str, deadline: float) -> dict[str, Any]:
    """Load the days that these SQS messages mark dirty, then refresh the marts that have not seen all of it.

    Days that a source does not have, and all of a paused source, are left to the proof, which reports them.

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
        refresh_stale([source for source in dirty if source in known], deadline)
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


def refresh_stale(sources: Sequence[str], deadline: float) -> None:
    """Refresh by what the marts have seen, not by what this call loaded: a former call may have died in between."""
    fed = marts.fed_by(load_marts(), sources)
    if not fed:
        return
    with open_warehouse(Settings.from_environment()).session("look for stale marts") as connection:
        stale = [mart for mart in fed if marts.is_stale(connection, mart)]
    if stale:
        _refresh(stale, deadline=deadline)


def _dirty_days(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[dt.date, set[str]]]:
    """By source and day, the ids of the messages that mark it dirty. What lies in no day raises an alarm."""
    dirty: dict[str, dict[dt.date, set[str]]] = defaultdict(lambda: defaultdict(set))
    bucket, known = Settings.from_environment().lake_bucket, source_names()
    counts: Counter[str] = Counter()
    for record in records:
        for notice in read_notices(record["body"], bucket):
            counts[notice.kind] += 1
            if notice.kind == "folder":
                continue
            if notice.raw is None:
                logger.warning("%s event in message %s: %.500s", notice.kind, record["messageId"], notice.what)
            elif notice.raw.source not in known or _is_to_load(notice.raw):
                dirty[notice.raw.source][notice.raw.day].add(record["messageId"])
    measure("process", {"ObjectsSetAside": counts["undated"] or None})
    return dirty


def _is_to_load(raw: RawDay) -> bool:
    config = load_source_config(raw.source)
    today = dt.datetime.now(dt.UTC).date()
    wanted = not config.paused and config.has_day(raw.day, today)
    if not wanted:
        why = "the day has not begun" if raw.day > today else "the source has no such day"
        why = "the source is paused" if config.paused else why
        logger.warning("%s of %s is not loaded: %s", raw.day, raw.source, why)
    return wanted


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse as the function's settings name it."""
    import boto3

    def read() -> dict[str, Any]:
        return read_secret(boto3.client("secretsmanager"), settings.warehouse_secret)

    return Warehouse(read(), settings.warehouse_sslmode, settings.copy_role, read)


def _loader(contract: Contract) -> Loader:
    import boto3

    settings = Settings.from_environment()
    return Loader(boto3.client("s3"), settings, open_warehouse(settings), contract)
