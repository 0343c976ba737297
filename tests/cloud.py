"""A running local cloud, as tests see it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from infrastructure.local import processes
from infrastructure.local.state import State, read_env, read_json
from lambdas.common.lake import list_objects

PROJECT = Path(__file__).resolve().parents[1]
PARTS = ("ministack", "redshift", "usgs")


@dataclass(frozen=True)
class Cloud:
    """The local cloud of one state folder."""

    root: Path

    @property
    def env(self) -> dict[str, str]:
        """What the env file exports now."""
        return read_env(self.root / "env")

    @property
    def ports(self) -> dict[str, int]:
        """The recorded port of every part."""
        return read_json(self.root / "ports.json")

    @property
    def state(self) -> State:
        """The folder as the program sees it."""
        return State(self.root)

    def command(self, action: str, *options: str) -> list[str]:
        """The command line of one action on this cloud."""
        return [sys.executable, "-m", "infrastructure.local.cloud", action, "--state", str(self.root), *options]

    def run(self, action: str, *options: str, code: int = 0, env: dict[str, str] | None = None) -> str:
        """Run one action, demand its exit code, return what it said."""
        return run(self.command(action, *options), code=code, env=env)

    def up(self, *options: str) -> str:
        """Bring it up on spare ports, stopped by itself when this test process ends."""
        return self.run("up", "--spare-ports", "--while-pid", str(os.getpid()), *options)

    def deploy(self, *options: str, code: int = 0) -> str:
        """Run the deploy program on it, demand its exit code, return what it said."""
        command = [sys.executable, "-m", "infrastructure.deploy", "local", "--state", str(self.root), *options]
        return run(command, code=code)

    def leader(self, part: str) -> psutil.Process:
        """The main process of a part; it has to be there."""
        process = processes.leader(self.state, part, self.ports[part])
        assert process is not None, f"{part} does not run"
        return process

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        env = self.env
        return boto3.client(
            service,
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_DEFAULT_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, read_timeout=310, retries={"total_max_attempts": 1}),
        )

    def session(self) -> boto3.Session:
        """A boto3 session with this cloud's keys; where it is, the environment has to say."""
        env = self.env
        return boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], None, env["AWS_DEFAULT_REGION"])

    def reached(self, patch: pytest.MonkeyPatch) -> boto3.Session:
        """A boto3 session that reaches this cloud for as long as the environment is patched."""
        for name in ("AWS_ENDPOINT_URL", "NO_PROXY"):
            patch.setenv(name, self.env[name])
        return self.session()

    def empty(self, *prefixes: str) -> None:
        """Delete what lies in the lake below those prefixes: other tests of this process left it there."""
        s3, bucket = self.client("s3"), self.env["LAKE_BUCKET"]
        for key in [item.key for prefix in prefixes for item in list_objects(s3, bucket, prefix)]:
            s3.delete_object(Bucket=bucket, Key=key)

    def parameter(self, path: str) -> str:
        """An SSM parameter of the environment `local`."""
        found = self.client("ssm").get_parameter(Name=f"/analytics/local/{path}")
        return str(found["Parameter"]["Value"])


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Cloud]:
    """A cloud of one's own in that folder, with nothing deployed; it is down when the block ends."""
    cloud = Cloud(folder)
    try:
        cloud.up(*options)
        yield cloud
    finally:
        cloud.run("down")


def run(command: list[str], *, code: int = 0, env: dict[str, str] | None = None) -> str:
    """Run a command of this project, demand its exit code, return both its streams."""
    done = subprocess.run(
        command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500
    )
    assert done.returncode == code, done.stdout
    return done.stdout
