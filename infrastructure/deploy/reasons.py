"""Why CloudFormation refused: the events of a stack, told in one line."""

import itertools
from collections.abc import Mapping
from typing import Any


def newest_event(cloudformation: Any, name: str) -> str:
    """The id of a stack's last event; empty before the first."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return events[0]["EventId"] if events else ""


def reasons(cloudformation: Any, name: str, since: str) -> str:
    """What failed in this deploy, oldest first: resource, type and reason."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = (event for page in pages for event in page["StackEvents"])
    recent = itertools.takewhile(lambda event: event["EventId"] != since, events)
    failed = [event for event in recent if event["ResourceStatus"].endswith("FAILED")]
    found = [_reason(event, event.get("ResourceStatusReason")) for event in reversed(failed)]
    if any("DescribeEvents" in reason for reason in found):
        found = _validation_failures(cloudformation, name) or found
    return "; ".join(found) or "CloudFormation gives no reason; see the stack's events"


def _validation_failures(cloudformation: Any, name: str) -> list[str]:
    """Why the resources of a stack were refused before any of them was touched."""
    found = cloudformation.describe_events(StackName=name, Filters={"FailedEvents": True})["OperationEvents"]
    refused = [event for event in found if event.get("ValidationStatusReason")]
    last = refused[0].get("OperationId") if refused else None
    return [_reason(event, event["ValidationStatusReason"]) for event in refused if event.get("OperationId") == last]


def _reason(event: Mapping[str, Any], reason: str | None) -> str:
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason or 'no reason given'}"
