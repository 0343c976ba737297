"""The Dockerfiles: what they copy is there and is let through, what they start exists, how they are built."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

from infrastructure.images import engine
from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PARTS, Part
from infrastructure.images.source import Source, browsed, read_source
from tests.cloud import PROJECT

SOURCE = Source("a" * 40, "b" * 40, clean=True, repository="https://git.example/team/lake")
FUNCTIONS = {part: f"lambdas.{part}.app.handler" for part in ("ingest", "process")} | {"api": "app.app"}
# Trees of packages that a function's code is compiled from: nothing else may be let into an image.
NEVER = (".git", ".env", ".venv", ".local", "tests", "infrastructure", "scripts", "docs")
# in two parts: as one it would look like a login that somebody left in the tree
LOGIN = "someone" + ":s3cret"


def lines(part: Part) -> list[str]:
    """The Dockerfile's instructions, each on one line."""
    text = (PROJECT / part.dockerfile).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def copied(part: Part) -> set[str]:
    """What a Dockerfile takes from the project."""
    rows = [line.split() for line in lines(part) if line.startswith("COPY") and "--from" not in line]
    return {word for row in rows for word in row[1:-1] if not word.startswith("--")}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_an_image_copies_what_is_there_and_is_let_through(part: Part) -> None:
    ignore = (PROJECT / ".dockerignore").read_text().splitlines()
    let_through = tuple(line[1:] for line in ignore if line.startswith("!"))
    assert ignore[1] == "*"
    assert not [name for name in NEVER if name in let_through]
    assert {"lambdas/common", "assets"} <= copied(part)
    for source in copied(part):
        assert (PROJECT / source).exists(), source
        assert source.startswith(let_through), source


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_an_image_installs_pinned_wheels_alone_and_compiles_by_content(part: Part) -> None:
    installs = [line for line in lines(part) if "pip install" in line]
    assert installs
    for line in installs:
        assert {"--require-hashes", "--no-compile", "--only-binary"} <= set(line.split())
        assert "-r /tmp/requirements.txt" in line
    assert any("unchecked-hash" in line or "UNCHECKED_HASH" in line for line in lines(part))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_base_is_an_argument(part: Part) -> None:
    first, *rest = lines(part)
    assert re.fullmatch(r"ARG BASE=public\.ecr\.aws/\S+:3\.12\S*", first)
    assert {line.split(" AS ")[0] for line in rest if line.startswith("FROM")} == {"FROM ${BASE}"}


@pytest.mark.parametrize(("name", "handler"), FUNCTIONS.items())
def test_a_functions_image_starts_its_handler(name: str, handler: str) -> None:
    (part,) = (part for part in PARTS if part.name == name)
    assert lines(part)[-1] == f'CMD ["{handler}"]'


def test_dagster_runs_as_a_user_without_rights() -> None:
    (part,) = (part for part in PARTS if part.name == "dagster")
    assert "USER 10001:10001" in lines(part)


def test_commands_of_their_own_are_in_the_image_of_process() -> None:
    commands = re.findall(r"Command:\n\s+- (\S+)", (PROJECT / "infrastructure" / "template.yaml").read_text())
    assert commands == ["lambdas.process.forget.handler", "lambdas.process.migrate.handler"]
    for command in commands:
        module, _, name = command.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("name", engine.ENGINES)
def test_every_engine_is_told_the_same_build(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_BASE", "registry.example/lambda@sha256:0")
    words = engine.build_arguments(name, PARTS[0], SOURCE)
    for pair in (
        ("--build-arg", "BASE=registry.example/lambda@sha256:0"),
        ("--platform", "linux/amd64"),
        ("-f", PARTS[0].dockerfile),
        ("-t", f"localhost/analytics/ingest:commit-{SOURCE.commit}"),
        ("--label", f"org.opencontainers.image.revision={SOURCE.commit}"),
    ):
        assert words[words.index(pair[1]) - 1] == pair[0]
    assert words[-1] == "."
    # Lambda takes an image, not an index of an image and what is attested of it
    assert (name == "docker") == ("--provenance=false" in words and "--sbom=false" in words)
    assert (name != "docker") == ("--timestamp" in words)


def test_without_a_base_of_ones_own_the_dockerfile_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_BASE", "")
    assert not [word for word in engine.build_arguments("buildah", PARTS[0], SOURCE) if word.startswith("BASE=")]


def test_where_nothing_builds_images_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("ENGINE", raising=False)
    with pytest.raises(ImagesError, match="apt-get install buildah"):
        engine.find()
    monkeypatch.setenv("ENGINE", "kaniko")
    with pytest.raises(ImagesError, match="buildah, podman, docker"):
        engine.find()


def test_an_image_of_files_that_no_commit_holds_says_so() -> None:
    assert Source("c", "t", clean=False).tag == "commit-c-changed"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/team/lake", "https://github.com/team/lake"),
        ("https://github.com/team/lake.git/", "https://github.com/team/lake"),
        (f"https://{LOGIN}@git.example:8443/lake.git", "https://git.example:8443/lake"),
        ("git@github.com:team/lake.git", "https://github.com/team/lake"),
        ("ssh://git@git.example:2222/team/lake.git", "https://git.example/team/lake"),
        ("/srv/git/lake", ""),
        ("../lake", ""),
        ("file:///srv/git/lake", ""),
        ("", ""),
    ],
)
def test_a_remote_is_told_as_browsers_know_it_and_without_a_login(remote: str, address: str) -> None:
    assert browsed(remote) == address


@pytest.mark.parametrize(
    ("host", "word"),
    [("github.com", "blob"), ("git.example", "blob"), ("gitlab.example", "-/blob"), ("bitbucket.org", "src")],
)
def test_a_commits_files_are_where_its_host_shows_them(host: str, word: str) -> None:
    repository = f"https://{host}/team/lake"
    assert Source("c", "t", clean=True, repository=repository).files_url == f"{repository}/{word}/c"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_a_checkout_knows_where_its_commit_is_shown(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty", "-m", "first")
    assert read_source(tmp_path).files_url == ""
    git(tmp_path, "remote", "add", "origin", "git@github.com:team/lake.git")
    found = read_source(tmp_path)
    assert found.files_url == f"https://github.com/team/lake/blob/{found.commit}"
    (tmp_path / "changed").touch()
    assert read_source(tmp_path).files_url == "", "no commit has that file"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_dagsters_image_knows_where_its_files_are_shown(part: Part) -> None:
    words, told = engine.build_arguments("docker", part, SOURCE), f"FILES_URL={SOURCE.files_url}"
    wants = {'ARG FILES_URL=""', "ENV FILES_URL=${FILES_URL}"} <= set(lines(part))
    assert (told in words) is wants is (part.name == "dagster")
