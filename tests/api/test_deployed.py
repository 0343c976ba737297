"""The API as deployed to the local cloud: the gateway asks for the key, and what answers is the package."""

import io
import re
import time
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

from lambdas.common.db import redshift
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
    for key in (None, "a-forged-key-of-good-length"):
        found = asked(path, key)
        assert (found.status_code, found.headers["Content-Type"]) == (403, "application/problem+json")
        assert found.json()["detail"] == "Send an API key in the header x-api-key."
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


def test_the_page_and_the_document_need_no_key(asked: Any) -> None:
    assert asked("/", None).headers["Content-Type"].startswith("text/html")
    assert asked("/docs", None).status_code == 200
    assert asked("/assets/page.js", None).headers["Content-Type"].startswith("text/javascript")
    assert asked("/openapi.json", None).json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_is_written_and_can_be_fetched_without_a_key(
    cloud: Cloud, deployed: dict[str, str], form: str
) -> None:
    """The filter's texts would end a literal: they have to be bound."""
    session = requests.Session()
    session.trust_env = False
    headers = {"x-api-key": deployed["API_KEY"], "content-type": "application/json"}
    url = deployed["API_URL"] + "/v1/exports"
    assert session.post(url, json={"dataset": "weather"}, timeout=60).status_code == 403
    secret = redshift.read_secret(cloud.client("secretsmanager"), cloud.parameter("warehouse/secret-admin"))
    rows = [("EWR", "2013-01-01 00:00"), ("it's", "2013-01-01 01:00")]
    with redshift.session(secret, "disable", name="tests") as connection, redshift.transaction(connection):
        for origin, hour in rows:
            redshift.execute(
                connection,
                "INSERT INTO core.weather (origin, time_hour, _raw_key, _raw_row, _loaded_at) "
                "VALUES (%s, %s, 'planted', 1, %s)",
                (origin[:3], hour, hour),
            )
    try:
        body = {
            "dataset": "weather",
            "format": form,
            "origin": ["it'", "x'); DROP"],
            "columns": ["origin", "time_hour"],
        }
        started = session.post(url, json=body, headers=headers, timeout=60)
        assert started.status_code == 202, started.text
        found = finished(session, f"{url}/{started.json()['data']['id']}", headers)
        assert (found["data"]["state"], found["data"]["rows"]) == ("done", 1), found
        assert found["meta"]["dataset"] == "weather"
        (file,) = found["data"]["files"]
        content = session.get(file["url"], timeout=60).content
        assert len(content) == file["bytes"]
        if form == "csv":
            assert content.splitlines() == [b"origin,time_hour", b"it',2013-01-01 01:00:00"]
        else:
            assert pq.read_table(io.BytesIO(content)).column("origin").to_pylist() == ["it'"]
    finally:
        with redshift.session(secret, "disable", name="tests") as connection, redshift.transaction(connection):
            redshift.execute(connection, "DELETE FROM core.weather WHERE _raw_key = 'planted'")
    session.close()


def finished(session: requests.Session, url: str, headers: dict[str, str]) -> Any:
    """What the export says once it has ended."""
    deadline = time.monotonic() + 60
    while True:
        found = session.get(url, headers=headers, timeout=60).json()
        if found["data"]["state"] not in ("queued", "running") or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def test_an_unknown_path_reaches_nothing(asked: Any) -> None:
    for found in (asked("/v1/nothing"), asked("/v1/datasets", method="POST")):
        assert (found.status_code, found.headers["Content-Type"]) == (404, "application/problem+json")
        assert found.json()["detail"] == "There is no such path, or it does not take the method."


@pytest.mark.long
def test_deploying_again_changes_nothing(cloud: Cloud, deployed: dict[str, str]) -> None:
    stacks = cloud.client("cloudformation")

    def newest_event() -> str:
        return str(stacks.describe_stack_events(StackName="analytics-local-api")["StackEvents"][0]["EventId"])

    before = newest_event()
    cloud.deploy()
    assert (cloud.env["API_URL"], cloud.env["API_KEY"]) == (deployed["API_URL"], deployed["API_KEY"])
    assert newest_event() == before


def test_the_key_stands_in_no_output_and_no_parameter(cloud: Cloud, deployed: dict[str, str]) -> None:
    stack = cloud.client("cloudformation").describe_stacks(StackName="analytics-local-api")["Stacks"][0]
    assert deployed["API_KEY"] not in str(stack)
    assert cloud.parameter("api/key-id") != deployed["API_KEY"]
