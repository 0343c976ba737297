"""Large objects: what can happen between two slices, in a slice, and between the calls that take them."""

from collections.abc import Callable

import pytest

from tests.exactly_once import happenings
from tests.exactly_once.boundaries import points, s3_boundaries
from tests.exactly_once.happenings import (
    EVENTS,
    FAULTS,
    Event,
    beside_at_s3,
    between_calls,
    forgotten_half_way,
    frozen,
    killed_at_s3,
    meanwhile_at_s3,
    turning_points,
)
from tests.exactly_once.lab import Lab
from tests.exactly_once.shapes import SLICED
from tests.exactly_once.trial import Scenario, at_points, play, run_all
from tests.exactly_once.world import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
BETWEEN = [
    happenings.pending_overwritten,
    happenings.former_comes_back,
    happenings.goes_and_comes_back,
    happenings.winner_overwritten,
    happenings.pending_deleted,
    happenings.damaged,
]
FORGETS = [{"action": "forget", "forget": "c"}, {"action": "forget", "forget": "1/2"}]


def test_loader_killed_between_slices_and_in_a_slice(lab: Lab):
    run_all(lab, _at_s3(lab, killed_at_s3))


def test_second_loader_between_slices_and_in_a_slice(lab: Lab):
    run_all(lab, _at_s3(lab, beside_at_s3, every=3))


@pytest.mark.parametrize("event", BETWEEN)
def test_object_changes_between_slices_and_in_a_slice(lab: Lab, event: Event):
    run_all(lab, _at_s3(lab, lambda boundary: meanwhile_at_s3(boundary, event), every=5))


@pytest.mark.parametrize("calls", [1, 3])
def test_object_changes_between_calls_that_take_a_slice_each(lab: Lab, calls: int):
    def scenario(event: Event) -> Callable[[], None]:
        return lambda: play(lab, SLICED, between_calls(calls, event))

    run_all(lab, [(event.__name__, scenario(event)) for event in BETWEEN])


@pytest.mark.parametrize("name", FAULTS)
def test_fault_at_a_statement_of_a_sliced_load(lab: Lab, name: str):
    every = {"loader killed": 3}.get(name, 9)
    run_all(lab, at_points(lab, SLICED, FAULTS[name], points(lab, SLICED)[:-1:every]))


@pytest.mark.parametrize("name", EVENTS)
def test_event_at_a_statement_of_a_sliced_load(lab: Lab, name: str):
    run_all(lab, at_points(lab, SLICED, EVENTS[name], turning_points(points(lab, SLICED))[:2]))


def test_loader_of_slices_that_is_frozen_holds_nobody_up(lab: Lab):
    run_all(lab, at_points(lab, SLICED, frozen, turning_points(points(lab, SLICED))[:2]))


def test_rebuild_of_sliced_objects_killed_between_calls_of_s3(lab: Lab):
    run_all(lab, _at_s3(lab, killed_at_s3, every=4, action="rebuild"))


@pytest.mark.parametrize("what", FORGETS, ids=["key", "object"])
def test_forget_of_sliced_objects_killed_between_calls_of_s3(lab: Lab, what: dict[str, str]):
    run_all(lab, _at_s3(lab, killed_at_s3, every=4, **what))


@pytest.mark.parametrize("what", FORGETS, ids=["key", "object"])
def test_forget_of_what_is_half_sliced_leaves_nothing_behind(lab: Lab, what: dict[str, str]):
    run_all(lab, [("half sliced", lambda: play(lab, SLICED, forgotten_half_way, **what))])


def _at_s3(lab: Lab, act: Callable[[str], Callable[[World], None]], every: int = 1, **options: str) -> list[Scenario]:
    def at(boundary: str) -> Callable[[], None]:
        return lambda: play(lab, SLICED, act(boundary), **options)

    return [(boundary, at(boundary)) for boundary in s3_boundaries(lab, SLICED, **options)[::every]]
