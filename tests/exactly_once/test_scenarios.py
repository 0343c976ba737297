"""One scenario of each kind, quick enough for every run; test_boundaries.py has them at every statement."""

import time
from contextlib import ExitStack

import pytest

from tests.exactly_once.boundaries import arm_lock, point, standing, trace, wait_for_lock
from tests.exactly_once.checks import read_ledger
from tests.exactly_once.happenings import EVENTS, FAULTS
from tests.exactly_once.lab import BUCKET, Lab
from tests.exactly_once.model import Row
from tests.exactly_once.shapes import KEYLESS, SHAPES, VERSIONED
from tests.exactly_once.trial import at_points, play, run_all
from tests.exactly_once.world import World, at

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
]


@pytest.mark.parametrize(("shape", "name", "where"), SAMPLE)
def test_load_leaves_what_the_objects_say(lab: Lab, shape: str, name: str, where: str):
    [kind] = [s for s in SHAPES if s.name == shape]
    happening = (FAULTS | EVENTS)[name]
    run_all(lab, at_points(lab, kind, happening, [point(lab, kind, where)]))


def test_loader_that_waited_for_the_lock_sees_what_was_committed_at_its_first_attempt(lab: Lab):
    where = point(lab, VERSIONED, "update ops.generation")

    def act(world: World) -> None:
        third_copy = world.lab.faults.arm("slow", session=world.sessions, statement="^copy", nth=3, seconds=0)
        with ExitStack() as stack:
            with standing(world, where):
                asked = arm_lock(world)
                rival = stack.enter_context(world.loading())
                wait_for_lock(world, rival, asked)
            assert "answer" in rival.wait(), rival.wait()
        assert not world.lab.faults.state(third_copy)["reached"], "the waiting loader had to begin anew"

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


@pytest.mark.long
def test_loader_whose_time_is_not_over_is_left_alone(lab: Lab):
    where = point(lab, VERSIONED, "update ops.generation")

    def act(world: World) -> None:
        third_copy = world.lab.faults.arm("slow", session=world.sessions, statement="^copy", nth=3, seconds=0)
        with ExitStack() as stack:
            with standing(world, where):
                asked = arm_lock(world)
                rival = stack.enter_context(world.loading())
                wait_for_lock(world, rival, asked)
                time.sleep(8)  # the rival loses its patience after three seconds, again and again
            assert "answer" in rival.wait(), rival.wait()
        assert not world.lab.faults.state(third_copy)["reached"], "the slow loader was ended before its time"

    run_all(lab, [("slow loader", lambda: play(lab, VERSIONED, act))])
