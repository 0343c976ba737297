"""As much of the surrounding stacks as the local cloud can hold, really deployed: made, deleted, made again."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infrastructure.deploy import settings
from infrastructure.deploy.stack import deploy_stack, outputs
from tests.cloud import PROJECT, Cloud, running
from tests.infrastructure.holdable import holdable

ENV = "rehearsal"
PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
GITHUB = {"GitHubRepository": "someone/analytics", "GitHubOidcProvider": PROVIDER, "ApiGatewayLogs": "false"}
# what the local cloud has no type for; the resource schemas hold these (cfn-lint in `make check`)
LEFT_OUT = {
    "bootstrap": {"AWS::IAM::OIDCProvider"},
    "warehouse": {
        *("AWS::RedshiftServerless::Namespace", "AWS::RedshiftServerless::Workgroup", "Custom::UsageLimit"),
        *("AWS::SecretsManager::RotationSchedule", "AWS::EC2::NatGateway", "AWS::EC2::EIP"),
    },
    "dagster": {"AWS::SecretsManager::RotationSchedule"},
}


class Place:
    """One environment of stacks on the shared cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.aws = cloud, cloud.client("cloudformation")

    def deploy(self, part: str, values: Mapping[str, str], env: str = ENV) -> bool:
        body, gone = holdable(PROJECT / "infrastructure" / f"{part}.yaml")
        assert gone == LEFT_OUT[part]
        given = settings.declared(body, {"Environment": env, **values})
        return deploy_stack(self.aws, f"analytics-{env}-{part}", body, parameters=given)

    def delete(self, part: str, env: str = ENV) -> None:
        self.aws.delete_stack(StackName=f"analytics-{env}-{part}")

    def parameters(self, env: str = ENV) -> dict[str, str]:
        prefix = f"/analytics/{env}/"
        pages = self.cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=prefix, Recursive=True)
        return {one["Name"].removeprefix(prefix): one["Value"] for page in pages for one in page["Parameters"]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own: on the shared one other tests stand in for the stacks that are tried here."""
    with running(tmp_path_factory.mktemp("stacks")) as found:
        yield found


@pytest.fixture
def place(cloud: Cloud) -> Iterator[Place]:
    made = Place(cloud)
    yield made
    for part in ("dagster", "warehouse", "bootstrap"):
        made.delete(part)


def trust(place: Place, env: str) -> dict[str, Any]:
    """Under which conditions GitHub may deploy an environment."""
    role = outputs(place.aws, f"analytics-{env}-bootstrap")["DeployRoleArn"].rpartition("/")[2]
    document = place.cloud.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    (statement,) = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    assert statement["Principal"] == {"Federated": PROVIDER}
    return dict(statement["Condition"])


@pytest.mark.long
@pytest.mark.parametrize(("env", "branch"), [("dev", "dev"), ("prod", "main")])
def test_github_deploys_from_one_repository_and_branch_alone(place: Place, env: str, branch: str) -> None:
    place.deploy("bootstrap", GITHUB, env)
    said = "token.actions.githubusercontent.com"
    assert trust(place, env) == {
        "StringEquals": {
            f"{said}:aud": "sts.amazonaws.com",
            f"{said}:repository": "someone/analytics",
            f"{said}:ref": f"refs/heads/{branch}",
            f"{said}:sub": [
                f"repo:someone/analytics:environment:{env}",
                f"repo:someone/analytics:ref:refs/heads/{branch}",
            ],
        }
    }
    place.delete("bootstrap", env)


@pytest.mark.long
def test_bootstrap_needs_nothing_but_an_environment_and_can_start_again(place: Place) -> None:
    assert place.deploy("bootstrap", {})
    assert not place.deploy("bootstrap", {}), "a second deploy changes nothing"
    first = place.parameters()
    assert {"artifacts/bucket", "deploy/cloudformation-role", "images/dagster/repository"} <= set(first)
    s3 = place.cloud.client("s3")
    s3.put_object(Bucket=first["artifacts/bucket"], Key="releases/one.json", Body=b"{}")
    place.delete("bootstrap")
    assert place.deploy("bootstrap", {}), "what the deletion left is in the way"
    assert place.parameters()["artifacts/bucket"] != first["artifacts/bucket"]
    assert s3.get_object(Bucket=first["artifacts/bucket"], Key="releases/one.json")["Body"].read() == b"{}"


@pytest.mark.long
def test_the_network_and_the_logins_of_the_warehouse(place: Place) -> None:
    lake = f"/analytics/{ENV}/lake/bucket"
    place.cloud.client("ssm").put_parameter(Name=lake, Value="the-lake", Type="String", Overwrite=True)
    place.deploy("warehouse", {"LakeBucket": lake, "Egress": "endpoints"})
    found = place.parameters()
    subnets = place.cloud.client("ec2").describe_subnets(SubnetIds=found["network/subnets"].split(","))["Subnets"]
    assert len({one["AvailabilityZone"] for one in subnets}) == 3
    assert not any(one["MapPublicIpOnLaunch"] for one in subnets)
    assert found["network/public-subnets"] == "none"
    secrets, passwords = place.cloud.client("secretsmanager"), set()
    for user in ("admin", "loader", "reader", "bi"):
        login = json.loads(secrets.get_secret_value(SecretId=found[f"warehouse/secret-{user}"])["SecretString"])
        # what the functions read of a secret
        assert {"host", "port", "dbname", "username", "password"} <= set(login)
        assert login["username"] == user
        assert login["host"].startswith(f"analytics-{ENV}.")
        passwords.add(login["password"])
    assert len(passwords) == 4, "each user has a password of its own"
