"""What a tick takes at most: of messages, and of time."""

import pytest

from orchestration import queue
from tests.orchestration.conftest import Scratch


@pytest.fixture
def full(scratch: Scratch) -> Scratch:
    """A queue with 25 messages."""
    sqs = scratch.local.client("sqs")
    for start in range(0, 25, 5):
        entries = [{"Id": str(n), "MessageBody": f"{start + n}"} for n in range(5)]
        sqs.send_message_batch(QueueUrl=scratch.queue, Entries=entries)
    return scratch


@pytest.mark.parametrize(("limit", "taken"), [(1, 1), (13, 13), (1000, 25)])
def test_a_tick_takes_no_more_messages_than_its_limit(full: Scratch, limit: int, taken: int) -> None:
    assert len(queue.receive(full.local.client("sqs"), full.queue, limit=limit)) == taken
    assert full.waiting() == (25 - taken, taken)


def test_a_tick_whose_time_is_over_takes_no_more(full: Scratch) -> None:
    assert queue.receive(full.local.client("sqs"), full.queue, seconds=0) == []
    assert full.waiting() == (25, 0)


def test_a_tick_of_the_platform_takes_a_thousand_messages_within_twenty_seconds() -> None:
    assert queue.MESSAGES_A_TICK == 1000
    assert queue.SECONDS_A_TICK < 20
    # nobody else sees them until the runs are there
    assert queue.VISIBILITY_SECONDS > 2 * 20
