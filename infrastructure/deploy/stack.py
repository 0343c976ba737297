"""CloudFormation stacks through change sets: created, updated, or left alone when nothing changed."""

import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
# A stack that never came to be can only be deleted; what it retained would have no data yet.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_FAILED", "CREATE_FAILED")
MOST_SECONDS = 3600
Tags = Sequence[Mapping[str, str]]


class DeployError(Exception):
    """A deploy that did not succeed, with the resource and the reason where CloudFormation names them."""


def deploy_stack(
    cloudformation: Any, name: str, template_body: str, *, parameters: Mapping[str, str], tags: Tags = ()
) -> bool:
    """Bring a stack to this template and these parameters.

    Args:
        cloudformation: a boto3 CloudFormation client.
        name: of the stack; it is created when it does not exist.
        template_body: the template's text.
        parameters: values by name; names that the template does not declare are an error.
        tags: of the stack and of all that it creates.

    Returns:
        Whether anything changed.

    Raises:
        DeployError: the change set failed, or the stack was rolled back.
    """
    kind = "UPDATE" if _exists(cloudformation, name) else "CREATE"
    change_set = _create_change_set(
        cloudformation,
        StackName=name,
        ChangeSetType=kind,
        TemplateBody=template_body,
        Parameters=_listed(parameters),
        Tags=list(tags),
    )
    return _execute(cloudformation, name, kind, change_set)


def would_change(
    cloudformation: Any, name: str, template_body: str, *, parameters: Mapping[str, str], tags: Tags = ()
) -> bool:
    """Whether `deploy_stack` with the same arguments would change a stack that is there; nothing is changed.

    Raises:
        DeployError: the change set failed.
    """
    if not _exists(cloudformation, name):
        return False
    change_set = _create_change_set(
        cloudformation,
        StackName=name,
        ChangeSetType="UPDATE",
        TemplateBody=template_body,
        Parameters=_listed(parameters),
        Tags=list(tags),
    )
    if change_set is not None:
        cloudformation.delete_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=name)
    return change_set is not None


def set_parameter(cloudformation: Any, name: str, parameter: str, value: str) -> bool:
    """Change one parameter of a stack and nothing else: template and other parameters stay as deployed.

    Returns:
        Whether anything changed.

    Raises:
        DeployError: the change set failed, or the stack was rolled back.
    """
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    kept = [item["ParameterKey"] for item in stack["Parameters"] if item["ParameterKey"] != parameter]
    change_set = _create_change_set(
        cloudformation,
        StackName=name,
        ChangeSetType="UPDATE",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in kept] + _listed({parameter: value}),
        Tags=stack.get("Tags", []),
    )
    return _execute(cloudformation, name, "UPDATE", change_set)


def _listed(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())]


def _execute(cloudformation: Any, name: str, kind: str, change_set: Mapping[str, Any] | None) -> bool:
    """Run a change set to its end; False when there is none because nothing would change."""
    if change_set is None:
        logger.info("%s: no changes", name)
        return False
    since = _newest_event(cloudformation, name)
    cloudformation.execute_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=name)
    status = _await_stack(cloudformation, name, f"{kind}_COMPLETE")
    if status != f"{kind}_COMPLETE":
        raise DeployError(f"{name}: {status}. {_reasons(cloudformation, name, since)}")
    logger.info("%s: %s (%d resources)", name, status, len(change_set.get("Changes", [])))
    return True


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The outputs of a stack by key."""
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


def describe(cloudformation: Any, name: str) -> Mapping[str, Any] | None:
    """CloudFormation's description of a stack, None when there is no such stack."""
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    living = [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    return living[0] if living else None


def _exists(cloudformation: Any, name: str) -> bool:
    found = describe(cloudformation, name)
    if found is None:
        return False
    if found["StackStatus"] in NEVER_CREATED:
        logger.info("%s: removing what an earlier, failed creation left (%s)", name, found["StackStatus"])
        cloudformation.delete_stack(StackName=name)
        _await_stack(cloudformation, name, "DELETE_COMPLETE")
        return False
    if found["StackStatus"].endswith("_IN_PROGRESS"):
        logger.info("%s: waiting for another deploy (%s)", name, found["StackStatus"])
        _await_stack(cloudformation, name, "")
        return _exists(cloudformation, name)
    return True


def _create_change_set(cloudformation: Any, **request: Any) -> Mapping[str, Any] | None:
    """The change set when it is ready, None when there is nothing to change."""
    try:
        created = cloudformation.create_change_set(
            ChangeSetName=f"deploy-{time.time_ns()}", Capabilities=list(CAPABILITIES), **request
        )
    except ClientError as error:
        raise DeployError(f"{request['StackName']}: {error.response['Error']['Message']}") from error
    for _ in _ticks():
        change_set: Mapping[str, Any] = cloudformation.describe_change_set(
            ChangeSetName=created["Id"], StackName=request["StackName"]
        )
        if change_set["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
    if change_set["Status"] == "CREATE_COMPLETE":
        return change_set
    reason = change_set.get("StatusReason", "no reason given")
    cloudformation.delete_change_set(ChangeSetName=created["Id"], StackName=request["StackName"])
    if any(text in reason for text in NO_CHANGES):
        return None
    raise DeployError(f"{request['StackName']}: the change set failed. {reason}")


def _ticks() -> Iterator[float]:
    """Moments to look again: soon at first, every five seconds later on, for an hour at most."""
    deadline = time.monotonic() + MOST_SECONDS
    pause = 0.05
    while time.monotonic() < deadline:
        yield pause
        time.sleep(pause)
        pause = min(pause * 1.4, 5)


def _await_stack(cloudformation: Any, name: str, wanted: str) -> str:
    """The status in which a stack came to rest; DELETE_COMPLETE when it is gone."""
    status = ""
    for _ in _ticks():
        found = describe(cloudformation, name)
        status = found["StackStatus"] if found else "DELETE_COMPLETE"
        if status == wanted or not status.endswith("_IN_PROGRESS"):
            return status
    raise DeployError(f"{name}: still {status} after {MOST_SECONDS} s")


def _newest_event(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return events[0]["EventId"] if events else ""


def _reasons(cloudformation: Any, name: str, since: str) -> str:
    """What failed in this deploy, oldest first: resource, type and reason."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = (event for page in pages for event in page["StackEvents"])
    recent = itertools.takewhile(lambda event: event["EventId"] != since, events)
    failed = [event for event in recent if event["ResourceStatus"].endswith("FAILED")]
    reasons = [_reason(event, event.get("ResourceStatusReason")) for event in reversed(failed)]
    if any("DescribeEvents" in reason for reason in reasons):
        reasons = _validation_failures(cloudformation, name) or reasons
    return "; ".join(reasons) or "CloudFormation gives no reason; see the stack's events"


def _validation_failures(cloudformation: Any, name: str) -> list[str]:
    """Why the resources of a stack were refused before any of them was touched."""
    found = cloudformation.describe_events(StackName=name, Filters={"FailedEvents": True})["OperationEvents"]
    refused = [event for event in found if event.get("ValidationStatusReason")]
    last = refused[0].get("OperationId") if refused else None
    return [_reason(event, event["ValidationStatusReason"]) for event in refused if event.get("OperationId") == last]


def _reason(event: Mapping[str, Any], reason: str | None) -> str:
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason or 'no reason given'}"
