"""All stacks in one deploy, the warehouse's and Dagster's with them, as far as the local cloud can hold these.

What it has no type for is left out (`holdable`), and the local Redshift stands where the template's would: each login's
host and port, and the password that the real one would take from the secret.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from infrastructure.deploy import settings
from infrastructure.deploy.destroy import destroy
from infrastructure.deploy.package import upload_code
from infrastructure.deploy.plan import plan
from infrastructure.deploy.release import Release
from infrastructure.deploy.rollout import release_of_tree, roll_out, upload_objects
from infrastructure.deploy.stack import deploy_stack
from infrastructure.deploy.target import ARTIFACTS, Target
from tests.cloud import PROJECT, Cloud, running
from tests.infrastructure.holdable import holdable, with_local_redshift

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ORDER = ("data", "warehouse", "functions", "freshness", "api", "dagster")
BACKWARDS = ("functions", "warehouse", "data")
IMAGE = "registry.example/dagster@sha256:" + "0" * 64


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own with nothing of the environment but what bootstrap makes; its Redshift speaks TLS."""
    with running(tmp_path_factory.mktemp("all") / "state", "--sslmode", "verify-ca") as found:
        body, _ = holdable(PROJECT / "infrastructure" / "bootstrap.yaml")
        given = settings.declared(body, {"Environment": "dev", "ApiGatewayLogs": "false"})
        deploy_stack(found.client("cloudformation"), "analytics-dev-bootstrap", body, parameters=given)
        yield found


@pytest.fixture(scope="module")
def target(cloud: Cloud) -> Iterator[Target]:
    """The environment dev on that cloud."""
    with pytest.MonkeyPatch.context() as patch:
        yield Target(cloud.reached(patch), "dev", settings.parameters("dev"))


@pytest.fixture(scope="module")
def release(cloud: Cloud, target: Target) -> Release:
    """This tree, its functions as a zip, and an image of Dagster that nobody starts."""
    tree = release_of_tree(target, cloud.root)
    held = {part: holdable(PROJECT / "infrastructure" / f"{part}.yaml")[0] for part in ("warehouse", "dagster")}
    held["warehouse"] = with_local_redshift(held["warehouse"], cloud)
    upload_objects(target, tree, cloud.root)
    code = upload_code(target.session.client("s3"), target.parameter(ARTIFACTS))
    artifacts = {**tree.artifacts, "CodeKey": code, "DagsterImageUri": IMAGE}
    return replace(tree, templates={**tree.templates, **held}, artifacts=artifacts)


def rows(table: str) -> list[str]:
    """The stacks that a plan names, each once, in its order."""
    names = (line.split()[0].removeprefix("analytics-dev-") for line in table.splitlines()[1:])
    return list(dict.fromkeys(names))


def given(cloud: Cloud, part: str) -> dict[str, str]:
    """The parameters with which a stack stands."""
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=f"analytics-dev-{part}")["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def test_a_plan_shows_every_stack_in_its_order(target: Target, release: Release) -> None:
    assert rows(plan(target, release, None)) == list(ORDER)


def test_a_first_deploy_makes_them_all_and_a_second_one_touches_none(
    target: Target, release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "infrastructure")
    found: dict[str, str] = {}
    roll_out(target, release, None, found.update)
    made = re.findall(r"analytics-dev-(\w+): CREATE_COMPLETE", caplog.text)
    assert made == list(ORDER)
    assert caplog.text.index("smoke test passed") < caplog.text.index("analytics-dev-dagster")
    assert set(found) == {"LAKE_BUCKET", "API_URL", "API_KEY"}
    assert plan(target, release, None) == "dev: nothing would change"
    caplog.clear()
    roll_out(target, release, None, found.update)
    assert re.findall(r"analytics-dev-(\w+): no changes", caplog.text) == list(ORDER)


def test_what_one_stack_makes_the_others_use(cloud: Cloud, target: Target, release: Release) -> None:
    """The functions join the warehouse's network, alarms watch the warehouse, Dagster's task lies beside it."""
    ec2, ecs = cloud.client("ec2"), cloud.client("ecs")
    subnets = target.parameter("network/subnets")
    group = target.parameter("network/functions-security-group")
    for part in ("functions", "api"):
        # the local cloud drops the network of a function
        assert {"WarehouseSubnetIds": subnets, "WarehouseSecurityGroupId": group}.items() <= given(cloud, part).items()
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="analytics-dev-")["MetricAlarms"]
    watched = {one["AlarmName"].removeprefix("analytics-dev-"): one for one in alarms}
    dimensions = {"Workgroup": "warehouse/workgroup", "Namespace": "warehouse/namespace"}
    for name in ("queued", "cost", "storage"):
        (dimension,) = watched[f"warehouse-{name}"]["Dimensions"]
        assert dimension["Value"] == target.parameter(dimensions[dimension["Name"]])
    assert {"dagster-heartbeat", "dagster-storage"} <= set(watched)
    (service,) = ecs.describe_services(cluster="analytics-dev", services=["analytics-dev-dagster"])["services"]
    task = service["networkConfiguration"]["awsvpcConfiguration"]
    assert task["subnets"] == subnets.split(",")
    (of_task,) = ec2.describe_security_groups(GroupIds=task["securityGroups"])["SecurityGroups"]
    assert of_task["VpcId"] == target.parameter("network/vpc")
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert {one["image"] for one in definition["containerDefinitions"]} == {IMAGE}


def test_they_go_in_the_opposite_order_and_the_data_stays(
    cloud: Cloud, target: Target, release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "infrastructure")
    bucket = target.parameter("lake/bucket")
    destroy(target)
    assert re.findall(r"analytics-dev-(\w+): deleted", caplog.text) == ["dagster", "api", "freshness", *BACKWARDS]
    assert bucket in caplog.text
    assert bucket in {one["Name"] for one in cloud.client("s3").list_buckets()["Buckets"]}
