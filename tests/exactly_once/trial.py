"""Runs scenarios side by side and says which of them failed, and why."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.exactly_once.beginning import work_waits
from tests.exactly_once.boundaries import Point
from tests.exactly_once.checks import check_erased
from tests.exactly_once.happenings import Happening
from tests.exactly_once.lab import Lab
from tests.exactly_once.shapes import Shape
from tests.exactly_once.world import World

WORKERS = 3

Scenario = tuple[str, Callable[[], None]]


def play(lab: Lab, shape: Shape, act: Callable[[World], None], **options: Any) -> None:
    """One scenario: what happens until all is loaded, and the comparison with the model.

    `options` are how the loaders are ordered, those of a recovery too.
    """
    with work_waits(lab, shape, **options) as world:
        act(world)
        if "forget" in options:
            world.recover(action="load")
        world.check()
        if "forget" in options:
            check_gone(world, options["forget"])


def check_gone(world: World, what: str) -> None:
    """Nothing of a forgotten object or id is left in the lake, in no version."""
    versions = [version for zone in ("raw", "curated", "rejected") for version in world.versions(zone)]
    if "/" in what:
        stem = world.key(what).rsplit("/", 1)[1].removesuffix(".parquet")
        assert not [v["Key"] for v in versions if stem in v["Key"]], f"{what} is still there"
    else:
        check_erased(world.lab.s3, versions, what)


def at_points(lab: Lab, shape: Shape, happening: Happening, where: Iterable[Point], **options: Any) -> list[Scenario]:
    """The happening at each point."""

    def at(point: Point) -> Callable[[], None]:
        return lambda: play(lab, shape, lambda world: happening(world, point), **options)

    return [(str(point), at(point)) for point in where]


def run_all(lab: Lab, scenarios: Sequence[Scenario], workers: int = WORKERS) -> None:
    """Run them all.

    Raises:
        AssertionError: names the scenarios that failed, with their reasons.
    """
    assert scenarios, "no scenario at all"
    with ThreadPoolExecutor(workers) as pool:
        running = [(name, pool.submit(run)) for name, run in scenarios]
    failed = [(name, future.exception()) for name, future in running if future.exception()]
    lab.scenarios += len(scenarios)
    if failed:
        reasons = "\n".join(f"  {name}: {type(error).__name__}: {str(error)[:600]}" for name, error in failed)
        raise AssertionError(f"{len(failed)} of {len(scenarios)} scenarios failed:\n{reasons}") from failed[0][1]
