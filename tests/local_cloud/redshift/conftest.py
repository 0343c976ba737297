from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import redshift_connector

from tests.local_cloud.redshift import processes
from tests.local_cloud.redshift.processes import Endpoint

BUCKET = "lake"


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A connection that is refused or ended leaves its socket to the garbage collector: redshift_connector's way."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="module", autouse=True)
def _no_sockets_left_to_other_tests() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process, url = processes.start_s3(tmp_path_factory.mktemp("s3"))
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def s3(s3_url: str) -> Iterator[Any]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3_url, **keys)
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory, s3_url: str) -> Iterator[Endpoint]:
    running = processes.start(tmp_path_factory.mktemp("redshift") / "state", s3=s3_url)
    yield running
    assert running.stop() == 0


@pytest.fixture
def connect(endpoint: Endpoint) -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def connect(*arguments: Any, **options: Any) -> Any:
        opened.append(endpoint.connect(*arguments, **options))
        return opened[-1]

    yield connect
    for connection in opened:
        with contextlib.suppress(redshift_connector.Error):
            connection.close()


@pytest.fixture
def connection(connect: Callable[..., Any]) -> Any:
    """A transaction of its own that nobody commits."""
    return connect()


@pytest.fixture
def run(connection: Any) -> Callable[..., Any]:
    """Runs a statement in the test's transaction and returns its rows as lists."""
    return runner(connection)


@pytest.fixture(scope="module")
def shared(endpoint: Endpoint) -> Iterator[Any]:
    """One connection for the tests of a module; `shared_run` takes back what each of them did."""
    connection = endpoint.connect(max_prepared_statements=0)
    yield connection
    connection.close()


@pytest.fixture
def shared_run(shared: Any) -> Iterator[Callable[..., Any]]:
    yield runner(shared)
    shared.rollback()


def runner(connection: Any) -> Callable[..., Any]:
    def run(sql: str, arguments: Any = None) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql, arguments) if arguments else cursor.execute(sql)
        return [list(row) for row in cursor.fetchall()] if cursor.description else None

    return run


def fails(run: Callable[..., Any], sql: str) -> dict[str, str]:
    """The fields of the error that a statement ends with."""
    with pytest.raises(redshift_connector.Error) as caught:
        run(sql)
    fields: dict[str, str] = caught.value.args[0]
    return fields


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
