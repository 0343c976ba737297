"""Stacks through change sets: what fails is named with its reason, and the next good deploy goes through."""

from dataclasses import replace

import pytest

from infrastructure.deploy import settings
from infrastructure.deploy.stack import DeployError, deploy_stack, describe, outputs, set_parameter, would_change
from infrastructure.deploy.steps import Target, code, require
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
    assert not would_change(client, "asked-only", TOPIC, parameters={})
    deploy_stack(client, "asked-only", TOPIC, parameters={})
    assert not would_change(client, "asked-only", TOPIC, parameters={})
    for _ in range(2):
        assert would_change(client, "asked-only", TOPIC, parameters={"Label": "new"})
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


def test_a_missing_warehouse_is_said_with_what_is_missing(spare: Target) -> None:
    with pytest.raises(DeployError, match="/analytics/spare/warehouse/host"):
        require(spare)


def test_a_network_takes_subnets_and_a_group(spare: Target) -> None:
    for given, lacking in zip(settings.NETWORK, reversed(settings.NETWORK), strict=True):
        with pytest.raises(DeployError, match=f"--set {lacking}="):
            require(replace(spare, parameters={**spare.parameters, given: "x"}))


def test_a_zip_without_dependencies_goes_to_the_local_cloud_only(spare: Target) -> None:
    with pytest.raises(DeployError, match="spare takes images, give IngestImageUri and ProcessImageUri"):
        code(spare)
    images = {"IngestImageUri": "ingest@sha256:1", "ProcessImageUri": "process@sha256:2"}
    assert code(replace(spare, parameters={**spare.parameters, **images})) == images
