"""docs/proofs.md names tests and benchmarks that there are."""

import re

import pytest

from tests.bench.__main__ import ALL
from tests.cloud import PROJECT

PAGE = (PROJECT / "docs" / "proofs.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`pytest ([^`]+)`", PAGE.partition("##")[2])


@pytest.mark.parametrize("path", sorted({word for c in COMMANDS for word in c.split() if word.startswith("tests/")}))
def test_a_named_test_is_there(path: str) -> None:
    found = PROJECT / path
    assert found.is_file() or list(found.rglob("test_*.py"))


def test_the_page_names_all_benchmarks() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(ALL)
