"""100 sources of three years, made on the fly: loading them, their snapshot, and the queries behind the pages.

A source is the earthquakes' contract under another name. Each number of sources is measured in a process of its own, in
a copy of the code with assets/ of its own.
"""

import asyncio
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

from tests.cloud import PROJECT

MANY, DAYS, RUNS = 100, 3 * 365, 3
# Of as many sources every day is loaded: an event takes milliseconds to write.
LOADED = 1
LINEAGE = """{ assetNodes { assetKey { path } dependencyKeys { path } kinds groupName owners { __typename } isExecutable
  assetChecksOrError { __typename } partitionStats { numMaterialized numFailed numPartitions } } }"""
STATUS = """{ assetNodeOrError(assetKey: {path: ["core", "source_0"]}) { ... on AssetNode { assetPartitionStatuses {
  ... on TimePartitionStatuses { ranges { status startKey endKey } } } } } }"""


def run(folder: Path) -> None:
    """Print load time, snapshot and times of queries; the medians of RUNS processes."""
    trees = {number: _tree(folder / str(number), number) for number in (1, MANY)}
    found = {number: [_measure(tree) for _ in range(RUNS)] for number, tree in trees.items()}
    one, many = ({name: sorted(r[name] for r in found[n])[RUNS // 2] for name in found[n][0]} for n in (1, MANY))
    more = many["load"] + many["snapshot"] - one["load"] - one["snapshot"]
    print(f"{'definitions: 100 sources x 3 years minus 1':58} {more:8.2f} s   budget 1.5 s")
    for name, unit in (("load", "s"), ("snapshot", "s"), ("size", "kB"), ("memory", "MB")):
        print(f"{f'  {name}: 100 | 1':58} {many[name]:8.2f} {unit} {one[name]:8.2f} {unit}")
    for name in ("lineage_first", "lineage", "status"):
        print(f"{f'  query, {name}: 100 | 1':58} {many[name]:8.2f} s {one[name]:8.2f} s")


def _tree(folder: Path, number: int) -> Path:
    """A copy of what the code location is made of, with that many sources."""
    nothing = shutil.ignore_patterns("__pycache__")
    for part in ("orchestration", "lambdas/common"):
        shutil.copytree(PROJECT / part, folder / part, ignore=nothing)
    shutil.copyfile(PROJECT / "lambdas/__init__.py", folder / "lambdas/__init__.py")
    shutil.copyfile(PROJECT / "pyproject.toml", folder / "pyproject.toml")
    (folder / "assets" / "marts").mkdir(parents=True)
    shutil.copyfile(PROJECT / "assets/__init__.py", folder / "assets/__init__.py")
    contract = (PROJECT / "assets/sources/earthquakes/contract.yaml").read_text()
    start = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS - 1)
    for n in range(number):
        source = folder / "assets" / "sources" / f"source_{n}"
        source.mkdir(parents=True)
        (source / "contract.yaml").write_text(contract.replace("earthquakes", source.name))
        (source / "defs.yaml").write_text(
            f'type: orchestration.components.Source\n\nattributes:\n  start: "{start}"\n  schedule: "15 2 * * *"\n'
            "  extract:\n    filesystem: {bucket_url: /nowhere, file_glob: x.csv, format: csv}\n"
        )
    return folder


def _measure(tree: Path) -> dict[str, float]:
    home = tree / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    # the code of the copy comes before that of the project, whose tests are used
    env = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{PROJECT}", "DAGSTER_HOME": str(home)}
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.definitions"]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_here() -> dict[str, float]:
    """The figures of the code location in this process."""
    import dagster as dg  # noqa: F401 - its own import is not what is measured
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster._serdes import serialize_value

    began = time.perf_counter()
    from orchestration.definitions import defs

    repository = defs().get_repository_def()
    loaded = time.perf_counter()
    size = len(serialize_value(RepositorySnap.from_def(repository))) / 1024
    figures = {"load": loaded - began, "snapshot": time.perf_counter() - loaded, "size": size}
    figures["memory"] = psutil.Process().memory_info().rss / 2**20
    return figures | _queries(repository)


def _queries(repository: Any) -> dict[str, float]:
    from tests.orchestration.daemon import workspace

    with workspace() as context:
        _load_days(context.instance, repository)
        first, again, status = (_ask(context, query) for query in (LINEAGE, LINEAGE, STATUS))
    return {"lineage_first": first, "lineage": again, "status": status}


def _load_days(instance: Any, repository: Any) -> None:
    import dagster as dg

    cores = sorted(key for key in repository.asset_graph.get_all_asset_keys() if key.path[0] == "core")[:LOADED]
    for key in cores:
        for day in repository.asset_graph.get(key).partitions_def.get_partition_keys():
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))


def _ask(context: Any, query: str) -> float:
    from dagster_graphql.schema import create_schema

    schema = create_schema()
    began = time.perf_counter()
    result = asyncio.run(schema.execute_async(query, context_value=context.create_request_context()))
    took = time.perf_counter() - began
    if result.errors:
        raise RuntimeError(str(result.errors[0]))
    return took


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_here()) + "\n")
