"""Each role may do what it does, and what it may do beyond has its reason: the calls of a whole day are judged.

A cloud of its own holds every call against the policies of who makes it, as they are deployed from the templates.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from lambdas.common.telemetry import METRICS
from tests.infrastructure.agreement import day
from tests.infrastructure.agreement.court import Call, Court, Grant, grants, sitting
from tests.infrastructure.test_monitoring import ALARMS, OURS, dashboard, plain

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ROLES = ("IngestRole", "ProcessRole", "ForgetRole", "MigrateRole", "ApiHandlerRole", "ExportRole", "TaskRole")
REASONS: Mapping[str, str] = yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Day:
    """What was called, what may be called, and what was measured."""

    calls: list[Call]
    grants: list[Grant]
    metrics: set[tuple[str, str, frozenset[tuple[str, str]]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with sitting(tmp_path_factory.mktemp("court") / "state") as court:
        cloud, deployer = court.cloud, day.bootstrap(court)
        with court.acting(deployer):
            cloud.deploy()
        for work in (day.land, day.load, day.forget, day.serve):
            work(cloud)
        day.orchestrate(court, day.dagster(court))
        allowed = [grant for who, document in _policies(court) for grant in grants(who, document)]
        written = day.metrics(cloud)
        with court.acting(deployer):
            day.end(cloud)
        yield Day(court.calls(), allowed, written)


def _policies(court: Court) -> Iterator[tuple[str, Any]]:
    """What the roles of the functions and of Dagster may do, and who deploys."""
    yield from day.policies(court, *ROLES)
    iam = court.cloud.client("iam")
    (attached,) = iam.list_attached_user_policies(UserName="DeployPolicy")["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
    yield "DeployPolicy", json.loads(found) if isinstance(found, str) else found


def line(grant: Grant) -> str:
    """A grant as the table of reasons names it: without account, region, and what CloudFormation adds to names."""
    where = re.sub(r"-[0-9a-fA-F]{12,}\b", "", grant.resource)
    where = re.sub(r"^arn:aws:\w+:[\w-]*:[\w*]*:(analytics-(local-)?)?", "", where)
    return " ".join(filter(None, (grant.who, grant.action, where, grant.only)))


def test_nothing_that_a_role_does_is_missing_in_its_policy(whole: Day) -> None:
    assert {call.who for call in whole.calls} == {*ROLES, "DeployPolicy"}
    assert [call for call in whole.calls if not call.allowed] == []


def test_what_a_role_may_do_beyond_has_its_reason(whole: Day) -> None:
    beyond = [line(grant) for grant in whole.grants if not any(grant.covers(call) for call in whole.calls)]
    assert [one for one in beyond if not any(fnmatchcase(one, known) for known in REASONS)] == []
    assert [known for known in REASONS if not any(fnmatchcase(one, known) for one in beyond)] == []


def test_every_metric_was_written_and_alarms_and_dashboard_look_at_them_by_their_dimensions(whole: Day) -> None:
    assert {name for _, name, _ in whole.metrics} == set(METRICS)
    alarms = [one for one in ALARMS.values() if plain(one["Namespace"]) == OURS and one["MetricName"] in METRICS]
    looked_at = {(one["MetricName"], *((d["Name"], plain(d["Value"])) for d in one["Dimensions"])) for one in alarms}
    shown = [row for widget in dashboard()["widgets"] for row in widget["properties"].get("metrics", ())]
    looked_at |= {(row[1], (row[2], row[3])) for row in shown if row[0] == OURS}
    assert len(looked_at) > 10
    for name, *dimensions in looked_at:
        assert ("Analytics/local", name, frozenset(dimensions)) in whole.metrics, (name, dimensions)
