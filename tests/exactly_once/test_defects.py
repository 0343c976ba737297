"""Defects planted into a copy of the tree: for each the named test fails, and for the right reason.

A patch begins with what the defect is, the test that must fail (`fails:`) and what its failure says (`with:`).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cloud import PROJECT
from tests.exactly_once.lab import Lab, run_in_copy

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
PATCHES = sorted((Path(__file__).parent / "defects").glob("*.patch"))
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor", "*.egg-info")
ATTEMPTS = 3

Done = subprocess.CompletedProcess[str]


def header(patch: Path, name: str) -> str:
    """What the patch's header says under that name."""
    found = re.search(rf"^{name}: (.+)$", patch.read_text(), re.MULTILINE)
    assert found, f"{patch.name} has no line `{name}:`"
    return found[1]


@pytest.fixture(scope="module")
def runs(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Done]]]:
    """The named tests in a copy for each patch that is asked for, and in one without any: two at a time."""
    asked = {item.callspec.params["patch"] if hasattr(item, "callspec") else None for item in _items(request)}
    with ThreadPoolExecutor(2) as pool:
        yield {
            patch.stem if patch else "clean": pool.submit(_run, lab, tmp_path_factory.mktemp("copy"), patch)
            for patch in (None, *PATCHES)
            if patch in asked
        }


def _items(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """The tests of this module that are to run."""
    return [item for item in request.session.items if item.path == Path(__file__)]


def _run(lab: Lab, folder: Path, patch: Path | None) -> Done:
    tree = folder / "tree"
    shutil.copytree(PROJECT, tree, ignore=LEFT_OUT)
    if patch:
        applied = subprocess.run(["git", "apply", str(patch)], cwd=tree, capture_output=True, text=True)
        assert applied.returncode == 0, f"{patch.name} no longer applies, make it anew: {applied.stderr}"
    done = _find(lab, tree, patch) if patch else run_in_copy(tree, lab.servers, *_all_named())
    shutil.rmtree(tree)
    return done


def _find(lab: Lab, tree: Path, patch: Path) -> Done:
    """The named test against the defect. A race that a busy machine did not let happen is run again."""
    for _ in range(ATTEMPTS):
        done = run_in_copy(tree, lab.servers, header(patch, "fails"))
        if _has_found(patch, done):
            break
    return done


def _has_found(patch: Path, done: Done) -> bool:
    """Whether the test failed, and for the reason that the patch names."""
    reasons = "\n".join(line for line in done.stdout.splitlines() if line.startswith("E "))
    return "1 failed" in done.stdout and bool(re.search(header(patch, "with"), reasons))


def _all_named() -> list[str]:
    return sorted({header(patch, "fails") for patch in PATCHES})


def test_without_a_defect_all_named_tests_pass(runs: dict[str, Future[Done]]):
    done = runs["clean"].result()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(_all_named())} passed" in done.stdout


@pytest.mark.parametrize("patch", PATCHES, ids=lambda p: p.stem)
def test_planted_defect_is_found(runs: dict[str, Future[Done]], patch: Path):
    done = runs[patch.stem].result()
    assert _has_found(patch, done), f"not found, or the test failed for another reason: {done.stdout + done.stderr}"
