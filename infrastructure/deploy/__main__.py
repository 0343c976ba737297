"""Deploy an environment: python -m infrastructure.deploy ENV [plan|deploy|smoke|release|destroy].

    plan     what a deploy would change, as a table; nothing is changed
    deploy   data, warehouse, functions, migrate, trigger, API, smoke test, Dagster: what `make promote` has brought to
             the environment, unchanged; where it has brought nothing, this tree with the images pushed or given
    smoke    the smoke test alone
    release  what the environment runs, as JSON
    destroy  the environment's stacks; its data stays, and prod is refused

A deploy that its smoke test does not like puts back what ran before. A second one with nothing new says so.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.deploy import settings
from infrastructure.deploy.destroy import destroy
from infrastructure.deploy.plan import plan
from infrastructure.deploy.release import Release, promoted_key, pushed_images, read_current, read_promoted
from infrastructure.deploy.rollout import Keep, release_of_tree, roll_out, upload_objects
from infrastructure.deploy.smoke import smoke
from infrastructure.deploy.stack import DeployError
from infrastructure.deploy.target import ARTIFACTS, Target, require
from infrastructure.deploy.variables import SOURCES, named_by_sources, tell_missing
from infrastructure.images.errors import ImagesError

logger = logging.getLogger("infrastructure.deploy")

DEFAULT_STATE = Path(__file__).resolve().parents[2] / ".local"
Action = Callable[[Target, argparse.Namespace, Keep], None]


def _plan(target: Target, arguments: argparse.Namespace, _keep: Keep) -> None:
    target = _with_images(target, arguments)
    release = _promoted(target, arguments.state) or release_of_tree(target, arguments.state)
    sys.stdout.write(f"{plan(target, release, arguments.trigger_mode)}\n")


def _deploy(target: Target, arguments: argparse.Namespace, keep: Keep) -> None:
    target = _with_images(target, arguments)
    release = _promoted(target, arguments.state)
    if release is None:
        release = release_of_tree(target, arguments.state)
        require(target, release)
        upload_objects(target, release, arguments.state)
    roll_out(target, release, arguments.trigger_mode, keep)


def _with_images(target: Target, arguments: argparse.Namespace) -> Target:
    """The target, told of the images that were pushed to it; those given by hand go first."""
    return replace(target, parameters=pushed_images(arguments.state, target.env) | dict(target.parameters))


def _promoted(target: Target, state: Path) -> Release | None:
    """What `make promote` has brought to the target, to be deployed as it is; None where it has brought nothing."""
    key = promoted_key(state, target.env)
    if key is None:
        return None
    images = pushed_images(state, target.env)
    return read_promoted(target.session.client("s3"), target.parameter(ARTIFACTS), key, images)


def _read(target: Target) -> Release:
    found = read_current(target.session.client("s3"), target.parameter(ARTIFACTS))
    if found is None:
        raise DeployError(f"{target.env} runs no release yet: deploy it first")
    return found


def _smoke(target: Target, _arguments: argparse.Namespace, _keep: Keep) -> None:
    smoke(target)


def _release(target: Target, _arguments: argparse.Namespace, _keep: Keep) -> None:
    found = _read(target)
    shown = {name: value for name, value in asdict(found).items() if name != "templates"}
    sys.stdout.write(f"{json.dumps({'release': found.id, **shown}, indent=1)}\n")


def _destroy(target: Target, _arguments: argparse.Namespace, _keep: Keep) -> None:
    destroy(target)


ACTIONS: Mapping[str, Action] = {
    "deploy": _deploy,
    "plan": _plan,
    "smoke": _smoke,
    "release": _release,
    "destroy": _destroy,
}


def _run(arguments: argparse.Namespace) -> None:
    arguments.state = arguments.state.resolve()
    given = dict(settings.assignment(text) for text in arguments.set)
    parameters = settings.parameters(arguments.env)
    keep: Keep = _report
    if arguments.env == "local":
        # the local cloud's packages are those of development, which a deploy to AWS does without
        from infrastructure.deploy import local

        exports = local.enter(arguments.state)
        parameters |= local.parameters(exports)
        keep = local.keeper(arguments.state, exports)
    parameters |= given
    ACTIONS[arguments.action](Target(boto3.Session(), arguments.env, parameters), arguments, keep)
    if arguments.action == "deploy":
        # last, where it is seen: the deploy is right, and a source of it cannot be
        for text in tell_missing(named_by_sources(SOURCES), parameters.get("SourceVariables", ""), arguments.env):
            logger.warning(text)


def _report(found: Mapping[str, str]) -> None:
    """Say what was found; the key stays where it is."""
    for name, value in found.items():
        if name != "API_KEY":
            logger.info("%s: %s", name, value)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infrastructure.deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("env", choices=settings.ENVIRONMENTS)
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="deploy")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of the local cloud and of packages")
    parser.add_argument("--trigger-mode", choices=("dagster", "lambda"), help="default: as deployed")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a stack parameter")
    return parser.parse_args()


def main() -> int:
    """Run the action; 0 when all is as it should be, 1 with the resource and the reason when not."""
    logging.basicConfig(level=logging.WARNING, format="deploy: %(message)s", stream=sys.stdout)
    logging.getLogger("infrastructure").setLevel(logging.INFO)
    arguments = _arguments()
    if arguments.action in ("plan", "release"):
        # what they print is for other programs too
        logging.getLogger("infrastructure").setLevel(logging.WARNING)
    began = time.monotonic()
    try:
        _run(arguments)
    except (DeployError, ImagesError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"deploy: {error}\n")
        return 1
    logger.info("done in %.1f s", time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
