"""CloudFormation stacks through change sets: created, updated, or left alone when nothing changed."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infrastructure.deploy.reasons import newest_event, reasons

logger = logging.getLogger(__name__)

NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
# A stack that never came to be can only be deleted; what it retained would have no data yet.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_FAILED", "CREATE_FAILED")
MOST_SECONDS = 3600
# CloudFormation takes a longer template from a bucket only
MOST_BODY = 51_200
Tags = Sequence[Mapping[str, str]]
# puts a template into a bucket and gives its URL
Upload = Callable[[str], str]


class DeployError(Exception):
    """A deploy that did not succeed, with the resource and the reason where CloudFormation names them."""


@dataclass(frozen=True, slots=True)
class How:
    """The role as which CloudFormation works, empty for the caller's own rights, and where long templates go."""

    role: str = ""
    upload: Upload | None = None


PLAIN = How()


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set would do with one resource. `replaced` is True, False or Conditional, as AWS says it."""

    action: str
    resource: str
    kind: str
    replaced: str = ""


def deploy_stack(
    cloudformation: Any,
    name: str,
    template_body: str,
    *,
    parameters: Mapping[str, str],
    tags: Tags = (),
    how: How = PLAIN,
) -> bool:
    """Bring a stack to this template and these parameters.

    Args:
        cloudformation: a boto3 CloudFormation client.
        name: of the stack; it is created when it does not exist.
        template_body: the template's text.
        parameters: values by name; names that the template does not declare are an error.
        tags: of the stack and of all that it creates.
        how: as whom CloudFormation works, and what takes a template that is too long to be sent.

    Returns:
        Whether anything changed.

    Raises:
        DeployError: the change set failed, or the stack was rolled back.
    """
    kind = "UPDATE" if _exists(cloudformation, name) else "CREATE"
    change_set = _change_set(cloudformation, name, kind, _wanted(template_body, _listed(parameters), tags, how))
    return _execute(cloudformation, name, kind, change_set)


def list_changes(
    cloudformation: Any,
    name: str,
    template_body: str,
    *,
    parameters: Mapping[str, str],
    tags: Tags = (),
    how: How = PLAIN,
) -> list[Change] | None:
    """What `deploy_stack` with the same arguments would do with a stack that is there; nothing is done.

    Returns:
        The changes, none where nothing would change; None where there is no such stack yet.

    Raises:
        DeployError: the change set failed.
    """
    found = describe(cloudformation, name)
    if found is None or found["StackStatus"] in NEVER_CREATED:
        return None
    change_set = _change_set(cloudformation, name, "UPDATE", _wanted(template_body, _listed(parameters), tags, how))
    if change_set is None:
        return []
    changes = _all_changes(cloudformation, change_set)
    cloudformation.delete_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=name)
    return changes


def _all_changes(cloudformation: Any, change_set: Mapping[str, Any]) -> list[Change]:
    listed, answer = list(change_set.get("Changes", [])), change_set
    while token := answer.get("NextToken"):
        answer = cloudformation.describe_change_set(ChangeSetName=change_set["ChangeSetId"], NextToken=token)
        listed += answer["Changes"]
    found = (change["ResourceChange"] for change in listed)
    return [
        Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], str(one.get("Replacement", "")))
        for one in found
    ]


def delete_stack(cloudformation: Any, name: str, role: str = "") -> bool:
    """Delete a stack; False where there is none. What its template retains stays.

    Raises:
        DeployError: it is still there; says which resources and why.
    """
    if describe(cloudformation, name) is None:
        return False
    since = newest_event(cloudformation, name)
    cloudformation.delete_stack(StackName=name, **_as(role))
    status = _await_stack(cloudformation, name, "DELETE_COMPLETE")
    if status != "DELETE_COMPLETE":
        raise DeployError(f"{name}: {status}. {reasons(cloudformation, name, since)}")
    logger.info("%s: deleted", name)
    return True


def set_parameter(cloudformation: Any, name: str, parameter: str, value: str, role: str = "") -> bool:
    """Change one parameter of a stack and nothing else: template and other parameters stay as deployed.

    Returns:
        Whether anything changed.

    Raises:
        DeployError: the change set failed, or the stack was rolled back.
    """
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    kept = [item["ParameterKey"] for item in stack["Parameters"] if item["ParameterKey"] != parameter]
    values = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept] + _listed({parameter: value})
    change_set = _change_set(cloudformation, name, "UPDATE", _wanted(None, values, stack.get("Tags", []), How(role)))
    return _execute(cloudformation, name, "UPDATE", change_set)


def _template(body: str | None, upload: Upload | None) -> dict[str, Any]:
    if body is None:
        return {"UsePreviousTemplate": True}
    if upload is not None and len(body.encode()) > MOST_BODY:
        return {"TemplateURL": upload(body)}
    return {"TemplateBody": body}


def _as(role: str) -> dict[str, str]:
    return {"RoleARN": role} if role else {}


def _listed(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())]


def _execute(cloudformation: Any, name: str, kind: str, change_set: Mapping[str, Any] | None) -> bool:
    """Run a change set to its end; False when there is none because nothing would change."""
    if change_set is None:
        logger.info("%s: no changes", name)
        return False
    since = newest_event(cloudformation, name)
    cloudformation.execute_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=name)
    status = _await_stack(cloudformation, name, f"{kind}_COMPLETE")
    if status != f"{kind}_COMPLETE":
        raise DeployError(f"{name}: {status}. {reasons(cloudformation, name, since)}")
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


def _wanted(body: str | None, parameters: list[dict[str, Any]], tags: Tags, how: How) -> dict[str, Any]:
    """What a change set asks for; without a body the template stays."""
    return {"Parameters": parameters, "Tags": list(tags), **_template(body, how.upload), **_as(how.role)}


def _change_set(cloudformation: Any, name: str, kind: str, wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The change set when it is ready, None when there is nothing to change."""
    try:
        created = cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType=kind,
            Capabilities=list(CAPABILITIES),
            **wanted,
        )
    except ClientError as error:
        raise DeployError(f"{name}: {error.response['Error']['Message']}") from error
    return _await_change_set(cloudformation, name, created["Id"])


def _await_change_set(cloudformation: Any, name: str, change_set_id: str) -> Mapping[str, Any] | None:
    for _ in _ticks():
        change_set: Mapping[str, Any] = cloudformation.describe_change_set(ChangeSetName=change_set_id, StackName=name)
        if change_set["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
    if change_set["Status"] == "CREATE_COMPLETE":
        return change_set
    reason = change_set.get("StatusReason", "no reason given")
    cloudformation.delete_change_set(ChangeSetName=change_set_id, StackName=name)
    if any(text in reason for text in NO_CHANGES):
        return None
    raise DeployError(f"{name}: the change set failed. {reason}")


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
