"""One endpoint with faults, one S3 and one nursery serve all scenarios; each scenario has a source of its own."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lambdas.common.db import access
from lambdas.common.db.redshift import autocommit, execute, session
from lambdas.common.db.sql import statement
from tests.local_cloud.redshift import processes
from tests.local_cloud.redshift.faults import Faults

BUCKET = "lake"
# Where the servers of another run stand, so that a copy of the tree is tried on the same ones.
SHARED = "EXACTLY_ONCE_SERVERS"
PASSWORD = "Loader-Password-1"


@dataclass(frozen=True)
class Servers:
    """Where endpoint and S3 stand."""

    state: str
    port: int
    s3: str

    def secret(self, user: str, password: str) -> dict[str, Any]:
        """The secret of a database user, as AWS keeps it."""
        names = {"host": "127.0.0.1", "port": self.port, "dbname": "analytics"}
        return names | {"username": user, "password": password}

    @property
    def loader(self) -> dict[str, Any]:
        """The loader's secret."""
        return self.secret(access.OWNER, PASSWORD)


@dataclass
class Lab:
    """What scenarios work with."""

    servers: Servers
    folder: Path
    s3: Any
    nursery: Path
    traces: dict[Any, Any] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)
    scenarios: int = 0
    notes: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def faults(self) -> Faults:
        """The endpoint's faults."""
        return Faults(Path(self.servers.state))

    def name(self) -> str:
        """A name that no source has yet."""
        return f"s{os.getpid()}_{next(self._numbers)}"

    @contextmanager
    def session(self, name: str = "tests") -> Iterator[Any]:
        """A session of the loader's user."""
        with session(self.servers.loader, "disable", name=name) as connection:
            yield connection


@contextmanager
def open_lab() -> Iterator[Lab]:
    """A lab on the servers that the environment names, or on new ones."""
    with tempfile.TemporaryDirectory(prefix="once-") as name:
        folder = Path(name)
        with _servers(folder) as servers:
            _prepare(servers)
            with _nursery(folder, servers) as nursery, _s3(servers) as s3:
                yield Lab(servers, folder, s3, nursery)


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    if shared := os.environ.get(SHARED):
        yield Servers(**json.loads(shared))
        return
    s3, url = processes.start_s3(folder)
    try:
        endpoint = processes.start(folder / "redshift", s3=url, faults=True)
        try:
            yield Servers(str(endpoint.state), endpoint.port, url)
        finally:
            endpoint.stop()
    finally:
        s3.terminate()
        s3.wait(20)


@contextmanager
def _s3(servers: Servers) -> Iterator[Any]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=servers.s3, config=Config(proxies={}, max_pool_connections=32), **keys)
    if BUCKET not in {b["Name"] for b in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield client
    client.close()


def _prepare(servers: Servers) -> None:
    """Users, schemas and the tables of ops, as the migrate function makes them; safe to repeat."""
    admin = servers.secret("admin", processes.ADMIN_PASSWORD)
    with session(admin, "disable", name="tests") as connection, autocommit(connection):
        for user in (access.OWNER, access.READER):
            access.migrate_user(connection, user, PASSWORD)
        access.migrate_schemas(connection)
    with session(servers.loader, "disable", name="tests") as connection, autocommit(connection):
        for text in statement("ops_tables").split(";\n"):
            execute(connection, text)


@contextmanager
def _nursery(folder: Path, servers: Servers) -> Iterator[Path]:
    path = folder / "nursery.sock"
    settings = json.dumps({"s3": servers.s3, "bucket": BUCKET, "secret": servers.loader})
    process = processes.spawn(folder / "nursery.log", "-m", "tests.exactly_once.nursery", str(path), settings)
    deadline = time.monotonic() + 30
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError((folder / "nursery.log").read_text())
        time.sleep(0.02)
    try:
        yield path
    finally:
        # it keeps nothing, and SIGTERM may be ignored by inheritance
        process.kill()
        process.wait(20)


def run_in_copy(tree: Path, servers: Servers, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this suite's pytest in a copy of the tree, against these servers."""
    shared = json.dumps({"state": servers.state, "port": servers.port, "s3": servers.s3})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, SHARED: shared}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=600)
