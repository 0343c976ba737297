"""The function in warehouse.yaml that keeps the usage limit: run as it stands there, its calls checked by botocore."""

import sys
import types
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.infrastructure.test_stacks import parts

ARN = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/one"
WANTED = {"WorkgroupArn": ARN, "RpuHoursPerDay": "16", "OnLimit": "deactivate"}
LISTING = {"resourceArn": ARN, "usageType": "serverless-compute"}


@pytest.fixture
def answers() -> list[tuple[str, str, str | None]]:
    return []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, answers: list[tuple[str, str, str | None]]) -> Any:
    """Calls the handler with what AWS would answer; what it reports to CloudFormation goes to `answers`."""
    client = boto3.client(
        "redshift-serverless", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    reply = types.SimpleNamespace(
        SUCCESS="SUCCESS",
        FAILED="FAILED",
        send=lambda _event, _context, status, _data, known, reason=None: answers.append((status, known, reason)),
    )
    monkeypatch.setitem(sys.modules, "cfnresponse", reply)
    monkeypatch.setattr(boto3, "client", lambda _service: client)
    namespace: dict[str, Any] = {}
    exec(parts("warehouse")["UsageLimitFunction"]["Properties"]["Code"]["ZipFile"], namespace)
    with Stubber(client) as stub:
        yield lambda event: namespace["handler"](event, None), stub
        stub.assert_no_pending_responses()


def limit(identity: str, period: str = "daily") -> dict[str, Any]:
    return {"usageLimitId": identity, "period": period, "resourceArn": ARN, "usageType": "serverless-compute"}


def test_a_limit_is_made_where_there_is_none(run: Any, answers: list[Any]) -> None:
    handler, aws = run
    aws.add_response("list_usage_limits", {"usageLimits": [limit("other", "monthly")]}, LISTING)
    made = {**LISTING, "period": "daily", "amount": 16, "breachAction": "deactivate"}
    aws.add_response("create_usage_limit", {"usageLimit": limit("made")}, made)
    handler({"RequestType": "Create", "ResourceProperties": WANTED})
    assert answers == [("SUCCESS", "made", None)]


def test_one_that_is_there_is_changed(run: Any, answers: list[Any]) -> None:
    handler, aws = run
    aws.add_response("list_usage_limits", {"usageLimits": [limit("there")]}, LISTING)
    changed = {"usageLimitId": "there", "amount": 16, "breachAction": "deactivate"}
    aws.add_response("update_usage_limit", {"usageLimit": limit("there")}, changed)
    handler({"RequestType": "Update", "PhysicalResourceId": "there", "ResourceProperties": WANTED})
    assert answers == [("SUCCESS", "there", None)]


@pytest.mark.parametrize("error", [None, "ResourceNotFoundException", "ValidationException"])
def test_it_goes_with_the_stack_even_where_it_is_gone(run: Any, answers: list[Any], error: str | None) -> None:
    handler, aws = run
    if error:
        aws.add_client_error("delete_usage_limit", error, expected_params={"usageLimitId": "there"})
    else:
        aws.add_response("delete_usage_limit", {"usageLimit": limit("there")}, {"usageLimitId": "there"})
    handler({"RequestType": "Delete", "PhysicalResourceId": "there", "ResourceProperties": WANTED})
    assert answers == [("SUCCESS", "there", None)]


def test_what_aws_refuses_is_told(run: Any, answers: list[Any]) -> None:
    handler, aws = run
    aws.add_client_error("list_usage_limits", "AccessDeniedException", "not you")
    handler({"RequestType": "Create", "ResourceProperties": WANTED})
    ((status, known, reason),) = answers
    assert (status, known) == ("FAILED", "none")
    assert "not you" in str(reason)
