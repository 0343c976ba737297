"""Planted defects fit the tree: the long tests that need them would only say so much later."""

import subprocess
from pathlib import Path

import pytest

from tests.cloud import PROJECT

PATCHES = sorted((PROJECT / "tests").glob("*/defects/*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.parents[1].name}/{patch.stem}")
def test_a_planted_defect_applies(patch: Path) -> None:
    tried = subprocess.run(["git", "apply", "--check", str(patch)], cwd=PROJECT, capture_output=True, text=True)
    assert tried.returncode == 0, f"make it anew: {tried.stderr}"
