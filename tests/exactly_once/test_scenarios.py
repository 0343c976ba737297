"""One scenario of each kind, quick enough for every run; test_boundaries.py has them at every statement."""

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.exactly_once.boundaries import arm_lock, point, standing, trace, wait_for_lock
from tests.exactly_once.checks import read_ledger
from tests.exactly_once.happenings import EVENTS, FAULTS, ONE_SLICE, killed_at_s3
from tests.exactly_once.lab import BUCKET, Lab
from tests.exactly_once.model import Row
from tests.exactly_once.shapes import KEYLESS, SHAPES, SLICED, VERSIONED
from tests.exactly_once.trial import at_points, play, run_all
from tests.exactly_once.world import World, at

pytestmark = pytest.mark.long

SAMPLE = [
    ("versioned", "loader killed", "commit"),
    ("keyless", "loader killed", "copy"),
    ("versioned", "connection lost before", "commit"),
    ("versioned", "connection lost after", "commit"),
    ("versioned", "timeout", "lock"),
    ("versioned", "error 1023", "update ops.generation"),
    ("versioned", "duplicate event", "lock"),
    ("keyless", "duplicate event", "update ops.generation"),
    ("versioned", "late listing", "lock"),
    ("keyless", "overwritten", "lock"),
    ("versioned", "A B A and a second loader", "update ops.generation"),
    ("versioned", "winner overwritten without its key", "lock"),
    ("versioned", "event moves", "lock"),
    ("versioned", "replay out of order", "lock"),
    ("versioned", "pending objects deleted", "the end"),
    ("sliced", "loader killed", "commit"),
    ("sliced", "late listing", "lock"),
]


@pytest.mark.parametrize(("shape", "name", "where"), SAMPLE)
def test_load_leaves_what_the_objects_say(lab: Lab, shape: str, name: str, where: str):
    [kind] = [s for s in SHAPES if s.name == shape]
    happening = (FAULTS | EVENTS)[name]
    run_all(lab, at_points(lab, kind, happening, [point(lab, kind, where)]))


def keep_waiting(lab: Lab, seconds: float, complaint: str) -> Callable[[World], None]:
    """A rival asks for the lock that a loader holds for so many seconds: each of the two copies once, and is done."""
    where = point(lab, VERSIONED, "update ops.generation")

    def act(world: World) -> None:
        third_copy = world.lab.faults.arm("slow", session=world.sessions, statement="^copy", nth=3, seconds=0)
        with ExitStack() as stack:
            with standing(world, where):
                asked = arm_lock(world)
                rival = stack.enter_context(world.loading())
                wait_for_lock(world, rival, asked)
                time.sleep(seconds)
            assert "answer" in rival.wait(), rival.wait()
        assert not world.lab.faults.state(third_copy)["reached"], complaint

    return act


def test_loader_that_waited_for_the_lock_sees_what_was_committed_at_its_first_attempt(lab: Lab):
    act = keep_waiting(lab, 0, "the waiting loader had to begin anew")
    run_all(lab, [("one attempt", lambda: play(lab, VERSIONED, act))])


def test_content_that_has_gone_before_the_lock_never_gets_into_the_ledger(lab: Lab):
    """A look after the commit would mend the tables: in between they would hold what lay there no more."""
    where = point(lab, VERSIONED, "lock")

    def act(world: World) -> None:
        gone = world.etag(world.key("2/1"))
        with standing(world, where):
            world.put("2/1", Row("c", at(2), n=6, v=2), Row("y", at(2)))
        with lab.session() as connection:
            found = [e for e in read_ledger(connection, world.name) if e["etag"] == gone]
        assert not found, f"content that had gone was loaded: {found}"

    run_all(lab, [("gone before the lock", lambda: play(lab, VERSIONED, act))])


def test_object_is_read_as_it_was_listed_though_it_is_the_same_again_under_the_lock(lab: Lab):
    first_read = trace(lab, KEYLESS, {}).calls.index("GetObject") + 1

    def act(world: World) -> None:
        listed = world.current[world.key("2/1")]
        copying = world.lab.faults.arm("pause", session=world.sessions, statement="^copy")
        with world.loading(s3_boundary=f"before {first_read}") as loader:
            loader.wait_at_boundary()
            world.put("2/1", Row("z", at(2)))
            loader.go_on()
            world.lab.faults.wait_reached(copying, 30)
            world.put("2/1", *listed)
            world.lab.faults.release(copying)
            assert "answer" in loader.wait(), loader.wait()

    run_all(lab, [("A B A while it is read", lambda: play(lab, KEYLESS, act))])


def test_curated_file_that_is_missing_is_never_passed_over(lab: Lab):
    def act(world: World) -> None:
        copying = world.lab.faults.arm("pause", session=world.sessions, statement="^copy")
        with world.loading() as loader:
            world.lab.faults.wait_reached(copying, 30)
            [lost] = [v["Key"] for v in world.versions("curated") if "2024/03/02" in v["Key"] and v["IsLatest"]][-1:]
            world.lab.s3.delete_object(Bucket=BUCKET, Key=lost)
            world.lab.faults.release(copying)
            loader.wait()
        world.recover()

    run_all(lab, [("curated file missing", lambda: play(lab, KEYLESS, act))])


def test_forgotten_object_leaves_nothing_behind(lab: Lab):
    def act(world: World) -> None:
        assert "answer" in (result := world.load()), result

    run_all(lab, [("forgotten", lambda: play(lab, VERSIONED, act, action="forget", forget="1/2"))])


def test_slices_of_a_former_content_are_never_taken(lab: Lab):
    def act(world: World) -> None:
        take_slice(world)
        world.put("1/0", Row("y", at(1)), Row("x", at(1), n=3))
        world.recover()

    run_all(lab, [("overwritten between calls", lambda: play(lab, SLICED, act))])


def test_slice_that_is_lost_is_made_again(lab: Lab):
    def act(world: World) -> None:
        world.put("1/0", *(Row(name, at(1)) for name in "vwxy"))
        former = {found["Key"] for found in world.versions("curated")}
        for _ in range(3):
            take_slice(world)
        _, lost, _ = sorted({found["Key"] for found in world.versions("curated")} - former)
        lab.s3.delete_object(Bucket=BUCKET, Key=lost)
        world.recover()

    run_all(lab, [("slice lost", lambda: play(lab, SLICED, act))])


def test_ledger_says_nothing_of_an_object_before_its_last_slice_is_there(lab: Lab):
    def act(world: World) -> None:
        take_slice(world)
        world.check_agreement()
        world.recover(**ONE_SLICE)

    run_all(lab, [("one slice a call", lambda: play(lab, SLICED, act))])


def test_all_slices_are_read_of_the_content_that_was_listed(lab: Lab):
    calls = trace(lab, SLICED, {}).calls
    second_slice = [number for number, call in enumerate(calls, 1) if call == "GetObject"][2]

    def act(world: World) -> None:
        copying = world.lab.faults.arm("pause", session=world.sessions, statement="^copy")
        with world.loading(s3_boundary=f"before {second_slice}") as loader:
            assert loader.wait_at_boundary() == "GetObject"
            listed = world.current[world.key("1/0")]
            world.put("1/0", Row("z", at(1)), Row("y", at(1)))
            loader.go_on()
            world.lab.faults.wait_reached(copying, 30)
            world.put("1/0", *listed)
            world.lab.faults.release(copying)
            assert "answer" in loader.wait(), loader.wait()
        world.recover()

    run_all(lab, [("A B A between slices", lambda: play(lab, SLICED, act))])


def test_loader_killed_between_two_files_of_a_slice(lab: Lab):
    calls = trace(lab, SLICED, {}).calls
    pairs = [n for n, both in enumerate(itertools.pairwise(calls), 2) if both == ("PutObject", "PutObject")]

    def at_call(number: int) -> Callable[[], None]:
        return lambda: play(lab, SLICED, killed_at_s3(f"before {number}"))

    run_all(lab, [(f"before {number}", at_call(number)) for number in pairs])


def take_slice(world: World) -> None:
    """One call that takes one slice of the first object."""
    result = world.load(**ONE_SLICE)
    assert result["answer"]["slices"], f"no slice was taken: {result}"


def test_loader_whose_time_is_not_over_is_left_alone(lab: Lab):
    # the rival loses its patience after three seconds, again and again
    act = keep_waiting(lab, 8, "the slow loader was ended before its time")
    run_all(lab, [("slow loader", lambda: play(lab, VERSIONED, act))])
