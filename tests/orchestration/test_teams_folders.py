"""Folders that a team adds, as it adds them, leave green what reads assets/: no test asks which sources there are."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.orchestration.test_defects import run, tree

__all__ = ["tree"]
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
READERS = (
    "tests/common",
    "tests/orchestration/components",
    "tests/orchestration/test_definitions.py",
    "tests/orchestration/test_proof.py",
    "tests/scripts/test_analytics.py::test_wrong_arguments_and_missing_settings_are_named_with_status_2",
)
SALES = "id,at,amount\n1,2024-01-01T00:00:00Z,3.5\n2,2024-01-01T01:00:00Z,4.5\n"
FRESH = [{"property": "freshness", "value": 36, "unit": "h"}]


def call(tree: Path, *command: str) -> None:
    program = [str(Path(sys.executable).with_name("dg"))] if command[0] == "dg" else [sys.executable]
    subprocess.run([*program, *command[1:]], cwd=tree, check=True, capture_output=True, text=True, timeout=300)


def vary(tree: Path, name: str, **attributes: object) -> None:
    """A source like sales, with a freshness and these attributes."""
    sources = tree / "assets" / "sources"
    contract, defs = (yaml.safe_load((sources / "sales" / f"{n}.yaml").read_text()) for n in ("contract", "defs"))
    contract |= {"id": name, "name": name.capitalize(), "slaProperties": FRESH}
    contract["schema"][0]["name"] = name
    defs["attributes"] |= attributes
    (sources / name).mkdir()
    for file, content in (("contract", contract), ("defs", defs)):
        (sources / name / f"{file}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def test_what_reads_the_assets_stays_green_with_a_team_s_own(tree: Path) -> None:
    (tree / "sales.csv").write_text(SALES)
    call(tree, "dg", "scaffold", "defs", "orchestration.components.Source", "sources/dropoff")
    call(tree, "dg", "scaffold", "defs", "orchestration.components.Mart", "marts/dropoff_daily")
    sql = tree / "assets" / "marts" / "dropoff_daily" / "mart.sql"
    sql.write_text(sql.read_text().replace("core.the_source", "core.dropoff"))
    call(tree, "python", "-m", "scripts.analytics", "new-source", "sales", "sales.csv")
    vary(tree, "ended", end="2024-01-31")
    vary(tree, "asleep", paused=True, schedule="15 2 * * *")
    call(tree, "python", "-m", "scripts.analytics", "check")
    done = run(tree, *READERS)
    assert done.returncode == 0, done.stdout + done.stderr
