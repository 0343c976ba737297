"""Two ways to do one thing, timed in turn."""

import statistics
import time
from collections.abc import Callable

RUNS = 5


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(ours: Callable[[], object], theirs: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """The medians of both, in seconds, after one warm-up of each, the order alternated."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        for side in (0, 1) if run % 2 else (1, 0):
            times[side].append(seconds((ours, theirs)[side]))
    return statistics.median(times[0]), statistics.median(times[1])


def line(name: str, ours: float, theirs: float, budget: str) -> str:
    """One line of the report."""
    return f"{name:58} {ours:8.2f} s {theirs:8.2f} s   ratio {ours / theirs:5.2f}   budget {budget}"
