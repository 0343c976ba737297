"""S3's notifications, as both modes read them: what a message of the queue says about raw objects.

A message says that something was put under a raw key. What is loaded is decided by the process function, by looking.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_plus

from lambdas.common.errors import RequestError
from lambdas.common.lake import RawDay, is_undated, parse_raw_day

# removed, test, folder: nothing to do. foreign: of another bucket, or not under raw/. undated: under raw/, in no day.
# malformed: unreadable.
Kind = Literal["put", "removed", "test", "folder", "foreign", "undated", "malformed"]


@dataclass(frozen=True, slots=True, order=True)
class Put:
    """One notified content of an object in a raw day: an overwritten object is another Put with the same key.

    `at` is when S3 had it, aware; None where the message does not say it.
    """

    key: str
    etag: str
    sequencer: str
    at: dt.datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of a message, or a message that is none: kind, what it is about, of a put place and content."""

    kind: Kind
    what: str
    raw: RawDay | None = None
    put: Put | None = None


def read_notices(body: str, bucket: str) -> list[Notice]:
    """What the body of a message says about objects under raw/ in that bucket; never raises.

    A name that breaks the pattern makes its day dirty like any other: the load sets the object aside.
    """
    try:
        document = json.loads(body)
        if document.get("Event") == "s3:TestEvent":
            return [Notice("test", "s3:TestEvent")]
        return list(_notices(document["Records"], bucket))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [Notice("malformed", str(body))]


def _notices(events: Any, bucket: str) -> Iterator[Notice]:
    for event in events:
        try:
            yield _notice(event, bucket)
        except (KeyError, TypeError, AttributeError):
            yield Notice("malformed", json.dumps(event))


def _notice(event: dict[str, Any], bucket: str) -> Notice:
    name, item = event["eventName"], event["s3"]["object"]
    key = unquote_plus(item["key"])
    if not name.startswith("ObjectCreated"):
        return Notice("removed" if name.startswith("ObjectRemoved") else "foreign", key)
    if event["s3"]["bucket"]["name"] != bucket:
        return Notice("foreign", key)
    try:
        put = Put(key, str(item.get("eTag", "")), str(item.get("sequencer", "")), _moment(event.get("eventTime")))
        return Notice("put", key, parse_raw_day(key), put)
    except RequestError as error:
        return Notice(_kind_without_day(key), str(error))


def _moment(text: Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _kind_without_day(key: str) -> Kind:
    if not key.startswith("raw/"):
        return "foreign"
    return "undated" if is_undated(key) else "folder"
