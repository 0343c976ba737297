"""The wheels of all images, fetched once for each set of pins."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cloud import PROJECT

PINNED = (
    "lambdas/ingest/requirements.txt",
    "lambdas/process/requirements.txt",
    "lambdas/api/requirements.txt",
    "api_chalice/requirements.txt",
    "requirements/dagster.txt",
)
CACHE = PROJECT / ".local" / "cache" / "wheels"


def download_wheels() -> Path:
    """A folder with the wheels that the images' pins name, for the Python that runs here."""
    digest = hashlib.sha256(sys.version.encode())
    for name in PINNED:
        digest.update((PROJECT / name).read_bytes())
    folder = CACHE / digest.hexdigest()[:24]
    if not folder.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        partial = CACHE / "partial"
        partial.mkdir(parents=True)
        # one after the other: sets that are installed apart may differ in a pin
        for name in PINNED:
            _download(name, partial)
        partial.rename(folder)
    return folder


def _download(name: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--dest", str(folder), "-r", str(PROJECT / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
