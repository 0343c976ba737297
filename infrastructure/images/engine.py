"""What builds and pushes images here: buildah, podman or docker, whichever works."""

import logging
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PROJECT, Part
from infrastructure.images.source import Source

logger = logging.getLogger(__name__)

# buildah first: it needs no daemon, and its layers depend on their content alone
ENGINES = ("buildah", "podman", "docker")
INSTALL = "install one of them (Debian, Ubuntu: apt-get install buildah)"
PLATFORM = "linux/amd64"
# Files get one time whenever they are built: the same content is the same layer. What zip files can hold begins here.
EPOCH = "315532800"


def find() -> str:
    """The engine to use: what ENGINE names, else the first that is there and works.

    Raises:
        ImagesError: there is none.
    """
    named = os.environ.get("ENGINE")
    if named and named not in ENGINES:
        raise ImagesError(f"ENGINE is {named!r}; allowed are {', '.join(ENGINES)}")
    for engine in (named,) if named else ENGINES:
        if shutil.which(engine) and _works(engine):
            return engine
    raise ImagesError(f"{named or ', '.join(ENGINES)}: nothing here builds images; {INSTALL}")


def _works(engine: str) -> bool:
    # a docker command without its daemon answers with an error
    return subprocess.run([engine, "info"], capture_output=True).returncode == 0


def local_name(part: Part, source: Source) -> str:
    """What an image is called on the machine that built it."""
    return f"localhost/analytics/{part.name}:{source.tag}"


def build(engine: str, part: Part, source: Source) -> None:
    """Build one image from the project's root.

    Raises:
        ImagesError: it cannot be built; the engine has said why.
    """
    logger.info("%s: building %s with %s", part.name, local_name(part, source), engine)
    run([engine, *build_arguments(engine, part, source)])


def build_arguments(engine: str, part: Part, source: Source) -> list[str]:
    """The engine's arguments that build one image."""
    base = ["--build-arg", f"BASE={part.base}"] if part.base else []
    links = ["--build-arg", f"FILES_URL={source.files_url}"] if part.links else []
    label = ["--label", f"org.opencontainers.image.revision={source.commit}"]
    common = [*base, *links, *label, "--platform", PLATFORM, "-f", part.dockerfile, "-t", local_name(part, source), "."]
    if engine == "docker":
        # Lambda refuses an index with attestations
        return ["build", "--provenance=false", "--sbom=false", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", *common]
    return ["build", "--format", "docker", "--timestamp", EPOCH, *common]


def push(engine: str, part: Part, source: Source, target: str, environ: Mapping[str, str]) -> None:
    """Push one image as `target`, a repository with a tag.

    Raises:
        ImagesError: it cannot be pushed; the engine has said why.
    """
    logger.info("%s: pushing %s", part.name, target)
    for command in push_commands(engine, local_name(part, source), target):
        run(command, environ)


def push_commands(engine: str, name: str, target: str) -> list[list[str]]:
    """The commands that push an image."""
    if engine == "docker":
        return [["docker", "tag", name, target], ["docker", "push", "--quiet", target]]
    verify = ["--tls-verify=false"] if is_loopback(target) else []
    return [[engine, "push", "--quiet", *verify, name, f"docker://{target}"]]


def is_loopback(repository: str) -> bool:
    """Whether a registry is on this machine; such ones are asked without TLS."""
    return repository.startswith(("127.0.0.1:", "localhost:"))


def run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Run an engine's command in the project's root, its output shown.

    Raises:
        ImagesError: it failed.
    """
    settings = {"BUILDAH_LAYERS": "true", **os.environ, **(environ or {})}
    done = subprocess.run(command, cwd=PROJECT, env=settings)
    if done.returncode:
        raise ImagesError(f"{' '.join(command[:2])} failed with status {done.returncode}; its own words are above")
