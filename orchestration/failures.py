"""Why a run failed: of each step that did, the kinds of its errors and the reason in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Failure:
    """A step that failed: `kinds` are the class names of its error and of what that came from, as far as is known."""

    step: str
    kinds: tuple[str, ...]
    reason: str


def failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[Failure]:
    """The steps of the run that failed, in their order; none where it died without one."""
    for record in instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records:
        event = record.event_log_entry.dagster_event
        if event is not None:
            data = event.step_failure_data
            yield Failure(event.step_key or "", tuple(dict.fromkeys(_kinds(data))), _reason(data))


def _kinds(data: Any) -> Iterator[str]:
    named = data.user_failure_data.metadata.get("error_type") if data.user_failure_data else None
    if named is not None:
        yield str(named.value)
    error = data.error
    while error is not None:
        yield error.cls_name or ""
        error = error.cause


def _reason(data: Any) -> str:
    """The first line of what the step said."""
    said = data.user_failure_data.description if data.user_failure_data else None
    # Dagster's own error, around the one that was raised, only says that there was one
    error = data.error and (data.error.cause or data.error)
    text = said or (error.message if error else "")
    return next(iter(str(text).strip().splitlines()), "it does not say why")
