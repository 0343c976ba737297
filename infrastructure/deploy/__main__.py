"""Deploy an environment: python -m infrastructure.deploy local|dev|prod.

Order: what must be there already (warehouse, artifact bucket, images) is looked for, then data, code, functions,
migrate, trigger, API. A second run with nothing new says so and changes nothing.
"""

import argparse
import functools
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.deploy import settings, steps
from infrastructure.deploy.api import deploy_api
from infrastructure.deploy.stack import DeployError

logger = logging.getLogger("infrastructure.deploy")

Keep = Callable[[Mapping[str, str]], None]
DEFAULT_STATE = Path(__file__).resolve().parents[2] / ".local"


def deploy(target: steps.Target, mode: str | None, state: Path, keep: Keep) -> None:
    """Run all steps; what clients need to know (LAKE_BUCKET, API_URL, API_KEY) is kept as soon as it is known."""
    steps.require(target)
    steps.deploy_template(target, "data", "data.yaml", {})
    steps.deploy_functions(target, steps.code(target), mode)
    keep({"LAKE_BUCKET": steps.lake_bucket(target)})
    api = deploy_api(target.session, target.env, state, given=target.parameters)
    keep({"API_URL": api["url"], "API_KEY": api["key"]})


def _run(arguments: argparse.Namespace) -> None:
    env, state = arguments.env, arguments.state.resolve()
    given = dict(settings.assignment(text) for text in arguments.set)
    parameters, keep = settings.parameters(env), _report
    if env == "local":
        # the local cloud's packages are those of development, which a deploy to AWS does without
        from infrastructure.deploy import local

        exports = local.enter(state)
        parameters |= local.parameters(exports)
        keep = functools.partial(local.keep, state, exports)
    deploy(steps.Target(boto3.Session(), env, parameters | given), arguments.trigger_mode, state, keep)


def _report(found: Mapping[str, str]) -> None:
    """Say what was found; the key stays where it is."""
    for name, value in found.items():
        if name != "API_KEY":
            logger.info("%s: %s", name, value)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infrastructure.deploy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("env", choices=settings.ENVIRONMENTS)
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of the local cloud (ENV=local)")
    parser.add_argument("--trigger-mode", choices=("dagster", "lambda"), help="default: as deployed")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a stack parameter")
    return parser.parse_args()


def main() -> int:
    """Deploy; 0 when all is as it should be, 1 with the resource and the reason when not."""
    logging.basicConfig(level=logging.WARNING, format="deploy: %(message)s", stream=sys.stdout)
    logging.getLogger("infrastructure").setLevel(logging.INFO)
    began = time.monotonic()
    try:
        _run(_arguments())
    except (DeployError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"deploy: {error}\n")
        return 1
    logger.info("done in %.1f s", time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
