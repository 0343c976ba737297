"""A release: the templates and the artifacts of a deploy, recorded for the next one and for other environments.

The record of the release that an environment runs lies in its artifact bucket as releases/current.json, and every
release for ever as releases/<id>.json. It is written once the smoke test was content: what has a record has run.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infrastructure.deploy.stack import DeployError
from infrastructure.images import record
from infrastructure.images.errors import ImagesError
from infrastructure.images.source import read_source

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
CURRENT = "releases/current.json"
# the parameters that take images, and which
IMAGES = {"IngestImageUri": "ingest", "ProcessImageUri": "process", "DagsterImageUri": "dagster"}
# artifacts that are objects of the artifact bucket
OBJECTS = ("CodeKey", "ApiKey")
MISSING = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True, slots=True)
class Release:
    """What is deployed.

    Attributes:
        templates: text by part (data, functions, api, ...).
        artifacts: images by digest, or keys in the artifact bucket, by the name of the parameter that takes them.
        commit, tree: git's names of what it was made of; empty where nobody knows.
        parameters: with which an environment runs it; other environments have others.
    """

    templates: Mapping[str, str]
    artifacts: Mapping[str, str]
    commit: str = ""
    tree: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Sixteen hex digits over templates and artifacts: the same in every environment that runs the same."""
        artifacts = {name: _content(value) for name, value in self.artifacts.items() if name != "CodeBucket"}
        whole = json.dumps([dict(self.templates), artifacts], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _content(artifact: str) -> str:
    """What tells an artifact: an image's digest whatever registry holds it, or an object's key."""
    return artifact.rpartition("@")[2]


def read_current(s3: Any, bucket: str) -> Release | None:
    """The release that the environment of this artifact bucket runs; None before the first."""
    try:
        text = s3.get_object(Bucket=bucket, Key=CURRENT)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return None
        raise
    return Release(**json.loads(text))


def write_current(s3: Any, bucket: str, release: Release) -> None:
    """Record that the environment of this artifact bucket runs this release from now on."""
    if read_current(s3, bucket) == release:
        return
    body = json.dumps(asdict(release), indent=1, sort_keys=True).encode()
    for key in (f"releases/{release.id}.json", CURRENT):
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    logger.info("recorded as release %s", release.id)


def pushed_images(state: Path, env: str) -> dict[str, str]:
    """The images that `make push` or `make promote` has brought to the environment, by parameter; none without it.

    Raises:
        DeployError: they are of another source than this checkout.
        ImagesError: the record of them cannot be read.
    """
    found = record.find(state, env)
    if found is None:
        return {}
    if (here := stamp().get("tree")) and found.tree != here:
        where = record.path(state, env)
        raise DeployError(f"{where} is of commit {found.commit}, not of this checkout: `make push ENV={env}` first")
    return {name: found.images[part] for name, part in IMAGES.items() if part in found.images}


def promoted_key(state: Path, env: str) -> str | None:
    """Where in its artifact bucket the release lies that `make promote` has brought to an environment; None without."""
    found = record.find(state, env)
    return next((key for key in found.objects if key.startswith("releases/")), None) if found else None


def read_promoted(s3: Any, bucket: str, key: str, images: Mapping[str, str]) -> Release:
    """A promoted release with the environment's own copies of its images: nothing of it is made anew.

    Raises:
        DeployError: a copy is another image than the one that has run.
    """
    promoted = Release(**json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    own = {name: images[name] for name in images if name in promoted.artifacts}
    for name, image in own.items():
        if _content(image) != _content(promoted.artifacts[name]):
            raise DeployError(f"{name}: {image} is not what has run, {promoted.artifacts[name]}")
    return replace(promoted, artifacts={**promoted.artifacts, **own}, parameters={})


def stamp() -> dict[str, str]:
    """Commit and git tree that this checkout stands at, where they are known: of a changed file no commit tells."""
    try:
        source = read_source(ROOT)
    except ImagesError:
        return {"commit": os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION", "")}
    return {"commit": source.commit, "tree": source.tree} if source.clean else {}
