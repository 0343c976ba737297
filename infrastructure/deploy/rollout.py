"""From a release to a running environment, and back to the former one where the new one does not work."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.deploy.api import api_parameters, find_api, object_key, package_api, upload_package
from infrastructure.deploy.freshness import freshness_template
from infrastructure.deploy.package import code_key, upload_code
from infrastructure.deploy.release import Release, read_current, stamp, write_current
from infrastructure.deploy.settings import INFRASTRUCTURE, TEMPLATES, template
from infrastructure.deploy.smoke import smoke
from infrastructure.deploy.stack import DeployError
from infrastructure.deploy.steps import deploy_functions, deploy_template, trigger_mode
from infrastructure.deploy.target import ARTIFACTS, FUNCTION_IMAGES, Target, owns_warehouse, require

logger = logging.getLogger(__name__)

Keep = Callable[[Mapping[str, str]], None]
DAGSTER_IMAGE = "DagsterImageUri"


def release_of_tree(target: Target, state: Path) -> Release:
    """The release that this tree and the images given as parameters are; nothing is uploaded.

    Raises:
        DeployError: the API cannot be packaged.
    """
    package = package_api(state)
    files = {part: file for part, file in TEMPLATES.items() if (INFRASTRUCTURE / file).exists()}
    templates = {part: template(file) for part, file in files.items()} | {"api": package.template}
    templates["freshness"] = freshness_template()
    images = {
        name: target.parameters[name] for name in (*FUNCTION_IMAGES, DAGSTER_IMAGE) if target.parameters.get(name)
    }
    artifacts = {**images, "ApiKey": object_key(package)}
    # The zip has our code alone: only the local cloud runs functions where their dependencies are installed.
    if target.env == "local" and not images:
        artifacts["CodeKey"] = code_key()
    known = stamp()
    return Release(templates, artifacts, known.get("commit", ""), known.get("tree", ""))


def upload_objects(target: Target, release: Release, state: Path) -> None:
    """Put the objects that the tree's release names into the environment's artifact bucket."""
    s3, bucket = target.session.client("s3"), target.parameter(ARTIFACTS)
    if "CodeKey" in release.artifacts:
        upload_code(s3, bucket)
    upload_package(s3, bucket, package_api(state))


def roll_out(target: Target, release: Release, mode: str | None, keep: Keep) -> None:
    """Bring an environment to a release, look whether it works, and put the former one back where it does not.

    Args:
        target: the environment; its parameters go into the record.
        release: what to deploy; its objects lie in the artifact bucket.
        mode: who takes messages from now on, dagster or lambda; None: who does now.
        keep: is given what clients need (LAKE_BUCKET, API_URL, API_KEY) as soon as it is known.

    Raises:
        DeployError: it did not work; says why, and what runs now.
    """
    require(target, release)
    s3, bucket = target.session.client("s3"), target.parameter(ARTIFACTS)
    former = read_current(s3, bucket)
    try:
        changed = apply(target, release, mode, keep)
    except (DeployError, BotoCoreError, ClientError) as error:
        raise DeployError(f"{error}\n{_put_back(target, former, keep)}") from error
    given = {**target.parameters, "TriggerMode": trigger_mode(target) or target.parameters["TriggerMode"]}
    write_current(s3, bucket, replace(release, parameters=given))
    logger.info("release %s: %s", release.id, "deployed" if changed else "nothing changed")


def _put_back(target: Target, former: Release | None, keep: Keep) -> str:
    """Bring the environment to the former release; says what runs now."""
    if former is None:
        return "no release has a record yet, so nothing was put back; mend it and deploy again"
    logger.info("putting release %s back", former.id)
    try:
        before = replace(target, parameters=former.parameters)
        apply(before, former, former.parameters.get("TriggerMode"), keep)
    except (DeployError, BotoCoreError, ClientError) as error:
        return f"release {former.id} could not be put back: {error}"
    return f"release {former.id} ({former.commit or 'commit unknown'}) was put back and works"


def apply(target: Target, release: Release, mode: str | None, keep: Keep) -> bool:
    """Bring the stacks to a release in their order, with the smoke test before Dagster; whether any of them changed.

    Raises:
        DeployError: a step failed, or the smoke test did.
    """
    changed = deploy_template(target, "data", release.templates["data"], {})
    if owns_warehouse(target, release):
        changed |= deploy_template(target, "warehouse", release.templates["warehouse"], {})
    changed |= deploy_functions(target, release.templates["functions"], functions_code(target, release), mode)
    if "freshness" in release.templates:
        changed |= deploy_template(target, "freshness", release.templates["freshness"], topic(target))
    keep({"LAKE_BUCKET": target.parameter("lake/bucket")})
    changed |= deploy_template(target, "api", release.templates["api"], api_values(target, release))
    api = find_api(target.session, target.env)
    keep({"API_URL": api["url"], "API_KEY": api["key"]})
    smoke(target)
    if runs_dagster(release):
        changed |= deploy_template(target, "dagster", release.templates["dagster"], dagster_values(release))
    return changed


def functions_code(target: Target, release: Release) -> dict[str, str]:
    """The parameters of the functions' stack that say where code, network and warehouse are."""
    artifacts, found = release.artifacts, {**target.network, **target.watched}
    if "CodeKey" in artifacts:
        return {"CodeBucket": target.parameter(ARTIFACTS), "CodeKey": artifacts["CodeKey"], **found}
    return {**{name: artifacts[name] for name in FUNCTION_IMAGES}, **found}


def topic(target: Target) -> dict[str, str]:
    """The parameter that says where alarms are told."""
    return {"AlarmTopic": target.ssm("alarms/topic")}


def api_values(target: Target, release: Release) -> dict[str, str]:
    """The parameters of the API's stack."""
    given = {**target.parameters, **target.network}
    return api_parameters(target.session, target.env, release.artifacts["ApiKey"], given)


def runs_dagster(release: Release) -> bool:
    """Whether Dagster is deployed with it: where an image of it is given."""
    return "dagster" in release.templates and DAGSTER_IMAGE in release.artifacts


def dagster_values(release: Release) -> dict[str, str]:
    """The parameters of Dagster's stack beside the environment's."""
    return {DAGSTER_IMAGE: release.artifacts[DAGSTER_IMAGE]}
