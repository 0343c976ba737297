"""The templates against each other, against the parameter files, and against the house rules."""

import json
import re
from typing import Any

import pytest
import yaml

from infrastructure.deploy import settings
from tests.cloud import PROJECT

TEMPLATES = ("data.yaml", "warehouse.yaml", "template.yaml", "dagster.yaml")
# given by the deploy program at run time
AT_RUN_TIME = {"CodeBucket", "CodeKey", "IngestImageUri", "ProcessImageUri", "DagsterImageUri"}


class Loader(yaml.SafeLoader):
    """Short forms become {tag: value}."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: node.value}


Loader.add_multi_constructor("!", _short_form)


def load(name: str) -> dict[str, Any]:
    return yaml.load(settings.template(name), Loader=Loader)


def resources(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {key: value["Properties"] for key, value in load(name)["Resources"].items() if value["Type"] == kind}


@pytest.mark.parametrize("env", settings.ENVIRONMENTS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_parameter_files_give_all_that_has_no_default(env: str, template: str) -> None:
    wanted = {name for name, spec in load(template)["Parameters"].items() if "Default" not in spec}
    assert wanted <= set(settings.parameters(env)) | AT_RUN_TIME


@pytest.mark.parametrize("env", settings.ENVIRONMENTS)
def test_parameter_files_give_nothing_that_nobody_takes(env: str) -> None:
    declared = {name for template in TEMPLATES for name in load(template)["Parameters"]}
    assert set(settings.parameters(env)) <= declared - AT_RUN_TIME


@pytest.mark.parametrize("env", settings.ENVIRONMENTS)
def test_an_environment_reads_its_own_parameters_only(env: str) -> None:
    paths = [value for value in settings.parameters(env).values() if value.startswith("/analytics/")]
    assert paths
    assert all(path.startswith(f"/analytics/{env}/") for path in paths)


def test_messages_stay_hidden_six_times_the_functions_timeout() -> None:
    timeout = resources("template.yaml", "AWS::Lambda::Function")["ProcessFunction"]["Timeout"]
    assert load("data.yaml")["Parameters"]["QueueVisibility"]["Default"] == 6 * timeout


def test_data_outlives_its_stack() -> None:
    data = load("data.yaml")["Resources"]
    for name in ("LakeBucket", "Queue", "DeadLetterQueue"):
        assert data[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert data[name]["UpdateReplacePolicy"] == "Retain"


def test_the_lake_is_encrypted_and_cleans_up_after_itself() -> None:
    bucket = resources("data.yaml", "AWS::S3::Bucket")["LakeBucket"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)
    # what the lake holds stays; exports and uploads are copies, and under landing/ lies what nobody went on with
    expiring = {rule.get("Prefix"): rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"exports/": 7, "landing/": 3, "samples/uploads/": 7}


def test_what_forget_does_not_reach_goes_by_itself_when_the_page_says() -> None:
    rules = resources("data.yaml", "AWS::S3::Bucket")["LakeBucket"]["LifecycleConfiguration"]["Rules"]
    page = (PROJECT / "docs" / "functions.md").read_text()
    forget = page[page.index("\n## forget\n") : page.index("\n## migrate\n")]
    said = dict(re.findall(r"\(`(\S+/)`, after (\d+)", forget))
    assert said == {r["Prefix"]: str(r["ExpirationInDays"]) for r in rules if "ExpirationInDays" in r}
    for rule in rules:
        if "ExpirationInDays" in rule:
            assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}, "former versions a day later"


def test_roles_allow_no_wildcard() -> None:
    for role in resources("template.yaml", "AWS::IAM::Role").values():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not [action for action in actions if "*" in action]
                # where AWS has no resource level
                assert statement["Resource"] != "*" or statement["Sid"] == "Traces"


def allowed(role: str, action: str) -> list[str]:
    """The tails of the resources for which a role of the functions has an action."""
    (policy,) = resources("template.yaml", "AWS::IAM::Role")[role]["Policies"]
    return [
        resource["Sub"].rpartition("}")[2]
        for statement in policy["PolicyDocument"]["Statement"]
        if action in statement["Action"]
        for resource in statement["Resource"]
        if resource != "*"
    ]


def test_ingest_reads_what_it_lands_and_samples_and_writes_raw_alone_by_way_of_landing() -> None:
    assert allowed("IngestRole", "s3:GetObject") == ["/raw/*", "/landing/*", "/samples/*"]
    assert allowed("IngestRole", "s3:PutObject") == ["/raw/*", "/landing/*"]
    assert allowed("IngestRole", "s3:DeleteObject") == ["/landing/*"]


def test_only_forget_may_delete_what_the_lake_keeps() -> None:
    roles = resources("template.yaml", "AWS::IAM::Role")
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"):
        others = {path for role in roles if role != "ForgetRole" for path in allowed(role, action)}
        assert others <= {"/landing/*"}
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert set(allowed("ForgetRole", action)) == {"/raw/*", "/curated/*", "/rejected/*"}


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_on_aws_the_new_york_files_lie_where_ingest_may_read(env: str) -> None:
    variables = json.loads(settings.parameters(env)["SourceVariables"])
    assert variables["NYCFLIGHTS13_DATA"].startswith("s3://{LakeBucket}/samples/")


def test_process_and_migrate_join_the_warehouses_network_where_there_is_one_and_ingest_never() -> None:
    functions, roles = (resources("template.yaml", f"AWS::{kind}") for kind in ("Lambda::Function", "IAM::Role"))
    for part in ("Process", "Forget", "Migrate"):
        condition, config, otherwise = functions[f"{part}Function"]["VpcConfig"]["If"]
        assert (condition, otherwise) == ("InSubnets", {"Ref": "AWS::NoValue"})
        assert config["SubnetIds"] == {"Ref": "WarehouseSubnetIds"}
        assert config["SecurityGroupIds"] == [{"Ref": "WarehouseSecurityGroupId"}]
        condition, (policy,), otherwise = roles[f"{part}Role"]["ManagedPolicyArns"]["If"]
        assert (condition, otherwise) == ("InSubnets", {"Ref": "AWS::NoValue"})
        assert policy["Sub"].endswith(":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")
    assert "VpcConfig" not in functions["IngestFunction"]
    assert "ManagedPolicyArns" not in roles["IngestRole"]


def test_every_function_has_a_log_with_an_end() -> None:
    functions = resources("template.yaml", "AWS::Lambda::Function")
    logs = resources("template.yaml", "AWS::Logs::LogGroup")
    assert {spec["LoggingConfig"]["LogGroup"]["Ref"] for spec in functions.values()} == set(logs)
    assert all("RetentionInDays" in log for log in logs.values())


def test_every_call_of_a_function_has_a_trace() -> None:
    functions, roles = (resources("template.yaml", f"AWS::{kind}") for kind in ("Lambda::Function", "IAM::Role"))
    assert len(functions) == 4
    for name, function in functions.items():
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        (policy,) = roles[name.replace("Function", "Role")]["Policies"]
        actions = [action for one in policy["PolicyDocument"]["Statement"] for action in one["Action"]]
        assert {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} <= set(actions), name
