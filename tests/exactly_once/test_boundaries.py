"""Every statement boundary of the load, and all that can happen there: afterwards the tables equal the model."""

import pytest

from tests.exactly_once.boundaries import points
from tests.exactly_once.happenings import EVENTS, FAULTS, frozen, turning_points
from tests.exactly_once.lab import Lab
from tests.exactly_once.shapes import KEYED, KEYLESS, TIMED, VERSIONED, Shape
from tests.exactly_once.trial import at_points, run_all

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
OTHERS = pytest.mark.parametrize("shape", [KEYED, TIMED, KEYLESS], ids=lambda s: s.name)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_at_any_statement_leaves_what_the_objects_say(lab: Lab, name: str):
    where = points(lab, VERSIONED)[:-1]
    run_all(lab, at_points(lab, VERSIONED, FAULTS[name], where))


@OTHERS
def test_crash_at_any_statement_leaves_what_the_objects_say_in_any_source(lab: Lab, shape: Shape):
    where = points(lab, shape)[:-1]
    run_all(lab, at_points(lab, shape, FAULTS["loader killed"], where))


@pytest.mark.parametrize("name", EVENTS)
def test_event_at_any_statement_leaves_what_the_objects_say(lab: Lab, name: str):
    run_all(lab, at_points(lab, VERSIONED, EVENTS[name], points(lab, VERSIONED)))


@OTHERS
@pytest.mark.parametrize("name", EVENTS)
def test_event_leaves_what_the_objects_say_in_any_source(lab: Lab, shape: Shape, name: str):
    run_all(lab, at_points(lab, shape, EVENTS[name], turning_points(points(lab, shape))))


def test_loader_frozen_at_any_statement_holds_nobody_up_and_does_no_harm(lab: Lab):
    where = points(lab, VERSIONED)[:-1]
    # Who has appended to the ledger holds up all other scenarios too: these come one by one.
    alone = [point for point in where if point.appended]
    run_all(lab, at_points(lab, VERSIONED, frozen, [p for p in where if p not in alone]), workers=8)
    run_all(lab, at_points(lab, VERSIONED, frozen, alone), workers=1)
