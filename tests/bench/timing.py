"""Two ways to do one thing, timed in turn."""

import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Mapping

RUNS = 5


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processor(work: Callable[[], object]) -> float:
    """Seconds of the processor that one call takes in this process, whoever else works on the machine."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    runs: int = RUNS,
    clock: Callable[[Callable[[], object]], float] = seconds,
) -> tuple[float, float]:
    """The medians of both, in seconds, after one warm-up of each, the order alternated."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        for side in (0, 1) if run % 2 else (1, 0):
            times[side].append(clock((ours, theirs)[side]))
    return statistics.median(times[0]), statistics.median(times[1])


def spent(work: Callable[[], object], steps: Mapping[str, str]) -> str:
    """One line that says what share of one call's time each step takes: `file:function` by what it does."""
    profile = cProfile.Profile()
    profile.runcall(work)
    found = pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
    total = max(taken for _, (_, _, _, taken, _) in found)
    shares = dict.fromkeys(steps, 0.0)
    for (file, _, name), (_, _, _, taken, _) in found:
        for said, place in steps.items():
            if f"{file}:{name}".endswith(f"/{place}"):
                shares[said] += taken / total
    shares["the rest"] = 1 - sum(shares.values())
    return "  of it: " + ", ".join(f"{said} {share:.0%}" for said, share in shares.items())


def line(name: str, ours: float, theirs: float, budget: str) -> str:
    """One line of the report."""
    return f"{name:58} {ours:8.2f} s {theirs:8.2f} s   ratio {ours / theirs:5.2f}   budget {budget}"
