"""The project is one that dg knows: its commands run in a copy of the tree, as people type them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import PROJECT

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor", "*.egg-info", "tests")
DAGSTER_YAML = "telemetry: {enabled: false}\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dg") / "tree"
    shutil.copytree(PROJECT, folder, ignore=LEFT_OUT)
    return folder


def run(tree: Path, *command: str, code: int = 0, **env: str) -> str:
    home = tree / "home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(DAGSTER_YAML)
    environment = os.environ | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(tree), "COLUMNS": "200"} | env
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_dg_finds_definitions_and_files_in_order(tree: Path) -> None:
    assert "All definitions loaded successfully" in run(tree, "dg", "check", "defs")
    assert "All component YAML validated successfully" in run(tree, "dg", "check", "yaml")
    run(tree, "dg", "check", "toml")


def test_dg_lists_assets_and_components(tree: Path) -> None:
    listed = run(tree, "dg", "list", "defs")
    for name in ("core/earthquakes", "mart/daily_seismicity", "raw_objects", "nightly_proof", "ledger_holds"):
        assert name in listed
    assert "orchestration.components.Source" in run(tree, "dg", "list", "components")


def test_a_wrong_attribute_is_told_with_its_line(tree: Path) -> None:
    path = tree / "assets" / "sources" / "weather" / "defs.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("start:", "strat:"))
        said = run(tree, "dg", "check", "yaml", code=1)
        assert "defs.yaml:4" in said
        assert "strat" in said
    finally:
        path.write_text(text)


def test_scaffolded_folders_pass_the_check_after_the_obvious_edit(tree: Path) -> None:
    run(tree, "dg", "scaffold", "defs", "orchestration.components.Source", "sources/orders")
    run(tree, "dg", "scaffold", "defs", "orchestration.components.Mart", "marts/daily_orders")
    mart = tree / "assets" / "marts" / "daily_orders" / "mart.sql"
    assert "core.the_source" in mart.read_text()
    mart.write_text(mart.read_text().replace("core.the_source", "core.orders"))
    assert "contracts: all well" in run(tree, "python", "-m", "scripts.analytics", "check")
    run(tree, "yamllint", "-s", "assets")
    run(tree, "sqlfluff", "lint", "-q", "--dialect", "redshift", "assets/marts")
    run(tree, "dg", "check", "yaml")
    listed = run(tree, "dg", "list", "defs")
    for name in ("raw/orders", "core/orders", "mart/daily_orders"):
        assert name in listed


def test_dg_launches_a_run(tree: Path, functions, scratch) -> None:
    functions("proved")
    environment = scratch.local.env | {"ANALYTICS_ENV": scratch.environment}
    days = ("--partition-range", "2018-02-01...2018-02-03")
    said = run(tree, "dg", "launch", "--assets", "key:raw/earthquakes", *days, **environment)
    assert "RUN_SUCCESS" in said
