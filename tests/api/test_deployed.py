"""The API as deployed to the local cloud: the gateway asks for the key, and what answers is the package."""

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from infrastructure.deploy.api import deploy_api
from tests.cloud import Cloud

# Paths that need a key, with what they answer before any data was loaded.
GUARDED = [
    "/v1/datasets",
    "/v1/datasets/flights",
    "/v1/datasets/weather/records",
    "/v1/datasets/weather/aggregate",
    "/v1/datasets/daily_seismicity/records",
]


@pytest.fixture(scope="module")
def asked(deployed: dict[str, str]) -> Any:
    """Asks the deployed API; the key is sent unless another is given."""
    session = requests.Session()
    session.trust_env = False

    def ask(path: str, key: str | None = deployed["API_KEY"], method: str = "GET") -> requests.Response:
        headers = {"x-api-key": key} if key else {}
        return session.request(method, deployed["API_URL"] + path, headers=headers, timeout=60)

    yield ask
    session.close()


def test_health_needs_no_key(asked: Any) -> None:
    found = asked("/v1/health", None)
    assert (found.status_code, found.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", GUARDED)
def test_everything_else_needs_the_key(asked: Any, path: str) -> None:
    assert asked(path, None).status_code == 403
    assert asked(path, "a-forged-key-of-good-length").status_code == 403
    found = asked(path)
    assert found.status_code == 200, found.text
    assert set(found.json()) == {"data", "meta"}


def test_parameters_arrive_whole_through_the_gateway(asked: Any) -> None:
    path = "/v1/datasets/weather/records?origin=EWR&origin=XXX&from=2013-01-01T00:00:00%2B01:00&limit=1&limit=2"
    found = asked(path)
    assert found.status_code == 400
    assert found.headers["Content-Type"] == "application/problem+json"
    assert [mistake["parameter"] for mistake in found.json()["errors"]] == ["limit"]
    assert re.fullmatch(r"urn:request:[0-9a-f-]{36}", found.json()["instance"])
    right = asked(path.replace("&limit=2", ""))
    assert right.json()["meta"]["from"] == "2012-12-31T23:00:00Z"


def test_an_unknown_path_reaches_nothing(asked: Any) -> None:
    assert asked("/v1/nothing").status_code in (403, 404)
    assert asked("/v1/datasets", method="POST").status_code in (403, 404, 405)


def test_deploying_again_changes_nothing(
    cloud: Cloud, deployed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed["AWS_ENDPOINT_URL"])
    session = boto3.Session(
        deployed["AWS_ACCESS_KEY_ID"], deployed["AWS_SECRET_ACCESS_KEY"], None, deployed["AWS_DEFAULT_REGION"]
    )
    stacks = session.client("cloudformation")

    def newest_event() -> str:
        return str(stacks.describe_stack_events(StackName="analytics-local-api")["StackEvents"][0]["EventId"])

    before = newest_event()
    assert deploy_api(session, "local", Path(cloud.root)) == {"url": deployed["API_URL"], "key": deployed["API_KEY"]}
    assert newest_event() == before


def test_the_key_stands_in_no_output_and_no_parameter(cloud: Cloud, deployed: dict[str, str]) -> None:
    stack = cloud.client("cloudformation").describe_stacks(StackName="analytics-local-api")["Stacks"][0]
    assert deployed["API_KEY"] not in str(stack)
    assert cloud.parameter("api/key-id") != deployed["API_KEY"]
