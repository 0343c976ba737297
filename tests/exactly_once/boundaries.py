"""Where a load can be met: before each of its statements, and after the last."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.exactly_once.beginning import begin, make
from tests.exactly_once.lab import Lab
from tests.exactly_once.orders import Loading
from tests.exactly_once.shapes import Shape
from tests.exactly_once.world import World

SECONDS = 30.0
ATTEMPTS = 5


@dataclass(frozen=True)
class Point:
    """Before the nth statement of a load's sessions.

    `retried`: the loader itself runs the transaction again where it fails; `locked`: the lock is held; `appended`: the
    shared ledger is written, so other sources wait; `last`: all is done.
    """

    nth: int
    statement: str
    retried: bool = False
    locked: bool = False
    appended: bool = False
    last: bool = False

    def __str__(self) -> str:
        return f"{self.nth} {' '.join(self.statement.split())[:40]}"


def points(lab: Lab, shape: Shape, **options: Any) -> list[Point]:
    """The boundaries of a load of that shape, ordered so."""
    return trace(lab, shape, options).points


def point(lab: Lab, shape: Shape, words: str, **options: Any) -> Point:
    """The last boundary of such a load whose statement begins with these words, whatever their case."""
    return [p for p in points(lab, shape, **options) if p.statement.upper().startswith(words.upper())][-1]


def s3_boundaries(lab: Lab, shape: Shape, **options: Any) -> list[str]:
    """Before each call of S3 that such a load makes, and after the last."""
    calls = len(trace(lab, shape, options).calls)
    return [f"before {n}" for n in range(1, calls + 1)] + [f"after {calls}"]


@dataclass(frozen=True)
class Trace:
    """What a load does to which nothing happens: its statements and its calls of S3."""

    points: list[Point]
    calls: list[str]


def trace(lab: Lab, shape: Shape, options: dict[str, Any]) -> Trace:
    """What such a load does, from one to which nothing happened."""
    kind = (shape.name, *sorted(options.items()))
    with lab.lock:
        if kind not in lab.traces:
            lab.traces[kind] = _undisturbed(lab, shape, options)
        found: Trace = lab.traces[kind]
    return found


def _undisturbed(lab: Lab, shape: Shape, options: dict[str, Any]) -> Trace:
    """A load that did not have to wait for others: who asks for its lock anew says more than it will the next time.

    All sources write one ledger, and other scenarios run at the same time on a machine that may be slow.
    """
    for _ in range(ATTEMPTS):
        found = _traced(make(lab, shape), options)
        verbs = [p.statement.split()[0].upper() for p in found.points if p.locked or p.statement.startswith("LOCK")]
        if verbs.count("LOCK") == verbs.count("COMMIT"):
            return found
    raise AssertionError(f"{ATTEMPTS} loads of {shape.name} in a row had to begin anew")


def _traced(world: World, options: dict[str, Any]) -> Trace:
    world.options = options
    begin(world)
    before = len(world.lab.faults.statements(world.sessions))
    result = world.load()
    assert "answer" in result, result
    statements = world.lab.faults.statements(world.sessions)[before:]
    return Trace(list(_read_points(statements)), result["calls"])


def _read_points(statements: Sequence[str]) -> Iterator[Point]:
    retried = locked = appended = False
    for nth, statement in enumerate(statements, 1):
        retried = retried or statement.startswith("CREATE TEMP TABLE")
        yield Point(nth, statement, retried, locked, appended)
        verb = statement.split()[0].upper()
        retried = retried and verb != "COMMIT"
        over = verb in ("COMMIT", "ROLLBACK")
        locked = not over and (locked or verb == "LOCK")
        appended = not over and (appended or "INTO ops.load_ledger" in statement)
    yield Point(len(statements) + 1, "the end", last=True)


@contextmanager
def standing(world: World, point: Point, *, wait: bool = True, **options: Any) -> Iterator[Loading]:
    """A loader that stands at the point for the length of the block, and then runs to its end."""
    fault = None if point.last else world.lab.faults.arm("pause", session=world.sessions, nth=point.nth)
    with world.loading(**options) as loader:
        if fault is None:
            loader.wait()
            yield loader
            return
        world.lab.faults.wait_reached(fault, SECONDS)
        yield loader
        world.lab.faults.release(fault)
        if wait:
            loader.wait()


def wait_for_lock(world: World, rival: Loading, asked: int) -> None:
    """Wait until the rival asks for the lock (the fault `asked` was reached), or has ended with nothing to do."""
    deadline = time.monotonic() + SECONDS
    while not (rival.has_ended() or world.lab.faults.state(asked)["reached"]):
        assert time.monotonic() < deadline, "the rival neither ends nor asks for the lock"
        time.sleep(0.01)


def arm_lock(world: World) -> int:
    """A fault that does no harm: it is reached when the next loader asks for the source's lock."""
    return world.lab.faults.arm("slow", session=world.sessions, statement=r"^\s*lock\b", seconds=0)
