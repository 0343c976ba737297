"""A base that stands in for Lambda's own, which only AWS's registry has: the Python that runs here, and little else.

It lies where Lambda's lies: Python in /var/lang, the runtime client in /var/runtime, code in /var/task. What it cannot
tell is whether wheels fit the C library of the real one: test_wheels.py asks that.
"""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = Path(sys.base_prefix)
# what the Dockerfiles' own commands need, and compiled wheels
COMMANDS = ("sh", "rm", "chown")
LIBRARIES = ("libstdc++", "libgcc_s", "libz", "libm", "librt", "libdl", "libpthread", "libutil", "libresolv")
LEFT_OUT = (
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "_tkinter*",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "config-*",
    "*.a",
)
ENTRY = "/lambda-entrypoint.sh"
START = f'#!/bin/sh\nexport PYTHONPATH=/var/runtime\nexec /var/lang/bin/{VERSION} -m awslambdaric "$@"\n'
ENVIRONMENT = {
    "LAMBDA_TASK_ROOT": "/var/task",
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": "/var/lang/lib",
    "PATH": "/var/lang/bin:/usr/bin:/bin",
    "TZ": "UTC",
}
LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")


def make_base(root: Path) -> None:
    """Fill an empty folder with the base's tree."""
    for name in ("bin", "usr/bin", "etc", "proc", "dev", "sys", "var/task", "var/runtime"):
        (root / name).mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    _copy_python(root / "var/lang")
    site = root / f"var/lang/lib/{VERSION}/site-packages"
    _copy_packages(site, ["pip"])
    _copy_packages(root / "var/runtime", ["awslambdaric", "simplejson", "snapshot-restore-py"])
    commands = [Path(shutil.which(name) or name) for name in COMMANDS]
    for command in commands:
        shutil.copy(command, root / "bin" / command.name)
    _copy_libraries(root, [*commands, *root.glob("var/lang/bin/*"), *root.rglob("*.so*")])
    start = root / ENTRY.removeprefix("/")
    start.write_text(START)
    start.chmod(0o755)


def _copy_python(target: Path) -> None:
    library = target / "lib"
    shutil.copytree(PYTHON / "lib" / VERSION, library / VERSION, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for shared in (PYTHON / "lib").glob("libpython3*.so*"):
        shutil.copy(shared, library / shared.name)
    (target / "bin").mkdir()
    shutil.copy(Path(sys.executable).resolve(), target / "bin" / VERSION)
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to(VERSION)


def _copy_packages(target: Path, names: Iterable[str]) -> None:
    """Copy installed packages, files beside their folders left out."""
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), target / file)


def _copy_libraries(root: Path, binaries: Iterable[Path]) -> None:
    """Copy what binaries are linked with, each to its own path."""
    told = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True).stdout
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    wanted = {found for found in LINKED.findall(told) if not found.startswith(str(PYTHON))}
    for name in LIBRARIES:
        wanted |= set(re.findall(rf"\t{re.escape(name)}\.so\.\d+ \(libc6,x86-64.* => (\S+)", known)[:1])
    for library in wanted:
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy(library, place)
