"""Defects planted into a copy of the tree: for each the named test fails, and for the right reason.

A patch begins with what the defect is, the test that must fail (`fails:`) and what its failure says (`with:`).
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import PROJECT

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PATCHES = sorted((Path(__file__).parent / "defects").glob("*.patch"))
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor", "*.egg-info")


def header(patch: Path, name: str) -> str:
    """What the patch's header says under that name."""
    found = re.search(rf"^{name}: (.+)$", patch.read_text(), re.MULTILINE)
    assert found, f"{patch.name} has no line `{name}:`"
    return found[1]


def run(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=500)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT, tmp_path / "tree", ignore=LEFT_OUT)
    return tmp_path / "tree"


def test_without_a_defect_all_named_tests_pass(tree: Path) -> None:
    named = sorted({header(patch, "fails") for patch in PATCHES})
    done = run(tree, *named)
    assert f"{len(named)} passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("patch", PATCHES, ids=lambda p: p.stem)
def test_planted_defect_is_found(tree: Path, patch: Path) -> None:
    applied = subprocess.run(["git", "apply", str(patch)], cwd=tree, capture_output=True, text=True)
    assert applied.returncode == 0, f"{patch.name} no longer applies, make it anew: {applied.stderr}"
    done = run(tree, header(patch, "fails"))
    reasons = "\n".join(line for line in done.stdout.splitlines() if line.startswith("E "))
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert re.search(header(patch, "with"), reasons), reasons
