"""One lab for all scenarios, and their number in the summary."""

from collections.abc import Iterator

import pytest

from tests.exactly_once.lab import Lab, open_lab

SUMMARY = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    with open_lab() as opened:
        yield opened
        count = f"{opened.scenarios} scenarios; one whose fault is never reached fails"
        pytestconfig.stash[SUMMARY] = [count, *opened.notes]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(f"exactly once: {line}")
