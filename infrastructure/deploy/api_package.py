"""The API's function package, made by `chalice package` from a copy of api_chalice/ with the shared code vendored.

`python -m infrastructure.deploy.api_package` fills api_chalice/vendor/ instead, for `chalice local` and the like.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from infrastructure.deploy import gateway_answers
from infrastructure.deploy.gateway_answers import ADDITIONS, ANSWERS
from infrastructure.deploy.stack import DeployError

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "api_chalice"
PROBE = Path(__file__).parent / "api_probe.py"
ASSETS = ("contract.yaml", "defs.yaml")
# `chalice package` warns and goes on where a package has no wheel for Lambda: the zip would not run.
NOT_INSTALLED = "Could not install dependencies"
FORBIDDEN = frozenset({"pandas", "pyarrow", "duckdb", "dagster", "numpy"})
MOST_BYTES = 100_000_000
# one package serves all environments: a stage that no environment's settings belong to, named as the gateway's
STAGE = "api"


@dataclass(frozen=True, slots=True)
class ApiPackage:
    """A package that passed the gate: the zip, the template that describes it, and the digest of what went in."""

    archive: Path
    template: str
    digest: str


def build(folder: Path) -> ApiPackage:
    """The package, built anew only when something that goes in has changed.

    Args:
        folder: keeps the last package and nothing else.

    Raises:
        DeployError: Chalice failed, or the package did not pass the gate.
    """
    digest = _digest()
    target = folder / digest
    if not (target / "sam.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)
        project, out = folder / "project", folder / "out"
        stage(project)
        check_output(_run_chalice(project, out))
        check_archive(out / "deployment.zip", folder / "unpacked")
        shutil.rmtree(project)
        out.rename(target)
        logger.info("api: packaged, %.1f MB", (target / "deployment.zip").stat().st_size / 1e6)
    return ApiPackage(target / "deployment.zip", (target / "sam.yaml").read_text(encoding="utf-8"), digest)


def stage(project: Path) -> None:
    """Copy the Chalice project with the shared code in vendor/."""
    for source, place in _content():
        (project / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, project / place)
    # Chalice wants a policy of this stage; what the package's template says replaces it
    policies = project / ".chalice"
    shutil.copyfile(policies / "policy-prod.json", policies / f"policy-{STAGE}.json")


def check_output(text: str) -> None:
    """Look for what Chalice only warns of.

    Raises:
        DeployError: a package is missing in the zip.
    """
    if NOT_INSTALLED in text:
        raise DeployError(f"the API's package lacks dependencies that have no wheel for Lambda:\n{text.strip()}")


def check_archive(archive: Path, scratch: Path) -> None:
    """Make sure that the zip carries no heavy libraries and answers from itself alone.

    Raises:
        DeployError: says what is wrong with it.
    """
    with zipfile.ZipFile(archive) as opened:
        found = {name.partition("/")[0].split("-")[0].removesuffix(".py").lower() for name in opened.namelist()}
        size = sum(entry.file_size for entry in opened.infolist())
        heavy = sorted(name for name in found if name in FORBIDDEN or name.startswith("dagster"))
        if heavy:
            raise DeployError(f"the API's package must not carry {', '.join(heavy)}: too large, and never needed")
        if size > MOST_BYTES:
            raise DeployError(f"the API's package has {size} bytes unpacked; at most {MOST_BYTES} are allowed")
        opened.extractall(scratch)
    # -I and -S: neither the environment nor any installed package can help out
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(PROBE), str(scratch)], capture_output=True, text=True, check=False
    )
    shutil.rmtree(scratch)
    if done.returncode:
        raise DeployError(f"the API does not answer from its package alone:\n{done.stderr.strip()}")


def _run_chalice(project: Path, out: Path) -> str:
    """Everything that `chalice package` prints."""
    code = "import sys; sys.argv[0] = 'chalice'; from chalice.cli import main; sys.exit(main())"
    additions = project / "additions.json"
    additions.write_text(json.dumps(gateway_answers.additions()), encoding="utf-8")
    options = ["--stage", STAGE, "--merge-template", str(additions), "--template-format", "yaml", str(out)]
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, "package", *options],
        cwd=project,
        env={
            **os.environ,
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
            # Chalice imports the app: with the shared code that is packaged, not with that of another checkout
            "PYTHONPATH": str(project / "vendor"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployError(f"chalice package failed:\n{done.stdout.strip()}")
    return done.stdout


def _content() -> Iterator[tuple[Path, str]]:
    """The files of the project and their places in it, in an order that does not change."""
    own = [
        PROJECT / "app.py",
        PROJECT / "requirements.txt",
        *_files(PROJECT / ".chalice"),
        *_files(PROJECT / "chalicelib"),
    ]
    for path in own:
        yield path, path.relative_to(PROJECT).as_posix()
    yield from _vendored()


def _vendored() -> Iterator[tuple[Path, str]]:
    shared = [ROOT / "lambdas" / "__init__.py", *_files(ROOT / "lambdas" / "common")]
    declared = [path for path in _files(ROOT / "assets") if path.name in ASSETS]
    for path in [*shared, *declared]:
        yield path, f"vendor/{path.relative_to(ROOT).as_posix()}"


def _files(folder: Path) -> list[Path]:
    left_out = {"__pycache__", "deployments", "deployed"}
    found = (path for path in folder.rglob("*") if not left_out & set(path.relative_to(folder).parts))
    return sorted(path for path in found if path.is_file())


def _digest() -> str:
    """Twenty-four hex digits over everything that decides what the package becomes."""
    whole = hashlib.sha256(f"{platform.python_version()} {version('chalice')}".encode())
    made_of = [(ADDITIONS, "additions"), (ANSWERS, "answers"), (Path(gateway_answers.__file__), "making")]
    for path, place in [*_content(), *made_of, (PROBE, "probe"), (Path(__file__), "gate")]:
        whole.update(f"\0{place}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return whole.hexdigest()[:24]


if __name__ == "__main__":
    shutil.rmtree(PROJECT / "vendor", ignore_errors=True)
    for file, name in _vendored():
        (PROJECT / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, PROJECT / name)
