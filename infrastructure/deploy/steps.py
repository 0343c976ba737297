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
from infrastructure.deploy.settings import NETWORK, declared, template
from infrastructure.deploy.stack import DeployError, deploy_stack, describe, set_parameter, would_change

logger = logging.getLogger(__name__)

WAREHOUSE = ("host", "port", "database", "sslmode", "copy-role", "secret-admin", "secret-loader", "secret-reader")
IMAGES = ("IngestImageUri", "ProcessImageUri")
ARTIFACTS = "artifacts/bucket"
# what stands for the lake bucket's name in the parameter files
LAKE = "{LakeBucket}"
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
    return deploy_stack(target.session.client("cloudformation"), target.name(part), **_stack(target, file, extra))


def _stack(target: Target, file: str, extra: Mapping[str, str]) -> dict[str, Any]:
    body = template(file)
    return {
        "template_body": body,
        "parameters": declared(body, {**target.parameters, **extra}),
        "tags": [{"Key": "analytics:environment", "Value": target.env}],
    }


def require(target: Target) -> None:
    """Make sure of all that a deploy takes and does not make, before anything is touched.

    Raises:
        DeployError: something is missing; all of it is named.
    """
    names = [target.ssm(f"warehouse/{name}") for name in WAREHOUSE] + [target.ssm(ARTIFACTS)]
    ssm = target.session.client("ssm")
    missing = [f"{name} in SSM" for name in sorted(ssm.get_parameters(Names=names)["InvalidParameters"])]
    if target.env != "local":
        missing += [f"--set {name}=<image by digest>" for name in IMAGES if not target.parameters.get(name)]
    network = [name for name in NETWORK if not target.parameters.get(name)]
    missing += [f"--set {name}=..." for name in network if len(network) == 1]
    if missing:
        raise DeployError(f"{target.env} lacks what a deploy needs, nothing was touched: {', '.join(missing)}")


def code(target: Target) -> dict[str, str]:
    """The parameters that say where the functions' code is: images, on the local cloud a zip uploaded now.

    Raises:
        DeployError: images are missing where a zip would not do.
    """
    images = {name: target.parameters.get(name, "") for name in IMAGES}
    if all(images.values()):
        return images
    if target.env != "local":
        # the zip has our code alone; only the local cloud runs functions where the dependencies are installed
        raise DeployError(f"{target.env} takes images, give {' and '.join(IMAGES)} (--set): a zip has no dependencies")
    bucket = str(target.session.client("ssm").get_parameter(Name=target.ssm(ARTIFACTS))["Parameter"]["Value"])
    return {"CodeBucket": bucket, "CodeKey": upload_code(target.session.client("s3"), bucket)}


def deploy_functions(target: Target, where: Mapping[str, str], mode: str | None) -> bool:
    """Deploy the functions, migrate the warehouse, and only then let the queue drive them.

    Where the process function takes messages already, it stops before its code changes: new code must not meet a
    warehouse that is not migrated.

    Args:
        target: where to.
        where: the parameters that say where the code is.
        mode: who takes messages, dagster or lambda; None leaves what is deployed (dagster at first).

    Returns:
        Whether the stack changed.
    """
    present = _trigger_mode(target)
    wanted = mode or present or target.parameters["TriggerMode"]
    values = {**where, **_source_variables(target)}
    if present == "lambda" and _pause(target, {**values, "TriggerMode": wanted}):
        present = "dagster"
    at_first = wanted if wanted == present else "dagster"
    changed = deploy_template(target, "functions", "template.yaml", {**values, "TriggerMode": at_first})
    migrate(target)
    if wanted != at_first:
        changed |= deploy_template(target, "functions", "template.yaml", {**values, "TriggerMode": wanted})
    return changed


def _pause(target: Target, values: Mapping[str, str]) -> bool:
    """Stop the process function taking messages if these values would change the stack; whether it was stopped."""
    cloudformation, name = target.session.client("cloudformation"), target.name("functions")
    if not would_change(cloudformation, name, **_stack(target, "template.yaml", values)):
        return False
    # in a step of its own: one update would change the function before its mapping
    set_parameter(cloudformation, name, "TriggerMode", "dagster")
    logger.info("%s: in mode dagster until migrate is done; after a failure give --trigger-mode lambda again", name)
    return True


def _source_variables(target: Target) -> dict[str, str]:
    """SourceVariables with the lake bucket's name, which no parameter file can know, for {LakeBucket}."""
    given = target.parameters["SourceVariables"]
    return {"SourceVariables": given.replace(LAKE, lake_bucket(target)) if LAKE in given else given}


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
