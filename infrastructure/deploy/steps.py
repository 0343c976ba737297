"""The steps of a deploy, in their order. Each may be repeated; what is as it should be stays untouched."""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from infrastructure.deploy.settings import declared
from infrastructure.deploy.stack import Change, DeployError, How, deploy_stack, describe, list_changes, set_parameter
from infrastructure.deploy.target import INVOKE, Target

logger = logging.getLogger(__name__)

# what stands for the lake bucket's name in the parameter files
LAKE = "{LakeBucket}"
# errors of a function that could not say itself what happened
DIED = ("Sandbox.", "Runtime.Exit", "Runtime.Unknown")
# characters of a failed function's log that are shown
LOG_TAIL = 1500


def deploy_template(target: Target, part: str, body: str, extra: Mapping[str, str]) -> bool:
    """Deploy a template as analytics-<env>-<part>; whether anything changed."""
    return deploy_stack(target.session.client("cloudformation"), target.name(part), **_stack(target, body, extra))


def template_changes(target: Target, part: str, body: str, extra: Mapping[str, str]) -> list[Change] | None:
    """What `deploy_template` would change; None where there is no such stack yet."""
    return list_changes(target.session.client("cloudformation"), target.name(part), **_stack(target, body, extra))


def _stack(target: Target, body: str, extra: Mapping[str, str]) -> dict[str, Any]:
    def upload(text: str) -> str:
        s3, bucket = target.session.client("s3"), target.parameter("artifacts/bucket")
        key = f"templates/{hashlib.sha256(text.encode()).hexdigest()[:24]}.yaml"
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        return str(url).partition("?")[0]

    return {
        "template_body": body,
        "parameters": declared(body, {**target.parameters, **extra}),
        "tags": [{"Key": "analytics:environment", "Value": target.env}],
        "how": How(target.role, upload),
    }


def deploy_functions(target: Target, body: str, where: Mapping[str, str], mode: str | None) -> bool:
    """Deploy the functions, migrate the warehouse, and only then let the queue drive them.

    Where the process function takes messages already, it stops before its code changes: new code must not meet a
    warehouse that is not migrated.

    Args:
        target: where to.
        body: the functions' template.
        where: the parameters that say where the code is.
        mode: who takes messages, dagster or lambda; None leaves what is deployed (dagster at first).

    Returns:
        Whether the stack changed.
    """
    require_migratable(target, where)
    present = trigger_mode(target)
    wanted = mode or present or target.parameters["TriggerMode"]
    values = {**where, **source_variables(target)}
    if present == "lambda" and _pause(target, body, {**values, "TriggerMode": wanted}):
        present = "dagster"
    at_first = wanted if wanted == present else "dagster"
    changed = deploy_template(target, "functions", body, {**values, "TriggerMode": at_first})
    migrate(target)
    if wanted != at_first:
        changed |= deploy_template(target, "functions", body, {**values, "TriggerMode": wanted})
    return changed


def require_migratable(target: Target, where: Mapping[str, str]) -> None:
    """Have the new code say whether it can bring the warehouse to its contracts, before anything else gets that code.

    Migrate alone has the new code meanwhile. Where nothing is deployed yet, nothing can stand in the way.

    Raises:
        DeployError: it cannot; says what stands in the way. Code, tables and trigger are as they were.
    """
    deployed = _parameters(target)
    new = where.get("ProcessImageUri") or where["CodeKey"]
    if "MigrateCode" not in deployed or new in (deployed["ProcessImageUri"], deployed["CodeKey"]):
        return
    cloudformation, name = target.session.client("cloudformation"), target.name("functions")
    set_parameter(cloudformation, name, "MigrateCode", new, target.role)
    try:
        _invoke_migrate(target, {"action": "compare"})
    except DeployError:
        set_parameter(cloudformation, name, "MigrateCode", "", target.role)
        raise


def _pause(target: Target, body: str, values: Mapping[str, str]) -> bool:
    """Stop the process function taking messages if these values would change the stack; whether it was stopped."""
    if not template_changes(target, "functions", body, values):
        return False
    cloudformation, name = target.session.client("cloudformation"), target.name("functions")
    # in a step of its own: one update would change the function before its mapping
    set_parameter(cloudformation, name, "TriggerMode", "dagster", target.role)
    logger.info("%s: in mode dagster until migrate is done", name)
    return True


def source_variables(target: Target) -> dict[str, str]:
    """SourceVariables with the lake bucket's name, which no parameter file can know, for {LakeBucket}."""
    given = target.parameters["SourceVariables"]
    return {"SourceVariables": given.replace(LAKE, target.parameter("lake/bucket")) if LAKE in given else given}


def trigger_mode(target: Target) -> str | None:
    """Who takes messages, as deployed; None before the first deploy."""
    return _parameters(target).get("TriggerMode")


def _parameters(target: Target) -> dict[str, str]:
    """The parameters with which the functions are deployed; none where they are not."""
    found = describe(target.session.client("cloudformation"), target.name("functions")) or {}
    return {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])}


def migrate(target: Target) -> dict[str, Any]:
    """Invoke the migrate function; returns its answer.

    Raises:
        DeployError: it failed.
    """
    answer = _invoke_migrate(target, {})
    applied = answer.get("applied", [])
    logger.info("migrate: %s", f"{len(applied)} statements applied" if applied else "nothing to do")
    if retired := answer.get("retired"):
        logger.info("migrate: not declared any more, and left alone: %s (analytics retire NAME)", ", ".join(retired))
    for sql in answer.get("retired_columns", ()):
        logger.info("migrate: a retired column is left to you: %s", sql)
    return dict(answer)


def _invoke_migrate(target: Target, event: Mapping[str, str]) -> dict[str, Any]:
    """The answer of the migrate function.

    Raises:
        DeployError: it failed; says its error, and the end of its log where that is not the function's own.
    """
    client = target.session.client("lambda", config=INVOKE)
    reply = client.invoke(FunctionName=target.name("migrate"), Payload=json.dumps(event).encode(), LogType="Tail")
    answer: dict[str, Any] = json.loads(reply["Payload"].read())
    if "FunctionError" not in reply:
        return answer
    if not str(answer.get("errorType", DIED[0])).startswith(DIED):
        raise DeployError(f"migrate failed: {answer.get('errorMessage')}")
    log = base64.b64decode(reply.get("LogResult", "")).decode(errors="replace")[-LOG_TAIL:]
    raise DeployError(f"migrate failed: {answer.get('errorMessage', answer)}\n{log}")
