"""Stacks through change sets: what fails is named with its reason, and the next good deploy goes through."""

from dataclasses import replace

import pytest
from botocore.exceptions import NoCredentialsError

from infrastructure.deploy.release import Release
from infrastructure.deploy.settings import NETWORK, template
from infrastructure.deploy.stack import (
    MOST_BODY,
    DeployError,
    How,
    deploy_stack,
    describe,
    list_changes,
    outputs,
    set_parameter,
)
from infrastructure.deploy.target import Target, require
from tests.cloud import Cloud

TOPIC = """
Parameters:
  Label:
    Type: String
    Default: none
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Ref Label
Outputs:
  Name:
    Value: !GetAtt Topic.TopicName
"""
BROKEN = """
Resources:
  Topic:
    Type: AWS::SNS::Topic
  Taken:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: analytics-local-artifacts-000000000000-us-east-1
"""


def test_create_update_and_no_change(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    assert deploy_stack(client, "lifecycle", TOPIC, parameters={})
    assert not deploy_stack(client, "lifecycle", TOPIC, parameters={})
    assert deploy_stack(client, "lifecycle", TOPIC, parameters={"Label": "new"})
    assert not deploy_stack(client, "lifecycle", TOPIC, parameters={"Label": "new"})
    assert outputs(client, "lifecycle")["Name"].startswith("lifecycle")


def test_a_failed_creation_names_the_resource_and_does_not_block_the_next(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    with pytest.raises(DeployError, match=r"Taken \(AWS::S3::Bucket\): .*already exists"):
        deploy_stack(client, "comes-late", BROKEN, parameters={})
    assert deploy_stack(client, "comes-late", TOPIC, parameters={})


def test_a_failed_update_leaves_what_was_there(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    deploy_stack(client, "goes-on", TOPIC, parameters={})
    with pytest.raises(DeployError, match=r"goes-on: UPDATE_ROLLBACK_COMPLETE\. Taken"):
        deploy_stack(client, "goes-on", BROKEN, parameters={})
    found = describe(client, "goes-on")
    assert found is not None
    assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert not deploy_stack(client, "goes-on", TOPIC, parameters={})


@pytest.mark.parametrize("template", ["Resources: [", "Resources:\n  X:\n    Type: AWS::No::Such\n"])
def test_a_template_that_is_none_is_refused(cloud: Cloud, template: str) -> None:
    with pytest.raises(DeployError, match="never-there"):
        deploy_stack(cloud.client("cloudformation"), "never-there", template, parameters={})


def test_what_would_change_is_told_and_nothing_is_changed(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    assert list_changes(client, "asked-only", TOPIC, parameters={}) is None
    assert describe(client, "asked-only") is None, "asking leaves no stack behind"
    deploy_stack(client, "asked-only", TOPIC, parameters={})
    assert list_changes(client, "asked-only", TOPIC, parameters={}) == []
    for _ in range(2):
        (change,) = list_changes(client, "asked-only", TOPIC, parameters={"Label": "new"}) or []
        assert (change.action, change.resource, change.kind) == ("Modify", "Topic", "AWS::SNS::Topic")
    left = client.list_change_sets(StackName="asked-only")["Summaries"]
    assert not [item for item in left if item["ExecutionStatus"] == "AVAILABLE"]


def test_one_parameter_changes_and_the_rest_stays_as_deployed(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    body = TOPIC.replace("Resources:", "  Other:\n    Type: String\nResources:")
    tags = [{"Key": "kept", "Value": "yes"}]
    deploy_stack(client, "one-of-two", body, parameters={"Other": "stays"}, tags=tags)
    assert set_parameter(client, "one-of-two", "Label", "new")
    assert not set_parameter(client, "one-of-two", "Label", "new")
    found = describe(client, "one-of-two") or {}
    given = {item["ParameterKey"]: item["ParameterValue"] for item in found["Parameters"]}
    assert given == {"Label": "new", "Other": "stays"}
    assert found["Tags"] == tags


def release(**artifacts: str) -> Release:
    return Release({"data": template("data.yaml"), "functions": template("template.yaml")}, artifacts)


def test_a_missing_warehouse_is_said_with_what_is_missing(spare: Target) -> None:
    with pytest.raises(DeployError, match="/analytics/spare/warehouse/host"):
        require(spare, release(CodeKey="x"))


def test_a_network_takes_subnets_and_a_group(spare: Target) -> None:
    for given, lacking in zip(NETWORK, reversed(NETWORK), strict=True):
        with pytest.raises(DeployError, match=f"--set {lacking}="):
            require(replace(spare, parameters={**spare.parameters, given: "x"}), release(CodeKey="x"))


def test_everything_that_is_missing_is_said_at_once(spare: Target) -> None:
    less = {name: value for name, value in spare.parameters.items() if name not in ("QueueArn", "CodeBucket")}
    with pytest.raises(DeployError) as caught:
        require(replace(spare, parameters=less), release(IngestImageUri="ingest@sha256:1"))
    for name in ("--set ProcessImageUri=", "--set QueueArn=", "/analytics/spare/artifacts/bucket in SSM"):
        assert name in str(caught.value)
    assert "--set IngestImageUri" not in str(caught.value)


def test_credentials_that_open_nothing_are_missing_too(spare: Target) -> None:
    nobody = replace(spare, session=NoSession())
    with pytest.raises(DeployError, match=r"--set IngestImageUri=.*credentials that may look at spare"):
        require(nobody, release())


class NoSession:
    """A session without credentials."""

    def client(self, _service: str, **_options: object) -> object:
        raise NoCredentialsError


def test_a_long_template_goes_through_the_bucket(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), cloud.parameter("artifacts/bucket")
    sent: list[str] = []

    def upload(body: str) -> str:
        sent.append(body)
        s3.put_object(Bucket=bucket, Key="templates/long.yaml", Body=body.encode())
        return f"{cloud.env['AWS_ENDPOINT_URL']}/{bucket}/templates/long.yaml"

    client, long = cloud.client("cloudformation"), TOPIC + "# " + "x" * MOST_BODY
    assert deploy_stack(client, "long", TOPIC, parameters={}, how=How(upload=upload))
    assert not sent, "a short one is sent itself"
    assert not deploy_stack(client, "long", long, parameters={}, how=How(upload=upload))
    assert sent == [long]
