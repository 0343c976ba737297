"""`make demo` in a copy of the tree: the counts of the real data, nothing loaded twice, nothing left running."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cloud import PROJECT

KEPT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor")


def run_demo(tree: Path) -> str:
    """What the demo prints; it has to end with 0."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DAGSTER_", "PYTHON"))}
    command = [sys.executable, "-m", "scripts.demo"]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def left_running(tree: Path) -> list[str]:
    """Command lines of processes that name the copy or work in it."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if str(tree) in line or process.cwd().startswith(str(tree)):
                found.append(line)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def runs(tree: Path) -> set[str]:
    """How the runs of its Dagster have ended."""
    with contextlib.closing(sqlite3.connect(tree / ".local" / "dagster" / "history" / "runs.db")) as connection:
        return {row[0] for row in connection.execute("SELECT status FROM runs")}


@pytest.mark.long
@pytest.mark.timeout(1300)
def test_demo_counts_the_real_data_and_a_second_run_loads_nothing(tmp_path: Path):
    tree = tmp_path / "a copy"
    shutil.copytree(PROJECT, tree, ignore=KEPT_OUT)
    first = run_demo(tree)
    for words in ("1,707", "26,115", "26,114", "336,776", "wind_speed breaks maximum with 1048.36058"):
        assert words in first, first
    assert "loads committed by this run" in first
    assert left_running(tree) == []
    assert runs(tree) == {"SUCCESS"}
    second = run_demo(tree)
    assert "nothing was loaded twice" in second, second
    assert "336,776" in second
    assert left_running(tree) == []
    assert runs(tree) == {"SUCCESS"}
