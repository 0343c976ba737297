"""Resolves requirements/*.in to pinned files with hashes: once for development, the images' sets as parts of that.

Names, versions and hashes only: no address of a registry is recorded.
"""

import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UV = ROOT / ".local" / "bootstrap" / "bin" / "uv"
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-strip-extras",
    "--no-header",
    "--no-annotate",
]
# Where the tools that install a set look for it.
TARGETS = {
    "ingest": ROOT / "lambdas" / "ingest" / "requirements.txt",
    "process": ROOT / "lambdas" / "process" / "requirements.txt",
    "api": ROOT / "api_chalice" / "requirements.txt",
    "dagster": HERE / "dagster.txt",
}


def main() -> None:
    """Write every pinned file anew."""
    resolve("bootstrap", HERE / "bootstrap.txt")
    resolve("dev", HERE / "dev.txt")
    resolve("clients", HERE / "clients.txt")
    resolve("servers", HERE / "servers.txt")
    resolve("audit", HERE / "audit.txt")
    for name, target in TARGETS.items():
        resolve(name, target, "--constraint", str(HERE / "dev.txt"))


def resolve(name: str, target: Path, *more: str) -> None:
    """Resolve one set."""
    command = [str(UV), "pip", "compile", *OPTIONS, *more, str(HERE / f"{name}.in"), "--output-file", str(target)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
