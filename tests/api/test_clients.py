"""A client that a generator made of the document reads what the API answers: nothing of it was written here."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.gateway import GatewayHttp
from tests.environments import python_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parent / "clients" / "generated.py"
FEBRUARY = {"from_": "2018-02-01", "to": "2018-02-08"}


@pytest.fixture(scope="module")
def told(gateway_api: Api, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the generated client understood of the deployed API."""
    folder, python = tmp_path_factory.mktemp("client"), python_of("clients")
    (folder / "openapi.json").write_bytes(gateway_api.send("GET", "/openapi.json").body)
    (folder / "config.yaml").write_text("package_name_override: analytics_client\npost_hooks: []\n")
    generator = [str(python.with_name("openapi-python-client")), "generate", "--fail-on-warning", "--meta", "none"]
    run([*generator, "--path", "openapi.json", "--config", "config.yaml"], folder)
    http = gateway_api.client.http
    assert isinstance(http, GatewayHttp)
    found = run([str(python), str(SCRIPT)], folder, PYTHONPATH=str(folder), API_URL=http.url.geturl(), API_KEY=http.key)
    return json.loads(found)


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command prints; it has to succeed."""
    more = {**os.environ, "NO_PROXY": "127.0.0.1", **environment}
    done = subprocess.run(command, cwd=folder, env=more, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


def test_it_reads_what_is_answered(told: Any, gateway_api: Api) -> None:
    base = "/v1/datasets/earthquakes"
    records = gateway_api(f"{base}/records", **FEBRUARY, limit="3")
    assert len(records["data"]) == 3
    assert told["coverage"] == records["meta"]["coverage"]
    assert [row["event_id"] for row in told["records"]] == [row["event_id"] for row in records["data"]]
    assert told["hour"] == int(records["data"][0]["event_time"][11:13])
    groups = gateway_api(f"{base}/aggregate", **FEBRUARY, bucket="day", metrics="count,max:magnitude")["data"]
    assert told["groups"] == groups != []
    days = gateway_api(f"{base}/days", **FEBRUARY)["data"]
    assert told["days"] == [[day["day"], day["state"], day["rows_in"]] for day in days] != []
    assert told["values"] == gateway_api(f"{base}/values/status", **FEBRUARY)["data"] != []


def test_it_knows_what_there_is_and_what_is_wrong(told: Any, gateway_api: Api) -> None:
    assert told["health"] == "ok"
    listed = gateway_api("/v1/datasets")["data"]
    assert told["datasets"] == [dataset["name"] for dataset in listed]
    columns = next(dataset["columns"] for dataset in listed if dataset["name"] == "earthquakes")
    assert told["columns"] == told["stats"] == [column["name"] for column in columns]
    assert told["loads"] == len(gateway_api("/v1/loads")["data"]) > 0
    assert told["mistake"] == [{"parameter": "from", "detail": "is not in the calendar"}]
    assert told["unknown"] == 404
