"""Settings of a function, read once at its edge and passed in. Environment variables carry names, never secrets."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import SettingsError

ENVIRONMENTS = ("local", "dev", "prod")
# The one switch of an environment, an SSM parameter: `analytics pause` writes it, with who did it and when, and
# `analytics resume` takes it away.
PAUSED_PARAMETER = "paused"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function is told by its environment.

    `warehouse_secret`, `loader_secret`, `reader_secret` and `bi_secret` are ids in Secrets Manager; `copy_role` is
    what COPY names as IAM_ROLE: `default` or an ARN.
    """

    env: str
    lake_bucket: str
    warehouse_secret: str = ""
    warehouse_sslmode: str = "verify-ca"
    copy_role: str = "default"
    loader_secret: str = ""
    reader_secret: str = ""
    bi_secret: str = ""
    source_variables: Mapping[str, str] | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings in the process's environment.

        Raises:
            SettingsError: a variable is missing or not allowed; names it.
        """
        values = os.environ if environ is None else environ
        return cls(
            env=environment_name(values),
            lake_bucket=require(values, "LAKE_BUCKET"),
            warehouse_secret=values.get("WAREHOUSE_SECRET", ""),
            warehouse_sslmode=values.get("WAREHOUSE_SSLMODE", "verify-ca"),
            copy_role=values.get("COPY_ROLE", "default"),
            loader_secret=values.get("LOADER_SECRET", ""),
            reader_secret=values.get("READER_SECRET", ""),
            bi_secret=values.get("BI_SECRET", ""),
            source_variables=json.loads(values.get("SOURCE_VARIABLES") or "{}"),
        )


def environment_name(values: Mapping[str, str]) -> str:
    """ANALYTICS_ENV, one of local, dev and prod.

    Raises:
        SettingsError: it is missing or unknown.
    """
    name = require(values, "ANALYTICS_ENV")
    if name not in ENVIRONMENTS:
        raise SettingsError(f"ANALYTICS_ENV is {name!r}; allowed are {', '.join(ENVIRONMENTS)}")
    return name


def require(values: Mapping[str, str], name: str) -> str:
    """The variable's value.

    Raises:
        SettingsError: it is not set.
    """
    value = values.get(name)
    if not value:
        raise SettingsError(f"{name} is not set. On the local cloud: `. .local/env`; on AWS the template sets it.")
    return value


def read_parameter(ssm: Any, env: str, name: str) -> str:
    """The SSM parameter /analytics/<env>/<name>, through which the stacks meet.

    Raises:
        SettingsError: no such parameter; the environment is not deployed.
    """
    path = f"/analytics/{env}/{name}"
    try:
        return str(ssm.get_parameter(Name=path)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as error:
        raise SettingsError(f"SSM parameter {path} does not exist: is `{env}` deployed?") from error
