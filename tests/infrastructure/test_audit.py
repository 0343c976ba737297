"""What `make audit` finds: nothing in this tree, something where there is something; and what it writes down."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import PROJECT

AUDIT = PROJECT / "requirements" / "audit.py"
TOOLS = PROJECT / ".local" / "audit" / "bin"
# the form of a key, put together here so that no file of the project has one
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"


def audit(step: str) -> None:
    done = subprocess.run([sys.executable, str(AUDIT), step], cwd=PROJECT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.timeout(1000)
def test_the_templates_break_no_rule_without_a_reason() -> None:
    audit("policies")


@pytest.mark.long
@pytest.mark.timeout(1000)
def test_the_bill_of_materials_names_every_pinned_package() -> None:
    audit("sbom")
    for image, pinned in {"process": "lambdas/process/requirements.txt", "dagster": "requirements/dagster.txt"}.items():
        listed = json.loads((PROJECT / ".local" / "sbom" / f"{image}.cdx.json").read_text())
        assert listed["bomFormat"] == "CycloneDX"
        names = {(one["name"].lower(), one["version"]) for one in listed["components"]}
        lines = re.findall(r"^([a-z0-9._-]+)(?:\[.*?\])?==(\S+)", (PROJECT / pinned).read_text(), re.MULTILINE)
        assert names == {(name, version) for name, version in lines}, image


@pytest.mark.long
@pytest.mark.timeout(1000)
def test_no_file_holds_a_secret_and_one_that_does_is_found(tmp_path: Path) -> None:
    audit("secrets")
    (tmp_path / "settings.py").write_text(f'key = "{KEY}"\n')
    hook = [str(TOOLS / "detect-secrets-hook"), "--no-verify", str(tmp_path / "settings.py")]
    done = subprocess.run(hook, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "settings.py:1" in done.stdout
