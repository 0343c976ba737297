"""The functions stack, deployed from a zip: the trigger's one switch, and what the functions are told."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from infrastructure.deploy import steps
from infrastructure.deploy.package import upload_code
from infrastructure.deploy.settings import template
from infrastructure.deploy.steps import deploy_template
from infrastructure.deploy.target import Target


@pytest.fixture(scope="module")
def where(spare: Target) -> dict[str, str]:
    return {"CodeKey": upload_code(spare.session.client("s3"), spare.parameters["CodeBucket"])}


def mapping(target: Target) -> Any:
    found = target.session.client("lambda").list_event_source_mappings(FunctionName=target.name("process"))
    (only,) = found["EventSourceMappings"]
    return only


def waiting(target: Target) -> int:
    """Messages in the queue that nobody has taken."""
    url = target.session.client("ssm").get_parameter(Name=target.ssm("queue/url"))["Parameter"]["Value"]
    found = target.session.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def deploy(target: Target, where: dict[str, str], mode: str) -> bool:
    return deploy_template(target, "functions", template("template.yaml"), {**where, "TriggerMode": mode})


def test_the_trigger_mode_decides_who_takes_messages(spare: Target, where: dict[str, str]) -> None:
    bucket = spare.session.client("ssm").get_parameter(Name=spare.ssm("lake/bucket"))["Parameter"]["Value"]
    deploy(spare, where, "dagster")
    spare.session.client("s3").put_object(Bucket=bucket, Key="raw/nobody/2018/02/01/data_1.parquet", Body=b"x")
    time.sleep(2)
    assert waiting(spare)
    assert deploy(spare, where, "lambda")
    assert mapping(spare)["State"] == "Enabled"
    deadline = time.monotonic() + 20
    while waiting(spare) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not waiting(spare)
    assert deploy(spare, where, "dagster")
    assert mapping(spare)["State"] == "Disabled"
    assert mapping(spare)["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_new_code_takes_no_message_before_the_warehouse_is_migrated(
    spare: Target, where: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []

    def deploy_seen(*args: Any) -> bool:
        seen.append(("deploy_template", mapping(spare)["State"]))
        return deploy_template(*args)

    monkeypatch.setattr(steps, "deploy_template", deploy_seen)
    # not run: the function refuses an environment of this name, and what it does is not the matter here
    monkeypatch.setattr(steps, "migrate", lambda _: seen.append(("migrate", mapping(spare)["State"])))
    assert steps.deploy_functions(spare, template("template.yaml"), where, "lambda")
    seen.clear()
    assert not steps.deploy_functions(spare, template("template.yaml"), where, None)
    assert seen == [("deploy_template", "Enabled"), ("migrate", "Enabled")], "nothing new, nothing stops"
    seen.clear()
    variables = json.dumps({"NYCFLIGHTS13_DATA": "s3://{LakeBucket}/samples/nycflights13"})
    newer = replace(spare, parameters={**spare.parameters, "SourceVariables": variables})
    assert steps.deploy_functions(newer, template("template.yaml"), where, None)
    assert seen == [(name, "Disabled") for name in ("deploy_template", "migrate", "deploy_template")]
    assert mapping(spare)["State"] == "Enabled"
    told = spare.session.client("lambda").get_function_configuration(FunctionName=spare.name("ingest"))
    bucket = spare.parameter("lake/bucket")
    assert json.loads(told["Environment"]["Variables"]["SOURCE_VARIABLES"]) == {
        "NYCFLIGHTS13_DATA": f"s3://{bucket}/samples/nycflights13"
    }
    assert deploy(spare, where, "dagster")


def test_the_functions_have_room_for_their_files(spare: Target) -> None:
    client = spare.session.client("lambda")
    sizes = {
        part: client.get_function_configuration(FunctionName=spare.name(part))["EphemeralStorage"]["Size"]
        for part in ("ingest", "process")
    }
    assert sizes == {"ingest": 2048, "process": 4096}


def test_subnets_bring_the_right_to_join_them_and_no_subnets_none(spare: Target, where: dict[str, str]) -> None:
    iam, functions = spare.session.client("iam"), spare.session.client("lambda")

    def joining() -> list[str]:
        roles = {
            part: functions.get_function_configuration(FunctionName=spare.name(part))["Role"].rpartition("/")[2]
            for part in ("ingest", "process", "migrate")
        }
        return [
            part for part, role in roles.items() if iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        ]

    network = {"WarehouseSubnetIds": "subnet-1,subnet-2", "WarehouseSecurityGroupId": "sg-1"}
    assert joining() == []
    assert deploy(spare, {**where, **network}, "dagster")
    assert joining() == ["process", "migrate"]
    assert deploy(spare, where, "dagster")
    assert joining() == []


def test_nothing_new_changes_nothing(spare: Target, where: dict[str, str]) -> None:
    assert not deploy(spare, where, "dagster")


def test_functions_are_told_where_and_who(spare: Target) -> None:
    client = spare.session.client("lambda")
    told = {
        part: client.get_function_configuration(FunctionName=spare.name(part))["Environment"]["Variables"]
        for part in ("ingest", "process", "migrate")
    }
    assert {variables["ANALYTICS_ENV"] for variables in told.values()} == {"spare"}
    assert len({variables["LAKE_BUCKET"] for variables in told.values()}) == 1
    assert "warehouse/loader" in told["process"]["WAREHOUSE_SECRET"]
    assert "warehouse/admin" in told["migrate"]["WAREHOUSE_SECRET"]
    assert "WAREHOUSE_SECRET" not in told["ingest"]
    assert "nycflights13" in told["ingest"]["SOURCE_VARIABLES"]


def test_alarms_tell_the_topic(spare: Target) -> None:
    alarms = spare.session.client("cloudwatch").describe_alarms(AlarmNamePrefix="analytics-spare-")["MetricAlarms"]
    assert {"analytics-spare-process-errors", "analytics-spare-dead-letters"} <= {one["AlarmName"] for one in alarms}
    assert {action.rsplit(":", 1)[1] for alarm in alarms for action in alarm["AlarmActions"]} == {
        "analytics-spare-alarms"
    }
