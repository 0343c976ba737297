"""Dagster Pipes for a function that others call too: reports to Dagster where Dagster called, and only there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster_pipes import (
    PipesContext,
    PipesDefaultContextLoader,
    PipesDefaultMessageWriter,
    PipesMappingParamsLoader,
)

from lambdas.common.remaining import shown

Report = Callable[[Mapping[str, Any]], None]


@contextmanager
def reporting(event: Mapping[str, Any]) -> Iterator[Report]:
    """A function that sends an answer to the step as a custom message; to be called once.

    The step may need several calls until nothing remains: it sums their answers and reports one materialization. A
    call that sends none fails the step. The message goes to stderr when the block ends, because Dagster reads the
    last 4 KB of the log: answers stay under 1 KB. What the block raises passes on, so the call fails and with it the
    step. Without Dagster's keys in the event the answer goes nowhere. The report has no position of a slice, because it
    stands in the function's log: the step has that from the answer itself.
    """
    loader = PipesMappingParamsLoader(event)
    if not loader.is_dagster_pipes_process():
        yield _nowhere
        return
    # Not open_dagster_pipes: it keeps its context for the life of the process, closed from the first call on,
    # and a function's process serves many calls.
    with PipesContext(loader, PipesDefaultContextLoader(), PipesDefaultMessageWriter()) as context:

        def report(answer: Mapping[str, Any]) -> None:
            rest = answer.get("remaining")
            context.report_custom_message({**answer, "remaining": shown(rest)} if rest else dict(answer))

        yield report


def _nowhere(answer: Mapping[str, Any]) -> None:
    """Takes the report where nobody asked for one."""
