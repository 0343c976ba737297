"""What a deploy is given: the parameters of an environment and the parameters that its template declares."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infrastructure.deploy.stack import DeployError

INFRASTRUCTURE = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ("local", "dev", "prod")
# by part, in the order in which they are deployed; the API's comes from Chalice
TEMPLATES = {
    "data": "data.yaml",
    "warehouse": "warehouse.yaml",
    "functions": "template.yaml",
    "dagster": "dagster.yaml",
}
# the network of the functions that reach the warehouse: both are given, or neither
NETWORK = ("WarehouseSubnetIds", "WarehouseSecurityGroupId")


def parameters(env: str) -> dict[str, str]:
    """The stacks' parameters of an environment, from its file; `local` is dev with names of its own."""
    file = INFRASTRUCTURE / f"parameters-{'dev' if env == 'local' else env}.json"
    given: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["Parameters"]
    if env == "local":
        given = {name: value.replace("/analytics/dev/", "/analytics/local/") for name, value in given.items()}
        given["Environment"] = env
    return given


def template(name: str) -> str:
    """The text of a template in this folder."""
    return (INFRASTRUCTURE / name).read_text(encoding="utf-8")


def needed(body: str) -> set[str]:
    """The parameters of a template that have no default."""
    return {name for name, spec in _parsed(body).get("Parameters", {}).items() if "Default" not in spec}


def resources(body: str) -> dict[str, str]:
    """The types of a template's resources by name."""
    return {name: spec["Type"] for name, spec in _parsed(body)["Resources"].items()}


def retained(body: str) -> set[str]:
    """The resources of a template that stay when its stack is deleted."""
    policies = {name: spec.get("DeletionPolicy", "Delete") for name, spec in _parsed(body)["Resources"].items()}
    return {name for name, policy in policies.items() if policy != "Delete"}


def declared(body: str, values: Mapping[str, str]) -> dict[str, str]:
    """Those of the values that a template declares as parameters."""
    names = _parsed(body).get("Parameters", {})
    return {name: value for name, value in values.items() if name in names}


def _parsed(body: str) -> dict[str, Any]:
    return dict(yaml.load(body, Loader=_CloudFormationLoader))  # noqa: S506 - derived from the safe loader


def assignment(text: str) -> tuple[str, str]:
    """The name and value of NAME=VALUE.

    Raises:
        DeployError: there is no such pair in the text.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise DeployError(f"--set wants NAME=VALUE, not {text!r}")
    return name, value


class _CloudFormationLoader(yaml.SafeLoader):
    """A safe loader that reads over CloudFormation's short forms (!Ref, !Sub, ...)."""


def _ignore(_loader: Any, _suffix: str, _node: Any) -> None:
    return None


_CloudFormationLoader.add_multi_constructor("!", _ignore)
