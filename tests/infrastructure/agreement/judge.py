"""The local cloud's AWS as a judge: each call is held against the policies of who calls, and noted.

`python -m tests.infrastructure.agreement.judge`, started in place of `infrastructure.local.aws`. RECORD names the file
of the notes, one JSON object a line. Functions get sessions of the roles that the templates give them.
"""

import json
import os
import runpy
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app as gateway
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
_judge = iam_evaluator.enforce
_find_action = iam_actions.extract_iam_action
_find_resource = iam_actions.extract_resource_arn
_ministack = gateway.app
# IAM has no actions of their own for these
ACTIONS = {"sqs:DeleteMessageBatch": "sqs:DeleteMessage", "sqs:SendMessageBatch": "sqs:SendMessage"}
# of the request that is being judged
_parameters: ContextVar[tuple[str, ...]] = ContextVar("parameters", default=())


def _action(service: str, method: str, path: str, *rest: Any) -> Any:
    """As MiniStack, which has no action for a look at Lambda's limits."""
    if service == "lambda" and path.rstrip("/").endswith("/account-settings"):
        return "lambda:GetAccountSettings"
    return _find_action(service, method, path, *rest)


def _resource(service: str, method: str, path: str, headers: Any, body: Any, *rest: Any) -> Any:
    """As MiniStack, which takes a call for several SSM parameters for one about all that there are."""
    names = json.loads(body)["Names"] if headers.get("x-amz-target") == "AmazonSSM.GetParameters" else []
    region, account = rest[-2:]
    _parameters.set(tuple(f"arn:aws:ssm:{region}:{account}:parameter{name}" for name in names))
    return _find_resource(service, method, path, headers, body, *rest)


def _note(
    key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
) -> Any:
    """MiniStack's own judgement of a call, written down."""
    action = ACTIONS.get(action, action)
    resources = _parameters.get() if action == "ssm:GetParameters" else [resource_arn]
    verdicts = [_judge(key, action, service, region, one, service_context) for one in resources]
    who = iam_evaluator.resolve_principal(key or "", get_account_id())
    keys = {name: value for name, value in (service_context or {}).items() if isinstance(value, str)}
    with Path(os.environ["RECORD"]).open("a", encoding="utf-8") as notes:
        for resource, verdict in zip(resources, verdicts, strict=True):
            note = {"who": getattr(who, "arn", ""), "action": action, "resource": resource, "keys": keys}
            notes.write(f"{json.dumps({**note, 'allowed': verdict is None})}\n")
    return next((verdict for verdict in verdicts if verdict is not None), None)


async def _behind_tls(scope: Scope, receive: Receive, send: Send) -> None:
    """As behind a TLS end: the policies refuse what comes in the clear, and everything here does."""
    await _ministack({**scope, "scheme": "https"} if scope["type"] == "http" else scope, receive, send)


if __name__ == "__main__":
    iam_actions.extract_iam_action = _action
    iam_actions.extract_resource_arn = _resource
    iam_evaluator.enforce = _note
    gateway.app = _behind_tls
    runpy.run_module("infrastructure.local.aws", run_name="__main__")
