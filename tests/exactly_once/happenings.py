"""What can happen to a load at a boundary: each takes the world and the point, and brings the load to its end.

Where all that has changed was followed by a load, the tables have to be right at once: nobody would come again.
Elsewhere the load is asked for again.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from tests.exactly_once.boundaries import Point, arm_lock, standing, wait_for_lock
from tests.exactly_once.model import Row
from tests.exactly_once.orders import Loading
from tests.exactly_once.world import World, at

Happening = Callable[[World, Point], None]
Event = Callable[[World], None]
Days = tuple[int, int]
SAME: Days = (1, 3)
ONE_SLICE = {"seconds": 60.0, "commit_seconds": 61.0}


def ends_well(result: dict[str, Any]) -> bool:
    """Whether the loader did its work or said that the same call may pass later."""
    return "answer" in result or bool(result["transient"])


def killed(world: World, point: Point) -> None:
    """SIGKILL of the loader."""
    with standing(world, point, wait=False) as loader:
        loader.kill()
    world.check_agreement()
    world.recover()


def frozen(world: World, point: Point) -> None:
    """SIGSTOP of the loader; a second one gets through once its time is over; the thawed one does no harm."""
    with ExitStack() as stack:
        frozen = stack.enter_context(standing(world, point, wait=False, seconds=8.0, commit_seconds=4.0))
        frozen.freeze()
        rival = world.load()
        assert "answer" in rival, f"the second loader did not get through: {rival}"
        frozen.thaw()
        assert ends_well(frozen.wait()), frozen.wait()
    world.check()
    world.recover()


def killed_at_s3(boundary: str) -> Callable[[World], None]:
    """SIGKILL of the loader before or after a call of S3."""

    def act(world: World) -> None:
        with world.loading(s3_boundary=boundary) as loader:
            loader.wait_at_boundary()
            loader.kill()
        world.recover()

    return act


def meanwhile_at_s3(boundary: str, event: Event) -> Callable[[World], None]:
    """Something happens between two calls of S3."""

    def act(world: World) -> None:
        with world.loading(s3_boundary=boundary) as loader:
            loader.wait_at_boundary()
            event(world)
            loader.go_on()
            assert "answer" in loader.wait(), loader.wait()
        world.recover()

    return act


def beside_at_s3(boundary: str) -> Callable[[World], None]:
    """Objects arrive and another loader comes while the first one stands between two calls of S3.

    It comes to its end, but where the first one may be listing under the lock.
    """

    def act(world: World) -> None:
        with world.loading(1, 4, s3_boundary=boundary) as loader:
            where = loader.wait_at_boundary()
            more_arrives(world)
            with world.loading(1, 4) as rival:
                if where != "ListObjectsV2":
                    rival.wait()
                loader.go_on()
                for one in (loader, rival):
                    assert "answer" in one.wait(), one.wait()

    return act


def between_calls(calls: int, event: Event) -> Callable[[World], None]:
    """Each call takes one slice; the event comes after so many of them."""

    def act(world: World) -> None:
        answers = [world.load(**ONE_SLICE).get("answer", {}) for _ in range(calls)]
        assert all(answer.get("slices") for answer in answers), f"these are no slices: {answers}"
        event(world)
        world.recover(**ONE_SLICE)

    return act


def forgotten_half_way(world: World) -> None:
    """What is to be forgotten has come again, and one of its slices is there."""
    world.put("1/2", Row("c", at(1), v=10), Row("e", at(1), v=11))
    result = world.load(action="load", **ONE_SLICE)
    assert result["answer"]["slices"] == 1, result
    world.expect_forgotten(world.options["forget"])
    world.recover()


def fails_with(kind: str, **more: Any) -> Happening:
    """The statement meets a fault of the warehouse; the loader ends well or says that the warehouse was busy."""

    def happening(world: World, point: Point) -> None:
        fault = world.lab.faults.arm(kind, session=world.sessions, nth=point.nth, **more)
        result = world.load()
        assert world.lab.faults.state(fault)["reached"], "the fault was never reached"
        assert ends_well(result), result
        assert "answer" in result or not point.retried, f"the loader did not help itself: {result}"
        world.check_agreement()
        world.recover()

    return happening


def meanwhile(event: Event, *rivals: Days) -> Happening:
    """Something happens while the load stands, and other loaders come, one after the other, each for its days."""

    def happening(world: World, point: Point) -> None:
        with ExitStack() as stack:
            with standing(world, point) as loader:
                event(world)
                others = [_send(world, point, stack, days) for days in rivals]
            for one in (loader, *others):
                assert "answer" in one.wait(), one.wait()
        if not rivals:
            world.recover()

    return happening


def _send(world: World, point: Point, stack: ExitStack, days: Days) -> Loading:
    """Another loader: to its end where the way is free, else until it waits."""
    asked = arm_lock(world)
    rival = stack.enter_context(world.loading(*days))
    if point.locked:
        wait_for_lock(world, rival, asked)
    else:
        rival.wait()
    return rival


def nothing(world: World) -> None:
    """Only the other loaders come."""


def more_arrives(world: World) -> None:
    """Objects on three days, older and newer than what is known."""
    world.put("1/3", Row("b", at(1), n=8), Row("g", at(1)))
    world.put("3/0", Row("a", at(3), n=5, v=4), Row("h", at(3)))


def older_arrives(world: World) -> None:
    """Old objects come again, and objects with older versions and smaller names come late."""
    world.put("1/1", *world.current[world.key("1/1")])
    world.put("3/0", Row("c", at(3), v=8), Row("a", at(3), v=9))
    world.put("1/3", Row("c", at(1), v=1), Row("a", at(1), v=1))


def pending_overwritten(world: World) -> None:
    """What is being loaded changes."""
    world.put("2/1", Row("c", at(2), n=6, v=2), Row("y", at(2)))


def former_comes_back(world: World) -> None:
    """A was loaded, B is being loaded, A is there again."""
    world.put("1/0", Row("a", at(1), v=5), Row("b", at(1)))


def goes_and_comes_back(world: World) -> None:
    """A is being loaded, B comes and goes."""
    content = world.current[world.key("2/1")]
    world.put("2/1", Row("z", at(2)))
    world.put("2/1", *content)


def winner_overwritten(world: World) -> None:
    """An object that holds the current rows of keys comes without these keys."""
    world.put("1/1", Row("w", at(1)))


def event_moves(world: World) -> None:
    """Events of the first day are now on the second and third."""
    world.put("2/2", Row("f", at(2), v=7))
    world.put("3/1", Row("b", at(3), v=7), Row("e", at(3), v=7))


def loaded_deleted(world: World) -> None:
    """An object that was loaded is deleted."""
    world.delete("1/1")


def pending_deleted(world: World) -> None:
    """Objects that are being loaded are deleted: a new one, and one that was loaded with other content."""
    world.delete("2/1")
    world.delete("1/0")


def damaged(world: World) -> None:
    """What is being loaded comes again as no readable Parquet."""
    world.put_bytes("1/2", b"PAR1 cut off")


FAULTS: dict[str, Happening] = {
    "loader killed": killed,
    "connection lost before": fails_with("lose_before"),
    "connection lost after": fails_with("lose_after"),
    "timeout": fails_with("timeout"),
    "error 1023": fails_with("error", error="1023"),
    "S3 read error": fails_with("error", error="spectrum"),
}
EVENTS: dict[str, Happening] = {
    "duplicate event": meanwhile(nothing, SAME),
    "second loader at once": meanwhile(more_arrives, (1, 4)),
    "replay out of order": meanwhile(older_arrives, (3, 4), (2, 3), (1, 2)),
    "overwritten": meanwhile(pending_overwritten),
    "late listing": meanwhile(pending_overwritten, SAME),
    "A B A": meanwhile(former_comes_back),
    "A B A and a second loader": meanwhile(former_comes_back, SAME),
    "B comes and goes": meanwhile(goes_and_comes_back, SAME),
    "winner overwritten without its key": meanwhile(winner_overwritten, SAME),
    "event moves": meanwhile(event_moves, (2, 4)),
    "loaded object deleted": meanwhile(loaded_deleted, SAME),
    "pending objects deleted": meanwhile(pending_deleted, SAME),
    "object damaged": meanwhile(damaged, SAME),
}


def turning_points(points: Sequence[Point]) -> list[Point]:
    """Where something changes for others: before the lock, under it, before the commit, at the end."""
    locked = [point for point in points if point.locked]
    return [points[locked[0].nth - 2], locked[0], locked[-1], points[-1]]
