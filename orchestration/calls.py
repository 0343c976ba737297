"""Calling a function by Dagster Pipes until nothing remains, and what it said as one answer.

The function sends its answer once, as a custom message (`lambdas.common.pipes`). Pipes would take silence for success:
here a call without an answer fails the step. What remains is taken from the return value, because the message stands in
the function's log and has no position of a slice.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from lambdas.common import errors
from lambdas.common.remaining import shown
from orchestration.resources import Cloud

Answer = dict[str, Any]
# An object that is overwritten meanwhile is begun anew: once is no sign of a function that turns in circles.
MOST_STALLS = 3
Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext
CANCELLED = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)
# A run over its time limit, or taken for lost, is marked at once: its process may still be at work.
ENDED = (*CANCELLED, dg.DagsterRunStatus.FAILURE)


def call_function(context: Context, cloud: Cloud, function: str, *, event: Mapping[str, Any]) -> Answer:
    """The answers of all calls that the event takes, joined: numbers are sums, other values the last one's.

    Args:
        context: of the step that calls.
        cloud: where the function is.
        function: ingest or process; its deployed name is the SSM parameter functions/<function>.
        event: what to do; its start and end move on while the function says what remains.

    Raises:
        dg.Failure: the function failed, said nothing or made no progress; retried unless it says that it is of no use.
            Or the run is cancelled or over its time limit, which is not retried.
    """
    with _unless_cancelled(context):
        return _call_until_done(context, cloud, _deployed_name(cloud, function), event)


def _call_until_done(context: Context, cloud: Cloud, name: str, event: Mapping[str, Any]) -> Answer:
    joined: Answer = {}
    pending: Mapping[str, Any] | None = {}
    calls = stalls = 0
    while pending is not None:
        asked = {**event, **pending}
        answer = _call_once(context, cloud, name, event=asked)
        pending = answer.pop("remaining", None)
        stalls = stalls + 1 if pending is not None and {**event, **pending} == asked else 0
        if stalls == MOST_STALLS:
            told = f"{name} made no progress: it answers that all of {shown(asked)} remains"
            raise dg.Failure(told, allow_retries=False)
        joined = join(joined, answer)
        calls += 1
        if pending is not None:
            context.log.info("call %d of %s: %s; remaining %s", calls, name, answer, shown(pending))
    return {**joined, "calls": calls}


def ask_function(context: Context, cloud: Cloud, function: str, *, event: Mapping[str, Any]) -> Answer:
    """The answer of one call that changes nothing, whatever its size: not by Pipes, whose reports are short.

    Raises:
        dg.Failure: the function failed, or the run is cancelled.
    """
    with _unless_cancelled(context):
        name = _deployed_name(cloud, function)
        answer = cloud.invoke(name, event)
    if "FunctionError" in answer:
        head = f"Lambda Function Error ({answer['FunctionError']})"
        failure = function_failure(name, f"{head}\n{answer['Payload']}")
        raise failure or dg.Failure(f"{name} failed: {answer['Payload']}")
    return dict(json.loads(answer["Payload"]))


@contextmanager
def _unless_cancelled(context: Context) -> Iterator[None]:
    """The end of the step where its run is cancelled, before or meanwhile.

    Dagster takes the interrupt for one more error that its retry policy may mend: the step would begin anew and end
    green. A lost host interrupts too; that is Dagster's to judge.
    """
    _refuse_if_cancelled(context)
    try:
        yield
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        _refuse_if_cancelled(context)
        raise


def _refuse_if_cancelled(context: Context) -> None:
    run = context.op_execution_context.instance.get_run_by_id(context.run.run_id)
    if run is not None and run.status in ENDED:
        ended = "cancelled" if run.status in CANCELLED else "taken for failed"
        why = "over its time limit" if _took_too_long(context) else ended
        raise dg.Failure(f"the run is {why}: nothing more is asked for", allow_retries=False)


def _took_too_long(context: Context) -> bool:
    """Whether Dagster itself ends the run: it says so in the event alone, not in the run's state."""
    instance, kind = context.op_execution_context.instance, dg.DagsterEventType.PIPELINE_CANCELING
    said = [record.event_log_entry for record in instance.get_records_for_run(context.run.run_id, of_type=kind).records]
    return any("maximum runtime" in (entry.dagster_event.message or "") for entry in said if entry.dagster_event)


def metadata(answer: Answer) -> dict[str, Any]:
    """The answer as metadata values: counts of a group under `group_name`, other nested values as JSON."""
    flat: dict[str, Any] = {}
    for name, value in answer.items():
        if _is_counts(value):
            flat |= {f"{name}_{part}": number for part, number in value.items()}
        elif isinstance(value, dict | list):
            flat[name] = dg.MetadataValue.json(value)
        elif value is not None:
            flat[name] = value
    return flat


def _deployed_name(cloud: Cloud, function: str) -> str:
    """What the function is called where it is deployed.

    Raises:
        dg.Failure: it is not deployed, which trying again does not mend.
    """
    try:
        return cloud.parameter(f"functions/{function}")
    except errors.PermanentError as error:
        kind = type(error).__name__
        raise dg.Failure(f"{error} ({kind})", metadata={"error_type": kind}, allow_retries=False) from error


def _call_once(context: Context, cloud: Cloud, name: str, *, event: Mapping[str, Any]) -> Answer:
    try:
        # the op's context: Pipes asks the asset's for what Dagster itself has deprecated there
        reported, answer = cloud.call(context.op_execution_context, name, event)
    except Exception as error:
        failure = function_failure(name, str(error))
        if failure is None:
            raise
        raise failure from error
    messages = [m for m in reported if isinstance(m, dict)]
    if len(messages) != 1:
        raise dg.Failure(
            f"{name} ended without saying what it did ({len(messages)} reports, expected 1); "
            "its log group has the details. Calling it again is safe."
        )
    return {**messages[0], "remaining": answer.get("remaining")}


def function_failure(name: str, text: str) -> dg.Failure | None:
    """The function's own error, in the words of PipesLambdaClient, as a failure that begins with its message.

    A permanent error (`lambdas.common.errors`) is not tried again. None where the function never ran.
    """
    head, _, body = text.partition("\n")
    if not head.startswith("Lambda Function Error"):
        return None
    payload = json.loads(body)
    kind, message = payload.get("errorType", "Error"), payload.get("errorMessage", body)
    return dg.Failure(
        f"{message} ({kind} in {name})",
        metadata={"function": name, "error_type": kind, "error": dg.MetadataValue.json(payload)},
        allow_retries=not is_permanent(kind),
    )


def is_permanent(kind: str) -> bool:
    """Whether the class of that name is one of the platform's errors that only a person can mend."""
    found = getattr(errors, kind, None)
    return isinstance(found, type) and issubclass(found, errors.PermanentError)


def join(former: Answer, latter: Answer) -> Answer:
    """Two answers as one: numbers are sums, lists follow one another, other values are the latter's."""
    return {name: _sum(former.get(name), latter.get(name)) for name in former | latter}


def _sum(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    if _is_counts(one) and _is_counts(other):
        return join(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    return one + other if _is_number(one) and _is_number(other) else other


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(_is_number(number) for number in value.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
