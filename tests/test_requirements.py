"""Each function's pinned requirements, installed alone, carry its handler; the pinned files name no address."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
UV = PROJECT / ".local" / "bootstrap" / "bin" / "uv"
CARRY = {
    "ingest": "import lambdas.ingest.app, lambdas.ingest.extract, lambdas.ingest.rest, lambdas.ingest.database",
    "process": "import lambdas.process.app, lambdas.process.migrate, duckdb, redshift_connector, croniter",
}


@pytest.mark.long
@pytest.mark.parametrize("name", CARRY)
def test_handler_imports_with_its_own_requirements_alone(name: str, tmp_path: Path):
    packages = tmp_path / "packages"
    environ = os.environ | {"UV_SYSTEM_CERTS": "1"}
    environ.setdefault("UV_CACHE_DIR", str(PROJECT / ".local" / "cache" / "uv"))
    install = [str(UV), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(packages)]
    pinned = PROJECT / "lambdas" / name / "requirements.txt"
    subprocess.run([*install, "--require-hashes", "-r", str(pinned)], check=True, env=environ)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "lambdas", packages / "lambdas", ignore=ignored)
    shutil.copytree(PROJECT / "assets", packages / "assets", ignore=ignored)
    # -S and -I: neither this environment's packages nor the checkout can help.
    code = f"import sys; sys.path.insert(0, {str(packages)!r}); {CARRY[name]}"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


PINNED = [
    "requirements/bootstrap.txt",
    "requirements/dev.txt",
    "requirements/clients.txt",
    "requirements/servers.txt",
    "requirements/audit.txt",
    "requirements/dagster.txt",
    "lambdas/ingest/requirements.txt",
    "lambdas/process/requirements.txt",
    "api_chalice/requirements.txt",
]


@pytest.mark.parametrize("name", PINNED)
def test_pinned_files_hold_versions_and_hashes_only(name: str):
    for line in (PROJECT / name).read_text().splitlines():
        assert re.match(r"[a-z0-9._\-\[\], ]+==[^ /]+( |$)|    --hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line, line
