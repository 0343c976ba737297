"""The steps of a deploy, in their order. Each may be repeated; what is as it should be stays untouched."""

import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from infrastructure.deploy.package import upload_code
from infrastructure.deploy.settings import declared, template
from infrastructure.deploy.stack import DeployError, deploy_stack, describe

logger = logging.getLogger(__name__)

WAREHOUSE = ("host", "port", "database", "sslmode", "copy-role", "secret-admin", "secret-loader", "secret-reader")
# characters of a failed function's log that are shown
LOG_TAIL = 1500
# longer than any function's timeout; a second attempt would run a second invocation
INVOKE = Config(read_timeout=330, connect_timeout=10, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Target:
    """Where a deploy goes: a session, the environment's name, the parameters of its stacks."""

    session: boto3.Session
    env: str
    parameters: Mapping[str, str]

    def name(self, part: str) -> str:
        """The name of a stack or a function of this environment."""
        return f"analytics-{self.env}-{part}"

    def ssm(self, path: str) -> str:
        """The name of an SSM parameter of this environment."""
        return f"/analytics/{self.env}/{path}"


def deploy_template(target: Target, part: str, file: str, extra: Mapping[str, str]) -> bool:
    """Deploy one template of this folder as analytics-<env>-<part>; whether anything changed."""
    body = template(file)
    values = declared(body, {**target.parameters, **extra})
    tags = [{"Key": "analytics:environment", "Value": target.env}]
    cloudformation = target.session.client("cloudformation")
    return deploy_stack(cloudformation, target.name(part), body, parameters=values, tags=tags)


def require_warehouse(target: Target) -> None:
    """Make sure that the warehouse has been deployed.

    Raises:
        DeployError: parameters that its stack gives are missing; all are named.
    """
    names = [target.ssm(f"warehouse/{name}") for name in WAREHOUSE]
    missing = target.session.client("ssm").get_parameters(Names=names)["InvalidParameters"]
    if missing:
        raise DeployError(f"there is no warehouse yet; its stack has to give {', '.join(sorted(missing))}")


def code(target: Target) -> dict[str, str]:
    """The parameters that say where the functions' code is: images when given, else a zip uploaded now.

    Raises:
        DeployError: neither images nor an artifact bucket are there.
    """
    images = {name: target.parameters.get(name, "") for name in ("IngestImageUri", "ProcessImageUri")}
    if all(images.values()):
        return images
    ssm = target.session.client("ssm")
    found = ssm.get_parameters(Names=[target.ssm("artifacts/bucket")])["Parameters"]
    if not found:
        raise DeployError(
            "no code to deploy: give IngestImageUri and ProcessImageUri (--set), "
            f"or {target.ssm('artifacts/bucket')} for a zip file"
        )
    bucket = found[0]["Value"]
    return {"CodeBucket": bucket, "CodeKey": upload_code(target.session.client("s3"), bucket)}


def deploy_functions(target: Target, where: Mapping[str, str], mode: str | None) -> bool:
    """Deploy the functions, migrate the warehouse, and only then let the queue drive them.

    Args:
        target: where to.
        where: the parameters that say where the code is.
        mode: who takes messages, dagster or lambda; None leaves what is deployed (dagster at first).

    Returns:
        Whether the stack changed.
    """
    present = _trigger_mode(target)
    wanted = mode or present or target.parameters["TriggerMode"]
    at_first = wanted if wanted == present else "dagster"
    changed = deploy_template(target, "functions", "template.yaml", {**where, "TriggerMode": at_first})
    migrate(target)
    if wanted != at_first:
        changed |= deploy_template(target, "functions", "template.yaml", {**where, "TriggerMode": wanted})
    return changed


def _trigger_mode(target: Target) -> str | None:
    found = describe(target.session.client("cloudformation"), target.name("functions")) or {}
    given = {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])}
    return given.get("TriggerMode")


def migrate(target: Target) -> dict[str, Any]:
    """Invoke the migrate function; returns its answer.

    Raises:
        DeployError: it failed; its error and the end of its log are in the message.
    """
    client = target.session.client("lambda", config=INVOKE)
    reply = client.invoke(FunctionName=target.name("migrate"), Payload=b"{}", LogType="Tail")
    answer = json.loads(reply["Payload"].read())
    if "FunctionError" in reply:
        log = base64.b64decode(reply.get("LogResult", "")).decode(errors="replace")[-LOG_TAIL:]
        raise DeployError(f"migrate failed: {answer.get('errorMessage', answer)}\n{log}")
    applied = answer.get("applied", [])
    logger.info("migrate: %s", f"{len(applied)} statements applied" if applied else "nothing to do")
    return dict(answer)


def lake_bucket(target: Target) -> str:
    """The lake bucket's name."""
    found = target.session.client("ssm").get_parameter(Name=target.ssm("lake/bucket"))
    return str(found["Parameter"]["Value"])
