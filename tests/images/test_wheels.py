"""Each image's pins have wheels for the C library of the real base: asked of the resolver by the wheels' tags."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import PROJECT

pytestmark = pytest.mark.long

UV = PROJECT / ".local" / "bootstrap" / "bin" / "uv"
# Lambda's Python 3.12 stands on Amazon Linux 2023, the official Python image on Debian 12.
LAMBDA, DEBIAN = "x86_64-manylinux_2_34", "x86_64-manylinux_2_36"
PINNED = {
    "lambdas/ingest/requirements.txt": LAMBDA,
    "lambdas/process/requirements.txt": LAMBDA,
    "lambdas/api/requirements.txt": LAMBDA,
    "api_chalice/requirements.txt": LAMBDA,
    "requirements/dagster.txt": DEBIAN,
}


def resolve(pinned: str, platform: str, target: Path) -> subprocess.CompletedProcess[str]:
    """Have the resolver choose wheels for a platform; nothing is installed."""
    command = [
        str(UV),
        "pip",
        "install",
        "--dry-run",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
    ]
    command += ["--python", sys.executable, "--python-version", "3.12", "--python-platform", platform]
    command += ["--target", str(target), "-r", str(PROJECT / pinned)]
    environ = {"UV_SYSTEM_CERTS": "1", "UV_CACHE_DIR": str(PROJECT / ".local/cache/uv"), **os.environ}
    return subprocess.run(command, env=environ, capture_output=True, text=True)


@pytest.mark.parametrize(("pinned", "platform"), PINNED.items())
def test_every_pin_has_a_wheel_for_the_base(pinned: str, platform: str, tmp_path: Path) -> None:
    done = resolve(pinned, platform, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_base_that_is_too_old_would_be_noticed(tmp_path: Path) -> None:
    done = resolve("lambdas/process/requirements.txt", "x86_64-manylinux_2_17", tmp_path)
    assert done.returncode != 0
    assert "no usable wheels" in done.stderr or "no wheels with a matching" in done.stderr
