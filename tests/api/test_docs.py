"""docs/api.md by example: every command in it is run as it stands, on the deployed API."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import Api
from tests.api.gateway import GatewayHttp
from tests.api.warehouse import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python|console)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def environment(gateway_api: Api) -> dict[str, str]:
    """What `. .local/env` would set."""
    http = gateway_api.client.http
    assert isinstance(http, GatewayHttp)
    return {**os.environ, "API_URL": http.url.geturl(), "API_KEY": http.key, "no_proxy": "127.0.0.1"}


def test_the_page_has_examples_of_every_kind() -> None:
    assert {kind for kind, _ in BLOCKS} == {"bash", "python", "console"}
    assert len(BLOCKS) >= 9


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=lambda value: value[:40].replace("\n", " "))
def test_an_example_does_what_the_page_says(environment: dict[str, str], tmp_path: Path, kind: str, text: str) -> None:
    if kind == "console":
        command, *told = text.removeprefix("$ ").splitlines()
        found = run(["bash", "-euo", "pipefail", "-c", command], environment)
        assert [line for line in told if line not in found] == []
    elif kind == "bash":
        run(["bash", "-euo", "pipefail", "-c", text], environment)
    else:
        assert re.search(r"\d+ rows, as of 20\d\d-", run([sys.executable, "-c", text], environment))


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout
