"""Alarms, dashboard and runbooks against each other and against what the code and AWS write."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from infrastructure.deploy import settings
from infrastructure.deploy.freshness import freshness_template
from lambdas.common.contract import load_sources
from lambdas.common.source import SourceConfig, load_source_config
from lambdas.common.telemetry import METRICS
from tests.cloud import PROJECT
from tests.infrastructure.test_templates import Loader

RUNBOOKS = (PROJECT / "docs" / "runbooks.md").read_text()
# What AWS writes, by namespace: the services' lists of metrics.
OF_AWS = {
    "AWS/Lambda": {"Errors", "Throttles", "Duration"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    "AWS/ApiGateway": {"5XXError", "4XXError", "Latency"},
    "AWS/Redshift-Serverless": {"QueriesQueued", "ComputeSeconds", "DataStorage"},
    "AWS/RDS": {"FreeStorageSpace"},
    "AWS/S3": {"BucketSizeBytes"},
}
OURS = "Analytics/${Environment}"


def templates() -> Iterator[dict[str, Any]]:
    for name in ("template.yaml", "dagster.yaml", "deploy/api-additions.yaml"):
        yield yaml.load(settings.template(name), Loader=Loader)
    yield json.loads(freshness_template())


def plain(value: Any) -> Any:
    """A value without CloudFormation's functions: the text of a Sub, the name of a Ref."""
    if isinstance(value, dict) and len(value) == 1:
        return plain(next(iter(value.values())))
    return value


def parts(kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for t in templates() for one in t["Resources"].values() if one.get("Type") == kind]


PREFIX = "analytics-${Environment}-"
ALARMS = {plain(one["AlarmName"]).removeprefix(PREFIX): one for one in parts("AWS::CloudWatch::Alarm")}


def told() -> set[str]:
    """The alarms that have a paragraph; what follows `freshness-` is a source's."""
    headings = re.findall(r"^## ([a-z][a-z<>, -]+)$", RUNBOOKS, re.MULTILINE)
    names = {name.strip() for heading in headings for name in heading.split(",")}
    return {name.partition("<")[0] for name in names}


def test_every_alarm_has_its_paragraph_and_every_paragraph_its_alarm() -> None:
    names = {"freshness-" if name.startswith("freshness-") else name for name in ALARMS}
    assert names == told()


FUNCTIONS = ("ingest", "process", "forget", "migrate")
# What has to be watched, and the alarms that watch it. A failed call of the API's function is an answer of its gateway,
# and a slow one as well.
WATCHED = {
    "function errors": {*(f"{name}-errors" for name in (*FUNCTIONS, "export")), "api-errors"},
    "function throttles": {f"{name}-throttles" for name in (*FUNCTIONS, "export", "api")},
    "duration near the limit": {*(f"{name}-duration" for name in (*FUNCTIONS, "export")), "api-latency"},
    "DLQ not empty": {"dead-letters"},
    "oldest message": {"oldest-message"},
    "freshness per source": {f"freshness-{name}" for name, one in load_sources().items() if one.freshness},
    "rejected ratio": {"rejected-rows", "objects-set-aside"},
    "API 5xx and p99": {"api-errors", "api-latency"},
    "Redshift queued queries, storage and daily cost": {f"warehouse-{name}" for name in ("queued", "storage", "cost")},
    "Dagster heartbeat": {"dagster-heartbeat", "dagster-storage"},
}
# namespace, metric and statistic of what is watched in AWS's own metrics
BY = {
    "-errors": ("AWS/Lambda", "Errors", "Sum"),
    "-throttles": ("AWS/Lambda", "Throttles", "Sum"),
    "-duration": ("AWS/Lambda", "Duration", "Maximum"),
    "api-errors": ("AWS/ApiGateway", "5XXError", "Sum"),
    "api-latency": ("AWS/ApiGateway", "Latency", "p99"),
    "dead-letters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
    "oldest-message": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"),
    "warehouse-queued": ("AWS/Redshift-Serverless", "QueriesQueued", "Minimum"),
    "warehouse-storage": ("AWS/Redshift-Serverless", "DataStorage", "Maximum"),
    "warehouse-cost": ("AWS/Redshift-Serverless", "ComputeSeconds", "Sum"),
    "rejected-rows": (OURS, "RejectedPercent", "Maximum"),
    "freshness-": (OURS, "DataAge", "Minimum"),
}


def test_all_that_has_to_be_watched_has_its_alarm_and_no_alarm_watches_something_else() -> None:
    assert set().union(*WATCHED.values()) == set(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_at_what_its_name_says(name: str) -> None:
    found = [by for part, by in sorted(BY.items(), key=lambda pair: -len(pair[0])) if part in name]
    alarm = ALARMS[name]
    seen = (plain(alarm["Namespace"]), alarm["MetricName"], alarm.get("Statistic") or alarm["ExtendedStatistic"])
    assert not found or seen == found[0]
    function = name.rpartition("-")[0]
    if alarm["Namespace"] == "AWS/Lambda":
        (one,) = alarm["Dimensions"]
        watched = plain(one["Value"])
        assert watched in (f"{function.capitalize()}Function", f"{PREFIX}{function}")


def written() -> set[str]:
    """The metrics that code or a filter over logs writes into our namespace."""
    filters = [one for found in parts("AWS::Logs::MetricFilter") for one in found["MetricTransformations"]]
    return {*METRICS, *(one["MetricName"] for one in filters)}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_what_is_written_and_tells_the_topic(name: str) -> None:
    alarm = ALARMS[name]
    namespace = plain(alarm["Namespace"])
    assert alarm["MetricName"] in (written() if namespace == OURS else OF_AWS[namespace])
    assert [plain(one) for one in alarm["AlarmActions"]] == ["AlarmTopic"]
    assert alarm["AlarmDescription"].endswith(".")


def dashboard() -> Any:
    (found,) = parts("AWS::CloudWatch::Dashboard")
    return json.loads(plain(found["DashboardBody"]))


def test_the_dashboard_shows_what_is_written() -> None:
    widgets = dashboard()["widgets"]
    shown = [one for widget in widgets for one in widget["properties"].get("metrics", ())]
    assert len(shown) > 20
    for first, *rest in shown:
        if isinstance(first, dict):
            namespace, name = OURS, re.findall(r'MetricName="(\w+)"', first["expression"])[0]
        else:
            namespace, name = first, rest[0]
        assert name in (METRICS if namespace == OURS else OF_AWS[namespace]), (namespace, name)


def test_the_dashboard_answers_three_questions_and_names_alarms_that_exist() -> None:
    widgets = dashboard()["widgets"]
    asked = [one["properties"]["markdown"] for one in widgets if one["type"] == "text"]
    assert asked == ["# Is it healthy?", "# Is it fresh?", "# What does it cost?"]
    (shown,) = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    assert {arn.rpartition(PREFIX)[2] for arn in shown} <= set(ALARMS)


def test_every_metric_is_written_by_code() -> None:
    folders = ("lambdas/ingest", "lambdas/process", "api_chalice/chalicelib")
    code = "".join(path.read_text() for folder in folders for path in (PROJECT / folder).rglob("*.py"))
    assert {name for name in METRICS if f'"{name}":' not in code} == set()


def test_every_contract_that_promises_freshness_has_an_alarm_with_its_limit() -> None:
    promised = {name: one.freshness.total_seconds() for name, one in load_sources().items() if one.freshness}
    assert promised
    found = {name.removeprefix("freshness-"): one for name, one in ALARMS.items() if name.startswith("freshness-")}
    assert {name: one["Threshold"] for name, one in found.items()} == promised
    for one in found.values():
        assert one["TreatMissingData"] == "breaching", "a pipeline that is dead says nothing"
        assert one["Period"] * one["EvaluationPeriods"] <= 7 * 86400
        assert one["Period"] * one["EvaluationPeriods"] >= min(one["Threshold"], 7 * 86400)


@pytest.mark.parametrize(
    ("said", "watched"),
    [({}, True), ({"end": dt.date(2018, 2, 1)}, False), ({"paused": True}, False)],
    ids=["goes on", "has ended", "paused"],
)
def test_a_source_that_has_ended_or_is_paused_has_no_alarm(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], watched: bool
) -> None:
    def configured(name: str) -> SourceConfig:
        return replace(load_source_config(name), **said)

    monkeypatch.setattr("infrastructure.deploy.freshness.load_source_config", configured)
    assert ("EarthquakesFreshness" in json.loads(freshness_template())["Resources"]) is watched


def test_functions_are_given_less_time_than_their_alarm_waits_for() -> None:
    functions = parts("AWS::Lambda::Function")
    limits = {f"{name}-duration": ALARMS[f"{name}-duration"]["Threshold"] for name in FUNCTIONS}
    assert len(limits) == len(functions) == 4
    assert all(limit < 1000 * one["Timeout"] for limit in limits.values() for one in functions)
    chalice = json.loads((PROJECT / "api_chalice/.chalice/config.json").read_text())
    export = 1000 * chalice["lambda_functions"]["export"]["lambda_timeout"]
    assert ALARMS["export-duration"]["Threshold"] < export


def test_the_runbooks_commands_exist() -> None:
    from scripts.analytics.__main__ import _parser

    known = _parser().format_help()
    for command in set(re.findall(r"scripts\.analytics ([a-z-]+)", RUNBOOKS)):
        assert command in known
    makefile = (PROJECT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z]+)", RUNBOOKS)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
