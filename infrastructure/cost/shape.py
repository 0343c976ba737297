"""What of an environment costs something by being there: counted in the templates and read from its parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from infrastructure.deploy.settings import INFRASTRUCTURE, parameters

TEMPLATES = ("data.yaml", "warehouse.yaml", "template.yaml", "deploy/api-additions.yaml", "dagster.yaml")
# conditions of the warehouse's network, by the parameter Egress
EGRESS = {"WithNat": ("nat",), "WithEndpoints": ("endpoints",), "WithoutNat": ("endpoints", "none")}


class _Loader(yaml.SafeLoader):
    """Reads over CloudFormation's short forms: nothing that is counted stands in one."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


@dataclass(frozen=True)
class Shape:
    """What an environment is made of, and the parameters that its stacks get."""

    env: str
    resources: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, str]

    def count(self, kind: str) -> int:
        """How many resources of a type are made."""
        return len(list(self.made(kind)))

    def made(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """The resources of a type whose condition holds."""
        for one in self.resources:
            allowed = EGRESS.get(one.get("Condition", ""))
            if one.get("Type") == kind and (allowed is None or self.parameters["Egress"] in allowed):
                yield one

    def number(self, name: str) -> float:
        """A parameter as a number."""
        return float(self.parameters[name])

    @property
    def endpoints(self) -> float:
        """Interface endpoints, one for each zone that they stand in."""
        found = [
            one for one in self.made("AWS::EC2::VPCEndpoint") if one["Properties"]["VpcEndpointType"] == "Interface"
        ]
        return len(found) * self.number("EndpointZones")


def read_shape(env: str) -> Shape:
    """The shape of dev or prod, from the files of this tree."""
    texts = [(INFRASTRUCTURE / name).read_text(encoding="utf-8") for name in TEMPLATES]
    found = [yaml.load(text, Loader=_Loader) for text in texts]  # noqa: S506 - derived from the safe loader
    defaults = {
        name: str(one["Default"])
        for template in found
        for name, one in template["Parameters"].items()
        if "Default" in one
    }
    resources = tuple(one for template in found for one in template["Resources"].values())
    return Shape(env, resources, {**defaults, **parameters(env)})


def read_run() -> tuple[float, float]:
    """Processors and GB of the task of one run of Dagster."""
    text = (INFRASTRUCTURE.parent / "orchestration" / "aws" / "dagster.yaml").read_text(encoding="utf-8")
    wanted = yaml.safe_load(text)["run_launcher"]["config"]["run_resources"]
    return int(wanted["cpu"]) / 1024, int(wanted["memory"]) / 1024
