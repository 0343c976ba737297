from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.environments import python_of
from tests.local_cloud.redshift.conftest import BUCKET
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint


@pytest.fixture(scope="session")
def clients() -> Path:
    """The Python of an environment that holds the clients and nothing of this project; made once."""
    return python_of("clients")


@pytest.fixture
def told(clients: Path, endpoint: Endpoint, s3: Any, s3_url: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs a client's script against the endpoint; what it tells of the data, as JSON on its last line."""

    def run(script: str, *arguments: str) -> dict[str, Any]:
        path = Path(__file__).parent / "scripts" / f"{script}.py"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DBT_", "DLT_"))},
            "PORT": str(endpoint.port), "PASSWORD": ADMIN_PASSWORD, "BUCKET": BUCKET, "FOLDER": str(tmp_path),
            "AWS_ENDPOINT_URL": s3_url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "HOME": str(tmp_path), "DO_NOT_TRACK": "1",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }  # fmt: skip
        done = subprocess.run(
            [str(clients), str(path), *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=220,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        answer: dict[str, Any] = json.loads(done.stdout.strip().split("\n")[-1])
        return answer

    return run
