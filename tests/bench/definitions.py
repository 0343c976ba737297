"""100 sources of three years, made on the fly: loading them, and the queries behind the pages when every day is loaded.

A source is the earthquakes' contract under another name. Each case is measured in a process of its own, in a copy of
the code with assets/ of its own; `bare` is the same folders with components that only do what Dagster cannot do without
(`tests.bench.bare`). Loading is measured in seconds of the processor, because it waits for nothing; queries in seconds.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench import dagster_page
from tests.cloud import PROJECT

MANY, DAYS, RUNS = 100, 3 * 365, 3
CASES = {"1 bare": (1, "Bare"), "100 bare": (MANY, "Bare"), "1": (1, "Source"), "100": (MANY, "Source")}
TYPES = {"Bare": "tests.bench.bare.Bare", "Source": "orchestration.components.Source"}
ATTRIBUTES = {
    "Bare": "",
    "Source": '  schedule: "15 2 * * *"\n'
    "  extract:\n    filesystem: {bucket_url: /nowhere, file_glob: x.csv, format: csv}\n",
}


def run(folder: Path) -> None:
    """Print load time and snapshot, the medians of RUNS processes, and the times of queries."""
    trees = {name: _tree(folder / name.replace(" ", "_"), *case) for name, case in CASES.items()}
    # in turn, so that a busy minute meets all cases alike
    found = [{name: _measure(tree, "load") for name, tree in trees.items()} for _ in range(RUNS)]
    median = {
        name: {figure: sorted(one[name][figure] for one in found)[RUNS // 2] for figure in found[0][name]}
        for name in CASES
    }
    ours, theirs = (_load(median[many]) - _load(median[one]) for many, one in (("100", "1"), ("100 bare", "1 bare")))
    print(f"{'definitions: 100 sources x 3 years minus 1 | bare':58} {ours:8.2f} s {theirs:8.2f} s   budget 1.5 s")
    for name, unit in (("load", "s"), ("snapshot", "s"), ("size", "kB"), ("memory", "MB")):
        _print(f"{name} of 100 sources | bare", median["100"][name], median["100 bare"][name], unit)
    pages = [_measure(trees[name], "pages") for name in ("100", "100 bare")]
    for name in pages[0]:
        _print(f"{name}, {MANY * DAYS:,} days loaded | bare", pages[0][name], pages[1][name], "s")


def _load(figures: dict[str, float]) -> float:
    return figures["load"] + figures["snapshot"]


def _print(name: str, left: float, right: float, unit: str) -> None:
    print(f"{'  ' + name:58} {left:8.2f} {unit} {right:8.2f} {unit}")


def _tree(folder: Path, number: int, component: str) -> Path:
    """A copy of what the code location is made of, with that many sources."""
    nothing = shutil.ignore_patterns("__pycache__")
    for part in ("orchestration", "lambdas/common"):
        shutil.copytree(PROJECT / part, folder / part, ignore=nothing)
    for file in ("lambdas/__init__.py", "pyproject.toml"):
        shutil.copyfile(PROJECT / file, folder / file)
    (folder / "assets" / "marts").mkdir(parents=True)
    shutil.copyfile(PROJECT / "assets/__init__.py", folder / "assets/__init__.py")
    contract = (PROJECT / "assets/sources/earthquakes/contract.yaml").read_text()
    start = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS - 1)
    for n in range(number):
        source = folder / "assets" / "sources" / f"source_{n}"
        source.mkdir(parents=True)
        (source / "contract.yaml").write_text(contract.replace("earthquakes", source.name))
        head = f'type: {TYPES[component]}\n\nattributes:\n  start: "{start}"\n'
        (source / "defs.yaml").write_text(head + ATTRIBUTES[component])
    return folder


def _measure(tree: Path, what: str) -> dict[str, float]:
    home = tree / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copyfile(PROJECT / "orchestration" / "dagster.yaml", home / "dagster.yaml")
    # the code of the copy comes before that of the project, whose tests are used
    env = {
        **os.environ,
        "PYTHONPATH": f"{tree}{os.pathsep}{PROJECT}",
        "DAGSTER_HOME": str(home),
        "ANALYTICS_ENV": "none",
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.definitions", what]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_load() -> dict[str, float]:
    """What it takes to load the code location in this process, and to tell of it."""
    import dagster as dg  # noqa: F401 - its own import is not what is measured
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster._serdes import serialize_value

    began = time.process_time()
    from orchestration.definitions import defs

    repository: Any = defs().get_repository_def()
    loaded = time.process_time()
    # as the code server sends it: jobs by name, their own snapshots when they are asked for
    size = len(serialize_value(RepositorySnap.from_def(repository, defer_snapshots=True))) / 1024
    figures = {"load": loaded - began, "snapshot": time.process_time() - loaded, "size": size}
    return {**figures, "memory": psutil.Process().memory_info().rss / 2**20}


if __name__ == "__main__":
    measured = measure_load() if sys.argv[1] == "load" else dagster_page.measure()
    sys.stdout.write(json.dumps(measured) + "\n")
