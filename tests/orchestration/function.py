"""The code of the scratch functions: each does what its MODE says, and reports as the platform's functions do."""

import datetime as dt
import os
import time

from lambdas.common.errors import LoadError, WarehouseBusy
from lambdas.common.pipes import reporting

KEY = "raw/earthquakes/2018/02/01/data_1.parquet"
DAYS = {"first": "2018-02-01", "last": "2018-02-03"}
REMARKS = [
    {
        "status": "loaded",
        "kinds": ["drift"],
        "reason": "new raw column 'x' (VARCHAR): name it",
        "objects": 2,
        "newest": KEY,
        **DAYS,
    },
    {
        "status": "loaded",
        "kinds": ["rule"],
        "reason": "quality rule 'some': the query gives 1, mustBe 2",
        "objects": 1,
        "newest": KEY,
        **DAYS,
    },
    {"status": "bad", "kinds": [], "reason": "not a Parquet file", "objects": 4, "newest": KEY, **DAYS},
]
SLICE = {"number": 1, "at": {"after": ["u3@example.org"]}, "run": "0" * 32}
CALLS = []
# Of what does not end by itself: longer than a test looks.
SLOW_SECONDS, MOST_TURNS = 25, 600
COUNTS = {"objects": 2, "bad": 0, "rows_in": 11, "rows_rejected": 1, "rows_late": 0}


def handler(event, context):
    """Answer, stay silent or raise."""
    mode = os.environ["MODE"]
    if mode == "endless":
        return endless(event)
    if event.get("action") == "days":
        return {"source": event["source"], "days": days(event)}
    if event.get("action") == "examine" or "mart" in event:
        return examined(event, mode)
    with reporting(event) as report:
        if mode == "busy":
            raise WarehouseBusy("the warehouse is busy")
        if mode == "refused":
            raise LoadError("the warehouse refuses")
        answer = {"rows_in": 10, "objects": {"put": 2}, "request_id": context.aws_request_id, "event": plain(event)}
        answer["rows"] = dict.fromkeys(event.get("marts", []), 12) or None
        if mode in ("proved", "broken", "gaps"):
            answer = {**proof(event["source"], mode), "event": plain(event)}
        if mode == "days":
            answer["remaining"] = remaining(event)
        CALLS.append(event)
        if mode == "stuck" or (mode == "begun anew" and len(CALLS) == 1):
            answer |= {"remaining": {"start": event["start"], "end": event["end"], "slice": SLICE}, "event": None}
        if mode != "silent":
            report(answer)
    return answer


def examined(event, mode):
    """What the mode finds of the table."""
    if mode == "unexamined":
        raise LoadError("the warehouse refuses")
    is_old = event.get("start", "") < "2019"
    return table(event, broken=mode == "broken" or (mode == "old days broken" and is_old))


def table(event, *, broken):
    """What the process function answers to examine."""
    told = {"days": [], "behind": [], "remarks": REMARKS if broken else []}
    where = ["2018-02-01/2018-02-03"] if broken else []
    counts = {"nulls": {"at": 3 if broken else 0}, "doubled": {"id": 2 if broken else 0}}
    rule = {"rule": "no_gap", "fatal": event.get("source") == "flights", "holds": not broken}
    read = {**counts, "nulls_days": where, "doubled_days": where, "newest": "2013-01-01T00:00:00", "latest": None}
    read["rules"] = [{**rule, "text": "its query gives 3"}]
    return told if event.get("only") == "ledger" else {**told, **read}


def endless(event):
    """Tell of the call, then take a long time or answer that most remains.

    It is told by a message, because a process that is ended can no longer tell how many calls it made.
    """
    import boto3

    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event.get("action", "extract"))
    if event.get("action") == "examine":
        time.sleep(SLOW_SECONDS)
        return {}
    with reporting(event) as report:
        turn = event.get("turn", 0) + 1
        answer = {"remaining": {"turn": turn} if turn < MOST_TURNS else None}
        report(answer)
    return answer


def remaining(event):
    """All but the first day of the event; None where that is nothing."""
    start = (dt.date.fromisoformat(event["start"]) + dt.timedelta(days=1)).isoformat()
    return {"start": start, "end": event["end"]} if start < event["end"] else None


def days(event):
    """What ledger and lake would say of the event's days: 10 rows each, but the last of the month has none.

    In the mode `gaps` every second day has no object.
    """
    first, after = (dt.date.fromisoformat(event[name]) for name in ("start", "end"))
    step = 2 if os.environ["MODE"] == "gaps" else 1
    every = [first + dt.timedelta(days=n) for n in range(0, (after - first).days, step)]
    return [{"day": str(day), **COUNTS, **dict.fromkeys(("rows", "rows_accepted"), rows(day))} for day in every]


def rows(day):
    """How many the day has."""
    return 0 if day.day == 31 else 10


def proof(source, mode):
    """What the process function answers to prove."""
    key = f"raw/{source}/2013/01/01/data_x.parquet"
    findings = [f"{key}: accepted = rows by _raw_key: 3 accepted, the table holds 2"] if mode == "broken" else []
    counts = {"objects": 3, "rows_accepted": 7, "broken": 5, "pending": 2, "gone": 1, "outside": 4, "undated": 3}
    if mode in ("proved", "gaps"):
        counts |= {"broken": 0, "pending": 0, "gone": 0, "outside": 0, "undated": 0}
    missing, damaged = (["2013-01-03/2013-01-04"], ["2013-01-01/2013-01-01"]) if mode == "broken" else ([], [])
    outside = ["2012-12-30/2012-12-31"] if mode == "broken" else []
    wrong = ["2012-12-30/2013-01-04"] if mode == "broken" else []
    unlanded = ["2013-01-05/2013-01-06", "2013-01-08/2013-01-08"] if mode == "broken" else []
    days = {"missing": missing, "damaged": damaged, "outside_days": outside, "wrong_days": wrong}
    counts |= {"unlanded": 3 if unlanded else 0, "unlanded_days": unlanded, "followed": None}
    return {**counts, "findings": findings, **days, "undated_key": "raw/weather/x.csv" if mode == "broken" else None}


def plain(event):
    """The event without Dagster's keys."""
    return {name: value for name, value in event.items() if not name.startswith("DAGSTER")}
