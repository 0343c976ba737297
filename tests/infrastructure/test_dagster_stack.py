"""Dagster's stack: its containers, what they wait for, and who may come to its page."""

import json
import re
from typing import Any

from tests.cloud import PROJECT
from tests.infrastructure.test_stacks import parsed, parts


def containers(task: str) -> list[dict[str, Any]]:
    """The containers of one of Dagster's tasks, those under a condition too."""
    listed = parts("dagster")[task]["Properties"]["ContainerDefinitions"]
    return [one["If"][1] if "If" in one else one for one in listed]


def test_the_task_says_what_dagsters_settings_ask_for() -> None:
    """Every variable in the instance's settings is set in every container that reads them."""
    asked = set(re.findall(r"env: (\w+)", (PROJECT / "orchestration" / "aws" / "dagster.yaml").read_text()))
    assert {"PG_HOST", "PG_PASSWORD", "LOG_BUCKET"} <= asked
    names = []
    for task in parts("dagster", "AWS::ECS::TaskDefinition"):
        for one in containers(task):
            names.append(one["Name"])
            assert asked <= {entry["Name"] for entry in one["Environment"] + one["Secrets"]}, one["Name"]
            assert not [entry for entry in one["Environment"] if "PASSWORD" in entry["Name"]]
    assert names == ["migrate", "code", "daemon", "webserver", "viewer", "migrate"]


def test_nothing_of_a_version_begins_before_its_database_is_migrated() -> None:
    waits = {
        one["Name"]: {other["ContainerName"]: other["Condition"] for other in one.get("DependsOn", [])}
        for one in containers("Task")
    }
    assert waits.pop("migrate") == {}
    behind_it = {name for name, others in waits.items() if others.get("migrate") == "SUCCESS"}
    behind_those = {name for name, others in waits.items() if behind_it & others.keys()}
    assert behind_it | behind_those == waits.keys() == {"code", "daemon", "webserver", "viewer"}


def test_there_are_never_two_daemons_and_silence_is_an_alarm() -> None:
    service = parts("dagster")["Service"]["Properties"]
    assert service["DesiredCount"] == 1
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 100
    alarm, beat = (parts("dagster")[name]["Properties"] for name in ("HeartbeatAlarm", "Heartbeat"))
    assert alarm["TreatMissingData"] == "breaching"
    (made,) = beat["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    (daemon,) = (one for one in containers("Task") if one["Name"] == "daemon")
    (line,) = re.findall(r"echo '(.*?)'", daemon["HealthCheck"]["Command"][1])
    assert beat["FilterPattern"] == f"{{ $.heartbeat = {json.loads(line)['heartbeat']} }}"


def test_who_only_looks_comes_by_a_client_of_its_own_to_a_webserver_that_changes_nothing() -> None:
    found = parts("dagster")
    last = found["Task"]["Properties"]["ContainerDefinitions"][-1]["If"]
    assert (last[0], last[2]) == ("WithViewers", {"Ref": "AWS::NoValue"})
    viewer, (port,) = last[1], last[1]["PortMappings"]
    assert viewer["Command"][:2] == ["dagster-webserver", "--read-only"]
    assert viewer["Command"][viewer["Command"].index("-p") + 1] == str(port["ContainerPort"])
    group = found["ViewerTargetGroup"]
    assert (group["Condition"], group["Properties"]["Port"]) == ("WithViewers", port["ContainerPort"])
    listener, other = (found[name]["Properties"] for name in ("ViewerListener", "Listener"))
    asking, sending = listener["DefaultActions"]
    assert sending["TargetGroupArn"] == {"Ref": "ViewerTargetGroup"}
    assert asking["AuthenticateOidcConfig"]["ClientId"] == {"Ref": "ViewerClientId"}
    kept = [one["DefaultActions"][0]["AuthenticateOidcConfig"].get("SessionCookieName") for one in (listener, other)]
    assert len(set(kept)) == 2, "who has logged in to look is not let in to work"
    (added,) = (one["If"] for one in found["Service"]["Properties"]["LoadBalancers"]["If"][1] if "If" in one)
    assert added[1]["TargetGroupArn"] == {"Ref": "ViewerTargetGroup"}
    assert (added[1]["ContainerName"], added[1]["ContainerPort"]) == ("viewer", port["ContainerPort"])


def test_a_load_balancer_stands_only_where_an_identity_provider_asks_who_comes() -> None:
    asked = {name for name in parsed("dagster")["Parameters"] if name.startswith("Oidc")}
    rule = json.dumps(parsed("dagster")["Rules"]["LoadBalancersAskWhoComes"])
    assert "CertificateArn" in rule
    assert {name for name in asked if f'{{"Ref": "{name}"}}' in rule} == asked
    assert len(asked) == 6
    found = parts("dagster", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener")
    assert found
    for name, one in found.items():
        assert one["Condition"], name
        actions = one["Properties"].get("DefaultActions", [{"Type": "authenticate-oidc"}])
        assert actions[0]["Type"] == "authenticate-oidc", name
