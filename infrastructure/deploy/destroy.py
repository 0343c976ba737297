"""Takes an environment down. What its templates retain stays: the lake, its queues, the warehouse's last snapshot."""

import logging
from typing import Any

from infrastructure.deploy.release import CURRENT
from infrastructure.deploy.settings import TEMPLATES, retained
from infrastructure.deploy.stack import DeployError, delete_stack, describe
from infrastructure.deploy.target import ARTIFACTS, Target

logger = logging.getLogger(__name__)

FOR_EVER = ("prod",)
ORDER = ("dagster", "api", "freshness", *(part for part in reversed(TEMPLATES) if part != "dagster"))


def destroy(target: Target) -> None:
    """Delete the stacks of an environment, last deployed first, and the record of what it runs.

    Raises:
        DeployError: the environment is not to be destroyed, or a stack could not be deleted.
    """
    if target.env in FOR_EVER:
        raise DeployError(f"{target.env} is not destroyed by this program: delete its stacks by hand, one by one")
    cloudformation = target.session.client("cloudformation")
    kept = [line for part in ORDER for line in _kept(cloudformation, target.name(part))]
    standing = [part for part in ORDER if describe(cloudformation, target.name(part)) is not None]
    if not standing:
        logger.info("%s: nothing is deployed", target.env)
        return
    bucket = target.parameter(ARTIFACTS)
    for part in standing:
        delete_stack(cloudformation, target.name(part), target.role)
    # what stands nowhere is nothing to go back to
    target.session.client("s3").delete_object(Bucket=bucket, Key=CURRENT)
    logger.info("%s is gone; its data stays: %s", target.env, ", ".join(kept) or "none")


def _kept(cloudformation: Any, name: str) -> list[str]:
    """What stays of a stack when it is deleted, by physical names; none where there is no stack."""
    if describe(cloudformation, name) is None:
        return []
    body = cloudformation.get_template(StackName=name)["TemplateBody"]
    names = retained(body) if isinstance(body, str) else set()
    listed = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return [str(one["PhysicalResourceId"]) for one in listed if one["LogicalResourceId"] in names]
