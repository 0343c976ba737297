"""Endpoint and S3 as child processes of a test session: on free ports, gone when the session is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redshift_connector

from infrastructure.local.redshift import unprivileged

ADMIN_PASSWORD = "Admin-Password-1"
_SECONDS = 90.0
_AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    """A TCP port that was free on loopback just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(log: Path, *command: str, **environment: str) -> subprocess.Popen[bytes]:
    """A child that ends with this process even if this process is killed."""
    helper = [sys.executable, "-E", "-S", unprivileged.__file__, "-1", "-1", sys.executable]
    with log.open("wb") as output:
        return subprocess.Popen(
            [*helper, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **_AWS, **environment},
        )


@dataclass
class Endpoint:
    """A running endpoint."""

    process: subprocess.Popen[bytes]
    port: int
    state: Path
    log: Path

    @property
    def postmaster(self) -> int:
        """The process id of the server below."""
        return int((self.state / "pgdata" / "postmaster.pid").read_text().split("\n")[0])

    def connect(self, user: str = "admin", password: str = ADMIN_PASSWORD, **options: Any) -> Any:
        """A connection of redshift_connector, without autocommit."""
        options = {"ssl": False, **options}
        return redshift_connector.connect(
            host="127.0.0.1", port=self.port, database="analytics", user=user, password=password, **options
        )

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Signal the endpoint and wait for its exit status."""
        self.process.send_signal(signum)
        return self.process.wait(_SECONDS)


def launch(
    state: Path, *, s3: str = "http://127.0.0.1:9", sslmode: str = "disable", port: int = 0, faults: bool = False
) -> Endpoint:
    """Start an endpoint without waiting for it."""
    port = port or free_port()
    state.parent.mkdir(parents=True, exist_ok=True)
    log = state.parent / f"{state.name}.log"
    arguments = ["--state", str(state), "--port", str(port), "--s3-endpoint", s3, "--sslmode", sslmode]
    arguments += ["--faults"] if faults else []
    module = "infrastructure.local.redshift"
    process = spawn(log, "-m", module, *arguments, WAREHOUSE_ADMIN_PASSWORD=ADMIN_PASSWORD)
    return Endpoint(process, port, state, log)


def start(state: Path, **options: Any) -> Endpoint:
    """Start an endpoint and wait until it says that it is ready."""
    endpoint = launch(state, **options)
    ready = f"ready on 127.0.0.1:{endpoint.port}"
    deadline = time.monotonic() + _SECONDS
    while ready not in endpoint.log.read_text():
        if endpoint.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the endpoint did not start: {endpoint.log.read_text()}")
        time.sleep(0.02)
    return endpoint


def start_s3(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a local S3; its process and its URL."""
    port = free_port()
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "PERSIST_STATE": "0"}
    process = spawn(folder / "s3.log", "-m", "ministack", **settings)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"S3 did not start: {(folder / 's3.log').read_text()}")
        time.sleep(0.05)
    return process, url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
