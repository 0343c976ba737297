"""The queue of S3 notifications: receive what waits, and read which days of which sources it makes dirty.

What the messages say is read by `lambdas.common.notices`, as the process function reads what it takes itself.
"""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lambdas.common.lake import is_raw_key
from lambdas.common.notices import Notice, Put, read_notices

logger = logging.getLogger(__name__)

MESSAGES_A_TICK = 1000
SECONDS_A_TICK = 15.0
# Longer than a tick, its interval and the start of its runs together: until then nobody else sees the messages.
VISIBILITY_SECONDS = 300
_CALL = 10  # messages that SQS takes or gives at once


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
        """Count an event that is not as it should be, and say which."""
        self.counts[kind] += 1
        logger.warning("%s event: %.500s", kind, what)

    def add(self, source: str, day: date, put: Put) -> None:
        """Mark a source's day as dirty; by an object too that the load sets aside for its name."""
        if is_raw_key(put.key):
            self.counts["put"] += 1
        else:
            self.count_as("misnamed", put.key)
        self.sources[-1].add(source)
        self.puts.setdefault(source, {}).setdefault(day, set()).add(put)


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
        for notice in read_notices(message["Body"], bucket):
            _add(received, notice)
    return received


def digest(puts: Iterable[Put]) -> str:
    """Sixteen hex digits that tell this set of contents from every other; order and repetition do not matter."""
    lines = "\n".join(json.dumps([p.key, p.etag, p.sequencer]) for p in sorted(set(puts)))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _add(received: Received, notice: Notice) -> None:
    if notice.raw is not None and notice.put is not None:
        received.add(notice.raw.source, notice.raw.day, notice.put)
    elif notice.kind in ("foreign", "undated", "malformed"):
        received.count_as(notice.kind, notice.what)
    elif notice.kind != "folder":
        received.counts[notice.kind] += 1
