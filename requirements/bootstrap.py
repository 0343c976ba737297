"""Builds .venv from python3 and pip alone. Run by every make target; does nothing when all is there.

Standard library only, and no syntax that a Python too old to be used could not read up to the version check.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOWEST, BELOW = (3, 11), (3, 14)
ROOT = Path(__file__).resolve().parent.parent
VENV, LOCAL = ROOT / ".venv", ROOT / ".local"
PINNED = ROOT / "requirements" / "dev.txt"
INSTALLER = ROOT / "requirements" / "bootstrap.txt"
STAMP = VENV / ".complete"


def main():
    """Build .venv, or say in one line why that cannot be."""
    check_python()
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    check_pip()
    print("setting up .venv: about 200 packages, 1.2 GB on disk, once", flush=True)
    uv = install_uv()
    run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
    run(uv, "pip", "sync", "--quiet", "--python", str(VENV / "bin" / "python"), "--require-hashes", str(PINNED))
    site = next((VENV / "lib").glob("python3.*")) / "site-packages"
    (site / "aws_data_analytics.pth").write_text(str(ROOT) + "\n")
    STAMP.write_text(wanted)


def check_python():
    """Stop unless this Python is one that the pinned requirements were resolved for."""
    if not LOWEST <= sys.version_info[:2] < BELOW:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(
            "This project needs Python >=3.11,<3.14 and found %s (%s). "
            "Name another one: make PYTHON=python3.12 ..." % (found, sys.executable)
        )


def check_pip():
    """Stop unless pip is there."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        sys.exit("%s has no pip. Debian: apt-get install python3-pip; elsewhere: python3 -m ensurepip" % sys.executable)


def fingerprint():
    """What .venv was made from: where it stands, which Python, which pinned packages."""
    text = "%s\n%s\n%s" % (ROOT, sys.version, PINNED.read_text())
    return hashlib.sha256(text.encode()).hexdigest()


def install_uv():
    """The installer, in a folder of its own: works where venv has no ensurepip and where pip refuses (PEP 668)."""
    target = LOCAL / "bootstrap"
    if not (target / "bin" / "uv").exists():
        shutil.rmtree(target, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "--no-warn-script-location", "--require-hashes", "--target", str(target), "-r", str(INSTALLER))
    return str(target / "bin" / "uv")


def run(*command):
    """Run it, with caches inside the checkout unless the environment names others."""
    env = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")
    env.setdefault("UV_CACHE_DIR", str(LOCAL / "cache" / "uv"))
    env.setdefault("PIP_CACHE_DIR", str(LOCAL / "cache" / "pip"))
    env.setdefault("UV_SYSTEM_CERTS", "1")
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    done = subprocess.run(command, env=env)
    if done.returncode:
        sys.exit("could not run: %s" % " ".join(command))


if __name__ == "__main__":
    main()
