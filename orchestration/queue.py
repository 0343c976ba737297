"""The queue of S3 notifications: receive what waits, and read which days of which sources it makes dirty.

A message says that something was put under a raw key; what is loaded is decided by the process function, by looking.
"""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote_plus

from lambdas.common.errors import RequestError
from lambdas.common.lake import RawKey, parse_raw_key

logger = logging.getLogger(__name__)

MESSAGES_A_TICK = 1000
SECONDS_A_TICK = 15.0
# Longer than a tick, its interval and the start of its runs together: until then nobody else sees the messages.
VISIBILITY_SECONDS = 300
_CALL = 10  # messages that SQS takes or gives at once


@dataclass(frozen=True, slots=True, order=True)
class Put:
    """One notified content of a raw object: an overwritten object is another Put with the same key."""

    key: str
    etag: str
    sequencer: str


@dataclass(slots=True)
class Received:
    """What a tick read.

    Puts by source and UTC day, the sources that each message names, and how many events of each kind (put, test,
    removed, ...) there were.
    """

    puts: dict[str, dict[date, set[Put]]] = field(default_factory=dict)
    sources: list[set[str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def count_as(self, kind: str, what: object) -> None:
        """Count an event that makes nothing dirty, and say which."""
        self.counts[kind] += 1
        logger.warning("%s event passed over: %.500s", kind, what)

    def add(self, raw: RawKey, put: Put) -> None:
        """Mark the day of a raw key as dirty."""
        self.counts["put"] += 1
        self.sources[-1].add(raw.source)
        self.puts.setdefault(raw.source, {}).setdefault(raw.day, set()).add(put)


def receive(
    sqs: Any, url: str, *, seconds: float = SECONDS_A_TICK, limit: int = MESSAGES_A_TICK
) -> list[dict[str, Any]]:
    """The messages that wait, at most `limit`, hidden from others for VISIBILITY_SECONDS; stops after `seconds`."""
    deadline = time.monotonic() + seconds
    messages: list[dict[str, Any]] = []
    while len(messages) < limit and time.monotonic() < deadline:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_CALL, limit - len(messages)),
            VisibilityTimeout=VISIBILITY_SECONDS,
            WaitTimeSeconds=0,
        )
        if not answer.get("Messages"):
            break
        messages += answer["Messages"]
    return messages


def delete(sqs: Any, url: str, handles: Sequence[str]) -> None:
    """Delete received messages; one that cannot be deleted comes back and is loaded again to no effect."""
    for start in range(0, len(handles), _CALL):
        entries = [{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(handles[start : start + _CALL])]
        failed = sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        if failed:
            logger.warning("%d messages could not be deleted and will come back: %s", len(failed), failed[0])


def read(messages: Iterable[dict[str, Any]], bucket: str) -> Received:
    """What the messages say about raw objects in that bucket; anything else is counted and passed over."""
    received = Received()
    for message in messages:
        received.sources.append(set())
        try:
            for event in _events(message["Body"], received):
                _read_event(event, bucket, received)
        except (ValueError, KeyError, TypeError, AttributeError):
            received.count_as("malformed", message.get("Body"))
    return received


def digest(puts: Iterable[Put]) -> str:
    """Sixteen hex digits that tell this set of contents from every other; order and repetition do not matter."""
    lines = "\n".join(json.dumps([p.key, p.etag, p.sequencer]) for p in sorted(set(puts)))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _events(body: str, received: Received) -> Iterator[dict[str, Any]]:
    document = json.loads(body)
    if document.get("Event") == "s3:TestEvent":
        received.counts["test"] += 1
        return
    yield from document["Records"]


def _read_event(event: dict[str, Any], bucket: str, received: Received) -> None:
    name, item = event["eventName"], event["s3"]["object"]
    key = unquote_plus(item["key"])
    if not name.startswith("ObjectCreated"):
        received.counts["removed" if name.startswith("ObjectRemoved") else "foreign"] += 1
    elif event["s3"]["bucket"]["name"] != bucket:
        received.count_as("foreign", key)
    else:
        try:
            received.add(parse_raw_key(key), Put(key, str(item.get("eTag", "")), str(item.get("sequencer", ""))))
        except RequestError as error:
            received.count_as("foreign", error)
