"""Loads in batches, rebuilds, forgets, and the boundaries between calls of S3."""

from collections.abc import Callable

import pytest

from tests.exactly_once import happenings
from tests.exactly_once.boundaries import points, s3_boundaries
from tests.exactly_once.happenings import EVENTS, FAULTS, killed_at_s3, meanwhile_at_s3
from tests.exactly_once.lab import Lab
from tests.exactly_once.shapes import KEYED, KEYLESS, VERSIONED, Shape
from tests.exactly_once.trial import at_points, play, run_all
from tests.exactly_once.world import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CRASHES = pytest.mark.parametrize("name", ["loader killed", "connection lost after"])
FORGET_KEY = {"action": "forget", "forget": "e"}
FORGET_KEY_OF_MANY = {"action": "forget", "forget": "c"}
FORGET_OBJECT = {"action": "forget", "forget": "1/1"}
FORGET_REJECTED_TOO = {"action": "forget", "forget": "1/2"}


@CRASHES
def test_crash_between_batches_leaves_a_truthful_ledger(lab: Lab, name: str):
    one_by_one = {"batch_objects": 1}
    where = points(lab, VERSIONED, **one_by_one)[:-1]
    assert sum(p.statement.upper() == "COMMIT" for p in where) >= 3, "these are no batches"
    run_all(lab, at_points(lab, VERSIONED, FAULTS[name], where[::2], **one_by_one))


def test_second_loader_between_batches_finds_what_is_done(lab: Lab):
    one_by_one = {"batch_objects": 1}
    where = points(lab, VERSIONED, **one_by_one)[::4]
    run_all(lab, at_points(lab, VERSIONED, EVENTS["second loader at once"], where, **one_by_one))


def test_crash_of_a_rebuild_at_any_statement(lab: Lab):
    where = points(lab, VERSIONED, action="rebuild")[:-1]
    run_all(lab, at_points(lab, VERSIONED, FAULTS["loader killed"], where, action="rebuild"))


@pytest.mark.parametrize("name", ["second loader at once", "overwritten", "pending objects deleted"])
def test_event_while_a_rebuild_runs(lab: Lab, name: str):
    where = points(lab, KEYED, action="rebuild")[::3]
    run_all(lab, at_points(lab, KEYED, EVENTS[name], where, action="rebuild"))


@CRASHES
@pytest.mark.parametrize("what", [FORGET_KEY, FORGET_OBJECT], ids=["key", "object"])
def test_crash_of_a_forget_at_any_statement(lab: Lab, name: str, what: dict[str, str]):
    where = points(lab, VERSIONED, **what)[:-1]
    run_all(lab, at_points(lab, VERSIONED, FAULTS[name], where, **what))


@pytest.mark.parametrize("what", [FORGET_KEY_OF_MANY, FORGET_REJECTED_TOO], ids=["key", "object"])
def test_forget_killed_between_calls_of_s3_leaves_nothing_behind_once_asked_again(lab: Lab, what: dict[str, str]):
    run_all(lab, _at_s3(lab, VERSIONED, killed_at_s3, **what))


@pytest.mark.parametrize("shape", [VERSIONED, KEYLESS], ids=lambda s: s.name)
def test_loader_killed_between_calls_of_s3(lab: Lab, shape: Shape):
    run_all(lab, _at_s3(lab, shape, killed_at_s3))


@pytest.mark.parametrize("event", [happenings.pending_overwritten, happenings.winner_overwritten])
def test_object_overwritten_between_calls_of_s3(lab: Lab, event: happenings.Event):
    run_all(lab, _at_s3(lab, VERSIONED, lambda boundary: meanwhile_at_s3(boundary, event)))


def _at_s3(lab: Lab, shape: Shape, act: Callable[[str], Callable[[World], None]], **options: str):
    def at(boundary: str) -> Callable[[], None]:
        return lambda: play(lab, shape, act(boundary), **options)

    return [(boundary, at(boundary)) for boundary in s3_boundaries(lab, shape, **options)]
