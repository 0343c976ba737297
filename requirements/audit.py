"""Looks at the project with tools that have an environment of their own: python requirements/audit.py [STEP ...].

policies  checkov on the templates; every exception has its reason in .checkov.yaml
secrets   detect-secrets on all files of the repository; what is none is in .secrets.baseline
sbom      a CycloneDX bill of materials for each image, as .local/sbom/<image>.cdx.json

Without a step all of them. Exit status 1 when one of them finds something.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PINNED = HERE / "audit.txt"
LOCAL = ROOT / ".local"
VENV = LOCAL / "audit"
SBOM = LOCAL / "sbom"
UV = LOCAL / "bootstrap" / "bin" / "uv"
# what each image installs
IMAGES = {
    "ingest": ROOT / "lambdas" / "ingest" / "requirements.txt",
    "process": ROOT / "lambdas" / "process" / "requirements.txt",
    "api": ROOT / "api_chalice" / "requirements.txt",
    "dagster": HERE / "dagster.txt",
}
# Why what .secrets.baseline holds of a file is no secret. It is made by a scan of detect-secrets without three plugins:
# keywords, because templates and contracts speak of secrets on every page; entropy, because pins are digests.
ACCEPTED = {
    "docs/bi.md": "the form of an address, with PASSWORD in the place of one",
    "docs/deploy.md": "AWS's own example of a key's name",
    "lambdas/ingest/database.py": "the form of an address, in an error message",
    "lambdas/ingest/redaction.py": "the form of an address, in a docstring",
    "tests/ingest/test_database.py": "an invented password, that no error may repeat",
    "tests/ingest/test_tokens.py": "invented passwords, that no log may show",
}


def main() -> int:
    """Run the steps that were asked for; 0 when none of them found anything."""
    steps: dict[str, Callable[[], int]] = {"policies": policies, "secrets": secrets, "sbom": sbom}
    wanted = sys.argv[1:] or list(steps)
    install()
    return max(steps[name]() for name in wanted)


def install() -> None:
    """Build the environment from its pinned file, unless it was built from just that."""
    wanted = hashlib.sha256(PINNED.read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / ".complete"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    env = {"UV_CACHE_DIR": str(LOCAL / "cache" / "uv"), "UV_SYSTEM_CERTS": "1", **os.environ}
    python = str(VENV / "bin" / "python")
    subprocess.run([str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)], env=env, check=True)
    install = [str(UV), "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(PINNED)]
    subprocess.run(install, env=env, check=True)
    stamp.write_text(wanted)


def policies() -> int:
    """Hold the templates against checkov's rules."""
    # it would ask its maker's service for guidelines
    return _run("checkov", "--config-file", ".checkov.yaml", "--skip-download", "--quiet", "--compact")


def secrets() -> int:
    """Look for secrets in every file that git knows; what is accepted has its reason here."""
    baseline = ROOT / ".secrets.baseline"
    if without := set(json.loads(baseline.read_text())["results"]) ^ ACCEPTED.keys():
        print(f"baseline and reasons differ: {', '.join(sorted(without))}")
        return 1
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.split("\0") if name and (ROOT / name).is_file() and name != baseline.name]
    # a copy: where lines have moved, the tool writes their new numbers and says 3
    copy = shutil.copy(baseline, LOCAL / baseline.name)
    return int(_run("detect-secrets-hook", "--no-verify", "--baseline", str(copy), *files) not in (0, 3))


def sbom() -> int:
    """Write what each image is made of: names, versions and hashes of its packages."""
    SBOM.mkdir(parents=True, exist_ok=True)
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "--validate")
    found = 0
    for image, pinned in IMAGES.items():
        target = SBOM / f"{image}.cdx.json"
        found |= _run("cyclonedx-py", "requirements", str(pinned), *options, "-o", str(target))
    return found


def _run(tool: str, *arguments: str) -> int:
    return subprocess.run([str(VENV / "bin" / tool), *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
