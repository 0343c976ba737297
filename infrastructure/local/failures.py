"""Failed functions answer as AWS has it: the exception's class and message, the request and the stack.

MiniStack names every failure `Runtime.HandlerError`. Its worker, a script that runs the handler, is made to say more,
and what it says becomes the answer. Functions that run out of time or die are answered by MiniStack itself.
"""

from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

SAID = '"trace": traceback.format_exc()'
# https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html; the first frame is the worker's own
MORE = (
    '"failure": {"errorMessage": str(e), "errorType": type(e).__name__, "requestId": context.aws_request_id, '
    '"stackTrace": traceback.format_tb(e.__traceback__)[1:]}'
)

_failure: ContextVar[dict[str, Any] | None] = ContextVar("failure", default=None)
_invoke = lambda_runtime.Worker.invoke
_execute = lambda_svc._execute_function_warm


def name_failures() -> None:
    """Have this process's MiniStack answer so.

    Raises:
        RuntimeError: this release of MiniStack has another worker.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(SAID) != 1:
        raise RuntimeError(f"MiniStack's Python worker no longer says {SAID}: adapt {__file__}")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(SAID, f"{SAID}, {MORE}")
    lambda_runtime.Worker.invoke = _invoke_and_note
    lambda_svc._execute_function_warm = _execute_and_tell


def _invoke_and_note(worker: Any, *arguments: Any, **named: Any) -> Any:
    response = _invoke(worker, *arguments, **named)
    _failure.set(response.get("failure"))
    return response


def _execute_and_tell(func: Any, event: Any, request_id: str) -> Any:
    _failure.set(None)
    answer = _execute(func, event, request_id)
    failure = _failure.get()
    return {**answer, "body": failure} if failure else answer
