"""All stacks together: what one reads another writes, what a deletion leaves, who may do what."""

import fnmatch
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infrastructure.deploy import settings
from infrastructure.deploy.target import ARTIFACTS, WAREHOUSE
from tests.cloud import PROJECT
from tests.infrastructure.policies import scalars, statements
from tests.infrastructure.test_templates import Loader

# in the order in which they are deployed
STACKS = ("bootstrap", "data", "warehouse", "template", "deploy/api-additions", "dagster")
NAME = re.compile(
    r"[\"'/}](?=(?:lake|queue|dlq|functions|alarms|warehouse|artifacts|images|network|deploy|api)/)([a-z/-]+)"
)
# For people: the tunnel, the one-off task, redrives, the login of BI tools, the network that a peering joins.
FOR_PEOPLE = {
    *("dagster/cluster", "dagster/service", "dagster/migrate-task", "dagster/security-group", "dlq/url"),
    *("warehouse/secret-bi", "warehouse/workgroup", "warehouse/namespace"),
    *("network/functions-security-group", "deploy/cloudformation-role"),
}
# of the services that a type's handlers may call, those whose features no stack uses
UNUSED = (
    "cognito-idp",
    "docdb-elastic",
    "elasticfilesystem",
    "firehose",
    "kms",
    "s3files",
    "s3tables",
    "vpc-lattice",
    "vpce",
)


def text(name: str) -> str:
    return (PROJECT / "infrastructure" / f"{name}.yaml").read_text(encoding="utf-8")


@functools.cache
def parsed(name: str) -> dict[str, Any]:
    return dict(yaml.load(text(name), Loader=Loader))


def parts(name: str, *kinds: str) -> dict[str, dict[str, Any]]:
    found = parsed(name)["Resources"]
    return {key: one for key, one in found.items() if not kinds or one.get("Type") in kinds}


def written(name: str) -> set[str]:
    """The names below /analytics/<env>/ that a stack writes."""
    names = [one["Properties"]["Name"] for one in parts(name, "AWS::SSM::Parameter").values()]
    return {(name.get("Sub") or name["Fn::Sub"]).removeprefix("/analytics/${Environment}/") for name in names}


def by_value(name: str) -> set[str]:
    """The parameters of a stack whose value comes from SSM."""
    declared = parsed(name)["Parameters"]
    return {key for key, one in declared.items() if one["Type"].startswith("AWS::SSM::Parameter::Value")}


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_what_a_stack_reads_a_stack_before_it_writes(env: str) -> None:
    given, there = settings.parameters(env), set[str]()
    for name in STACKS:
        for key in by_value(name) if name != "deploy/api-additions" else ():
            assert given[key].removeprefix(f"/analytics/{env}/") in there, f"{name} reads {key}"
        there |= written(name)


def test_what_the_deploy_asks_for_is_written_before() -> None:
    before = written("bootstrap") | written("warehouse") | written("data") | written("template")
    assert {f"warehouse/{name}" for name in WAREHOUSE} | {ARTIFACTS} <= written("bootstrap") | written("warehouse")
    api = (PROJECT / "infrastructure" / "deploy" / "api.py").read_text()
    asked = set(re.findall(r"/analytics/\{env\}/([a-z/-]+)", api))
    assert {"warehouse/secret-reader", "lake/bucket", "warehouse/copy-role"} <= asked <= before


def test_the_local_cloud_stands_in_for_bootstrap_and_warehouse_by_the_same_names() -> None:
    seed = (PROJECT / "infrastructure" / "local" / "seed.py").read_text()
    names = set(re.findall(r'"((?:warehouse|artifacts)/[a-z-]+)":', seed))
    assert len(names) >= 6
    assert names <= written("bootstrap") | written("warehouse")


def code() -> Iterator[str]:
    for folder in ("orchestration", "scripts", "lambdas", "api_chalice/chalicelib", "infrastructure"):
        for path in (PROJECT / folder).rglob("*.py"):
            yield path.read_text(encoding="utf-8")


def test_what_is_written_somebody_reads() -> None:
    given = set(settings.parameters("dev").values()) | set(settings.parameters("prod").values())
    read = {name for source in code() for name in NAME.findall(source)}
    read |= {value.split("/", 3)[3] for value in given if value.startswith("/analytics/")}
    read |= {f"warehouse/{name}" for name in WAREHOUSE} | FOR_PEOPLE
    every = set[str]().union(*(written(name) for name in STACKS))
    # made from a part's name in code
    unread = {name for name in every - read if not name.startswith(("functions/", "images/"))}
    assert unread <= {"trigger-mode"}, unread


def test_both_environments_are_given_the_same_parameters() -> None:
    assert set(settings.parameters("dev")) == set(settings.parameters("prod"))


DATA = {"AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::ECR::Repository"}
NAMES = {"BucketName", "QueueName", "RepositoryName", "RoleName", "DBInstanceIdentifier", "ManagedPolicyName"}


@pytest.mark.parametrize("name", STACKS)
def test_a_deletion_keeps_data_and_blocks_no_new_start(name: str) -> None:
    for key, part in parts(name, *DATA).items():
        assert part["DeletionPolicy"] == "RetainExceptOnCreate", key
        assert part["UpdateReplacePolicy"] == "Retain", key
    for key, part in parts(name).items():
        if part.get("DeletionPolicy", "Delete") != "Delete":
            assert not NAMES & set(part.get("Properties", {})), f"{key} would keep its name"


def test_databases_leave_snapshots_and_secrets_names_of_their_own() -> None:
    assert parts("dagster")["Database"]["DeletionPolicy"] == "Snapshot"
    kept = parts("warehouse")["Namespace"]["Properties"]["FinalSnapshotName"]
    assert "AWS::StackId" in json.dumps(kept)
    for name in ("warehouse", "dagster"):
        secrets = parts(name, "AWS::SecretsManager::Secret")
        schedules = parts(name, "AWS::SecretsManager::RotationSchedule").values()
        assert sorted(one["Properties"]["SecretId"]["Ref"] for one in schedules) == sorted(secrets)
        assert all("AWS::StackId" in json.dumps(one["Properties"]["Name"]) for one in secrets.values())


def test_every_bucket_is_shut_encrypted_and_speaks_tls_alone() -> None:
    found = 0
    for name in STACKS:
        policies = json.dumps([one["Properties"] for one in parts(name, "AWS::S3::BucketPolicy").values()])
        for key, part in parts(name, "AWS::S3::Bucket").items():
            found += 1
            assert all(part["Properties"]["PublicAccessBlockConfiguration"].values()), key
            assert "BucketEncryption" in part["Properties"], key
            assert f'{{"Ref": "{key}"}}' in policies, key
            assert "aws:SecureTransport" in policies, key
    assert found >= 3


@pytest.mark.parametrize("name", STACKS)
def test_a_wildcard_has_its_reason_beside_it(name: str) -> None:
    for source, node in statements(text(name)):
        keys = {key.value: scalars(value) for key, value in node.value}
        wide = any("*" in action for action in keys["Action"]) or "*" in keys.get("Resource", [])
        if wide and keys["Effect"] == ["Allow"]:
            assert "# " in source, source


def allowed_to_cloudformation() -> list[str]:
    (policy,) = parts("bootstrap")["CloudFormationRole"]["Properties"]["Policies"]
    found = [one["Action"] for one in policy["PolicyDocument"]["Statement"]]
    return [action for one in found for action in ([one] if isinstance(one, str) else one)]


def test_cloudformation_may_do_what_the_types_of_the_stacks_ask_for() -> None:
    """What the handlers of each resource type call, as their schemas say, features that no stack uses left out."""
    kinds = {part["Type"] for name in STACKS[1:] for part in parts(name).values() if "Type" in part}
    kinds |= {f"AWS::ApiGateway::{kind}" for kind in ("RestApi", "Deployment", "Stage")}
    kinds |= {"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig", "AWS::IAM::Role"}
    allowed, missing = allowed_to_cloudformation(), set[str]()
    for kind in sorted(kinds):
        if not kind.startswith("AWS::"):
            continue
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
        asked = {action for handler in handlers.values() for action in handler["permissions"]}
        missing |= {
            f"{kind} {action}"
            for action in asked
            if action.split(":")[0] not in UNUSED
            and not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed)
        }
    assert {one.split(" ")[1] for one in missing} <= NOT_GIVEN, sorted(missing)


# named by the schemas for features that no stack uses
NOT_GIVEN = {
    # addresses that are handed over, or belong to machines; second addresses of a NAT; IPv6
    *("ec2:AcceptAddressTransfer", "ec2:AssociateAddress", "ec2:AssociateNatGatewayAddress"),
    *("ec2:AssignPrivateNatGatewayAddress", "ec2:UnassignPrivateNatGatewayAddress", "ec2:AssociateSubnetCidrBlock"),
    # no role has a boundary, and none is looked for
    *("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:ListRoles"),
    # secrets of provisioned clusters
    "redshift:DescribeClusters",
    # metadata tables, access lists, exports of logs to S3; and objects, which are not CloudFormation's to touch
    *(f"s3:UpdateBucketMetadata{kind}TableConfiguration" for kind in ("Annotation", "Inventory", "Journal")),
    *("s3:CreateBucketMetadataTableConfiguration", "s3:DeleteObject", "s3:PutObjectAcl", "s3:REST.PUT.OBJECT"),
}


# characters without blanks (IAM quotas): a managed policy, all inline policies of a role
@pytest.mark.parametrize(("name", "most"), [("DeployPolicy", 6144), ("CloudFormationRole", 10240)])
def test_policies_fit_into_what_iam_takes(name: str, most: int) -> None:
    properties = parts("bootstrap")[name]["Properties"]
    document = properties.get("PolicyDocument") or properties["Policies"][0]["PolicyDocument"]
    filled = re.sub(r"\{\"Sub\": (\"[^\"]*\")\}", r"\1", json.dumps(document))
    for token, length in {"Partition": 3, "Region": 14, "AccountId": 12, "Environment": 5}.items():
        filled = re.sub(rf"\$\{{(AWS::)?{token}\}}", "x" * length, filled)
    # what is left stands for ARNs with generated names
    filled = re.sub(r"\$\{[^}]*\}", "x" * 80, filled)
    assert len(re.sub(r"\s", "", filled)) < most


def test_images_that_were_promoted_are_never_expired() -> None:
    repositories = parts("bootstrap", "AWS::ECR::Repository")
    assert sorted(repositories) == ["ApiRepository", "DagsterRepository", "IngestRepository", "ProcessRepository"]
    for one in repositories.values():
        assert one["Properties"]["ImageTagMutability"] == "IMMUTABLE"
        assert one["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
        rules = json.loads(one["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
        first = min(rules, key=lambda rule: rule["rulePriority"])["selection"]
        # ECR: an image that a rule's tags match is out of reach of all rules behind it
        assert first["tagPrefixList"] == ["promoted-"]
        assert first["countNumber"] > 100_000, "more than a repository can hold"


def test_the_warehouse_is_small_private_and_limited() -> None:
    group, space = (parts("warehouse")[name]["Properties"] for name in ("Workgroup", "Namespace"))
    assert group["PubliclyAccessible"] is False
    assert group["EnhancedVpcRouting"] is True
    assert len(group["SubnetIds"]) == 3
    assert int(settings.parameters("dev")["BaseCapacity"]) <= 8
    assert "resolve:secretsmanager" in json.dumps(space["AdminUserPassword"])
    assert parts("warehouse")["UsageLimit"]["Properties"]["OnLimit"] == {"Ref": "OnRpuLimit"}


def test_no_output_shows_a_secret() -> None:
    for name in STACKS:
        outputs = parsed(name).get("Outputs", {})
        values = [one["Properties"]["Value"] for one in parts(name, "AWS::SSM::Parameter").values()]
        shown = json.dumps([outputs, values])
        assert "resolve:" not in shown, name
