"""From built images to released ones: push to an environment, record what DEV ran green, promote that and only that."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infrastructure.deploy.release import OBJECTS, read_current
from infrastructure.images import engine, record, registry
from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PARTS
from infrastructure.images.record import Record
from infrastructure.images.source import Source

logger = logging.getLogger(__name__)

# The environment whose green smoke test makes a release.
FIRST = "dev"


def push(session: Any, env: str, source: Source, state: Path) -> Record:
    """Push what `build` has made; an image that this commit has already is left as it is: a commit is built once.

    Raises:
        ImagesError: the checkout has changes, or the environment has no repositories, or a push failed.
    """
    if not source.clean:
        raise ImagesError("the checkout has changes that no commit holds: an image of it could not be told from others")
    targets = _repositories(session, env)
    logins = registry.log_in(session, targets.values())
    images = {}
    with logins.environment() as environ:
        for part in PARTS:
            repository = targets[part.name]
            if logins.digest(repository, source.tag) is None:
                engine.push(engine.find(), part, source, f"{repository}:{source.tag}", environ)
            images[part.name] = _by_digest(logins, repository, source.tag)
            logger.info("%s: %s", part.name, images[part.name])
    pushed = Record(source.commit, source.tree, images)
    record.keep(state, env, pushed)
    return pushed


def release(session: Any, env: str, source: Source, state: Path) -> str:
    """Record that this source runs green in an environment; returns the record's key in the artifact bucket.

    Raises:
        ImagesError: the environment runs something else, nothing was pushed for this source, or a tag cannot be set.
    """
    bucket = _parameter(session, env, "artifacts/bucket")
    done = replace(record.pushed(state, env, source), objects=_objects(session.client("s3"), env, bucket, source))
    logins = registry.log_in(session, done.images.values())
    with logins.environment() as environ:
        for image in done.images.values():
            _tag(logins, image, image.partition("@")[0], f"promoted-{done.commit}", environ)
    session.client("s3").put_object(Bucket=bucket, Key=key(done.tree), Body=done.text().encode())
    logger.info("released %s: s3://%s/%s", done.commit, bucket, key(done.tree))
    return key(done.tree)


def _objects(s3: Any, env: str, bucket: str, source: Source) -> tuple[str, ...]:
    """What the environment runs beside images, by key: its packages, and the record of its deploy with the templates.

    A deploy leaves that record when its smoke test was content.

    Raises:
        ImagesError: it runs something else than this source.
    """
    running = read_current(s3, bucket)
    if running is None or running.tree != source.tree:
        runs = f"commit {running.commit or 'unknown'}" if running else "nothing that its smoke test liked"
        raise ImagesError(f"{env} runs {runs}, not this checkout: `make deploy ENV={env}` first")
    packages = [running.artifacts[name] for name in OBJECTS if name in running.artifacts]
    return (*packages, f"releases/{running.id}.json")


def promote(session: Any, env: str, source: Source, state: Path, *, releases: str | None = None) -> Record:
    """Bring to an environment what DEV has run green for this very tree: the same digests, the same objects.

    Args:
        session: of the environment that gets them; it may read DEV's.
        env: the environment that gets them.
        source: the checkout whose tree is looked up.
        state: where the record for the deploy that follows is kept.
        releases: DEV's artifact bucket where that lies in another account; by default it is asked of SSM.

    Raises:
        ImagesError: DEV has not run this tree green, or a copy failed.
    """
    if not source.clean:
        raise ImagesError("the checkout has changes that no commit holds: DEV cannot have run it")
    bucket = releases or _parameter(session, FIRST, "artifacts/bucket")
    released = _released(session, bucket, source)
    targets = _repositories(session, env)
    logins = registry.log_in(session, [*released.images.values(), *targets.values()])
    images = {}
    with logins.environment() as environ:
        for part in PARTS:
            image, repository = released.images[part.name], targets[part.name]
            images[part.name] = _tag(logins, image, repository, f"promoted-{released.commit}", environ)
            logger.info("%s: %s", part.name, images[part.name])
    own = _parameter(session, env, "artifacts/bucket")
    _copy_objects(session.client("s3"), bucket, own, released.objects)
    promoted = replace(released, images=images)
    record.keep(state, env, promoted)
    return promoted


def key(tree: str) -> str:
    """Where the record of a tree lies in an artifact bucket."""
    return f"releases/{tree}.json"


def _released(session: Any, bucket: str, source: Source) -> Record:
    try:
        body = session.client("s3").get_object(Bucket=bucket, Key=key(source.tree))["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404", "AccessDenied"):
            raise
        # without the right to list, S3 says AccessDenied of what is not there
        raise ImagesError(
            f"DEV has not run this tree green: no {key(source.tree)} in {bucket}. Merge to dev, wait for its deploy, "
            f"then merge dev into main; commit {source.commit} must hold nothing that dev does not"
        ) from error
    return record.parse(body)


def _tag(logins: registry.Logins, image: str, repository: str, tag: str, environ: Mapping[str, str]) -> str:
    """Have an image in a repository under a tag, unless it is there; returns it by digest.

    Raises:
        ImagesError: the tag is there with another digest.
    """
    digest = image.partition("@")[2]
    if logins.digest(repository, tag) is None:
        registry.copy(image, f"{repository}:{tag}", environ)
    found = _by_digest(logins, repository, tag)
    if not found.endswith(f"@{digest}"):
        raise ImagesError(f"{repository}:{tag} is {found}, which is not {digest}")
    return found


def _by_digest(logins: registry.Logins, repository: str, tag: str) -> str:
    digest = logins.digest(repository, tag)
    if digest is None:
        raise ImagesError(f"{repository}:{tag} is not there after it was pushed")
    return f"{repository}@{digest}"


def _copy_objects(s3: Any, source: str, target: str, keys: tuple[str, ...]) -> None:
    for name in keys if source != target else ():
        s3.copy_object(Bucket=target, Key=name, CopySource={"Bucket": source, "Key": name})
        logger.info("copied %s", name)


def _repositories(session: Any, env: str) -> dict[str, str]:
    return {part.name: _parameter(session, env, f"images/{part.name}/repository") for part in PARTS}


def _parameter(session: Any, env: str, name: str) -> str:
    full = f"/analytics/{env}/{name}"
    ssm = session.client("ssm")
    try:
        return str(ssm.get_parameter(Name=full)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as error:
        raise ImagesError(f"SSM parameter {full} does not exist: deploy the bootstrap stack of {env} first") from error
