"""Fixtures that all tests share: a running local cloud, and one with everything deployed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import Cloud, running

BROWSER = "tests/browser/"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running local cloud in a folder of its own, with nothing deployed by itself; one for each test process."""
    with running(tmp_path_factory.mktemp("cloud") / "a state") as found:
        yield found


@pytest.fixture(scope="session")
def deployed(cloud: Cloud) -> dict[str, str]:
    """The exports of the env file after all stacks were deployed to `cloud`."""
    cloud.deploy()
    return cloud.env


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As `--dist loadfile`, but one process gets all of tests/browser: its files share a cloud and a browser."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = str(super()._split_scope(nodeid))
            return BROWSER if scope.startswith(BROWSER) else scope

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have measured (record_property("told", ...)), in whatever process they ran."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(value))
