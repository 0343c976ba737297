"""Fixtures that all tests share: a running local cloud, and one with everything deployed."""

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running local cloud in a folder of its own, with nothing deployed by itself; one for each test process."""
    running = Cloud(tmp_path_factory.mktemp("cloud") / "a state")
    try:
        running.up()
        yield running
    finally:
        running.run("down")


@pytest.fixture(scope="session")
def deployed(cloud: Cloud) -> dict[str, str]:
    """The exports of the env file after all stacks were deployed to `cloud`."""
    cloud.deploy()
    return cloud.env
