"""Stacks through change sets: what fails is named with its reason, and the next good deploy goes through."""

import pytest

from infrastructure.deploy.stack import DeployError, deploy_stack, describe, outputs
from infrastructure.deploy.steps import Target, require_warehouse
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


def test_a_missing_warehouse_is_said_with_what_is_missing(spare: Target) -> None:
    with pytest.raises(DeployError, match="/analytics/spare/warehouse/host"):
        require_warehouse(spare)
