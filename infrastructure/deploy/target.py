"""Where a deploy goes, and what has to be there before it begins."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.deploy.release import Release
from infrastructure.deploy.settings import NETWORK, needed
from infrastructure.deploy.stack import DeployError, describe

logger = logging.getLogger(__name__)

USERS = ("admin", "loader", "reader", "bi")
WAREHOUSE = ("host", "port", "database", "sslmode", "copy-role", *(f"secret-{user}" for user in USERS))
ARTIFACTS = "artifacts/bucket"
FUNCTION_IMAGES = ("IngestImageUri", "ProcessImageUri")
# the process function's four at once, ingest, and the API, which a new account's quota of 10 leaves no room for
LEAST_CONCURRENCY = 20
# longer than any function's timeout; a second attempt would run a second invocation
INVOKE = Config(read_timeout=330, connect_timeout=10, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Target:
    """Where a deploy goes: a session, the environment's name, the parameters of its stacks."""

    session: boto3.Session
    env: str
    parameters: Mapping[str, str]

    def name(self, part: str) -> str:
        """The name of a stack or a function of this environment."""
        return f"analytics-{self.env}-{part}"

    def ssm(self, path: str) -> str:
        """The name of an SSM parameter of this environment."""
        return f"/analytics/{self.env}/{path}"

    def parameter(self, path: str) -> str:
        """The value of an SSM parameter of this environment."""
        return str(self.session.client("ssm").get_parameter(Name=self.ssm(path))["Parameter"]["Value"])

    @property
    def network(self) -> dict[str, str]:
        """The functions' subnets and security group, as given, else as the warehouse's stack made them."""
        given = {name: self.parameters[name] for name in NETWORK if self.parameters.get(name)}
        names = {self.ssm("network/subnets"): NETWORK[0], self.ssm("network/functions-security-group"): NETWORK[1]}
        found = self.session.client("ssm").get_parameters(Names=list(names))["Parameters"]
        return given or {names[one["Name"]]: one["Value"] for one in found}

    @property
    def watched(self) -> dict[str, str]:
        """The warehouse that alarms watch, where its stack says which it is."""
        names = {self.ssm("warehouse/workgroup"): "WarehouseWorkgroup"}
        names |= {self.ssm("warehouse/namespace"): "WarehouseNamespace"}
        found = self.session.client("ssm").get_parameters(Names=list(names))["Parameters"]
        return {names[one["Name"]]: one["Value"] for one in found}

    @cached_property
    def role(self) -> str:
        """The role as which CloudFormation works here; empty where bootstrap made none: then the caller's rights."""
        found = self.session.client("ssm").get_parameters(Names=[self.ssm("deploy/cloudformation-role")])
        return str(found["Parameters"][0]["Value"]) if found["Parameters"] else ""


def owns_warehouse(target: Target, release: Release) -> bool:
    """Whether the release's own stack is the warehouse: not where one stands that another program made."""
    if "warehouse" not in release.templates:
        return False
    if describe(target.session.client("cloudformation"), target.name("warehouse")) is not None:
        return True
    names = [target.ssm("warehouse/host")]
    return not target.session.client("ssm").get_parameters(Names=names)["Parameters"]


def require(target: Target, release: Release) -> None:
    """Make sure of all that a deploy takes and does not make, before anything is touched.

    Raises:
        DeployError: something is missing; all of it is named.
    """
    missing = _missing_values(target, release)
    try:
        missing += _missing_parts(target, release)
    except (BotoCoreError, ClientError) as error:
        missing.append(f"credentials that may look at {target.env} ({error})")
    if missing:
        raise DeployError(f"{target.env} lacks what a deploy needs, nothing was touched: {', '.join(missing)}")


def _missing_values(target: Target, release: Release) -> list[str]:
    """What only the caller can give."""
    missing = []
    if not release.artifacts.get("CodeKey"):
        missing += [f"--set {name}=<image by digest>" for name in FUNCTION_IMAGES if not release.artifacts.get(name)]
    network = [name for name in NETWORK if not target.parameters.get(name)]
    missing += [f"--set {name}=..." for name in network if len(network) == 1]
    wanted = {name for part in ("data", "functions") for name in needed(release.templates[part])}
    return missing + [f"--set {name}=..." for name in sorted(wanted - set(target.parameters))]


def _missing_parts(target: Target, release: Release) -> list[str]:
    """What bootstrap, another stack or AWS itself gives."""
    target.session.client("sts").get_caller_identity()
    names = [target.ssm(ARTIFACTS)]
    if not owns_warehouse(target, release):
        names += [target.ssm(f"warehouse/{name}") for name in WAREHOUSE]
    found = target.session.client("ssm").get_parameters(Names=names)
    missing = [f"{name} in SSM" for name in sorted(found["InvalidParameters"])]
    limit = _concurrency(target)
    if limit is not None and limit < LEAST_CONCURRENCY:
        missing.append(f"a Lambda quota of {LEAST_CONCURRENCY} concurrent executions or more (it is {limit})")
    return missing


def _concurrency(target: Target) -> int | None:
    """How many functions may run at once in this account; None where the caller may not know."""
    try:
        found = target.session.client("lambda").get_account_settings()
    except ClientError:
        return None
    return int(found["AccountLimit"]["ConcurrentExecutions"])
