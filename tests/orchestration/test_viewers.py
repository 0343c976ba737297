"""The webserver for those who only look: everything is shown, and nothing can be started or changed."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cloud import PROJECT

pytestmark = pytest.mark.long

NAMES = "{ assetNodes { assetKey { path } } }"
CHANGES = {
    "launch": """mutation { launchRun(executionParams: {mode: "default", selector: {jobName: "proof",
      repositoryName: "__repository__", repositoryLocationName: "orchestration.definitions"}})
      { __typename } }""",
    "backfill": """mutation { launchPartitionBackfill(backfillParams: {assetSelection: [{path: ["core", "weather"]}],
      partitionNames: ["2013-01-01"]}) { __typename } }""",
    "wipe": """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["core", "weather"]}}])
      { __typename } }""",
}


def spare_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. It is started with the options that docker-compose.yml starts it with."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(PROJECT / "orchestration" / "dagster.yaml", home / "dagster.yaml")
    service = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]["dagster-viewer"]
    options = [word for word in service["command"][-1].split() if word.startswith("--")]
    port = spare_port()
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *options]
    environment = {**os.environ, "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "-m", "orchestration.definitions"], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
        try:
            yield await_answer(f"http://127.0.0.1:{port}", home / "log")
        finally:
            process.terminate()
            process.wait(30)


def await_answer(url: str, log: Path) -> str:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            ask(url, "{ version }")
        except urllib.error.URLError:
            time.sleep(0.3)
        else:
            return url
    raise AssertionError(log.read_text())


def ask(url: str, text: str) -> dict[str, Any]:
    body = json.dumps({"query": text}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return dict(json.load(answer)["data"])


def test_all_assets_are_shown(viewer: str) -> None:
    paths = {"/".join(node["assetKey"]["path"]) for node in ask(viewer, NAMES)["assetNodes"]}
    assert {"raw/weather", "core/weather", "mart/daily_seismicity"} <= paths


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_can_be_started_or_changed(viewer: str, change: str) -> None:
    (answer,) = ask(viewer, CHANGES[change]).values()
    assert answer == {"__typename": "UnauthorizedError"}
