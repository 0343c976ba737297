"""The one switch of an environment: while it is paused, nothing asks for a landing, a load or a proof by itself.

The switch is the SSM parameter /analytics/<env>/paused, which Dagster's sensors and schedules read at every tick; where
the queue feeds the process function itself, its event source mapping is stopped as well. Messages wait in the queue.
"""

import argparse
import datetime as dt
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lambdas.common.errors import SettingsError
from lambdas.common.settings import PAUSED_PARAMETER, environment_name, read_parameter
from scripts.functions import HINT


def pause(options: argparse.Namespace) -> bool:
    """Write who paused the environment, since when and why."""
    text = f"by {getpass.getuser()} since {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    text += f": {options.reason}" if options.reason else ""
    with _aws() as (env, client):
        client("ssm").put_parameter(Name=_path(env), Value=text, Type="String", Overwrite=True)
        _set_mapping(env, client, enabled=False)
    print(f"{env} is paused {text}. Runs that have begun go on; messages wait in the queue for 14 days.")
    return True


def resume(_options: argparse.Namespace) -> bool:
    """Take the switch away; what waited is loaded, and the next proof finds what is missing."""
    with _aws() as (env, client):
        client("ssm").delete_parameters(Names=[_path(env)])
        if read_parameter(client("ssm"), env, "trigger-mode") == "lambda":
            _set_mapping(env, client, enabled=True)
    print(f"{env} is not paused")
    return True


def find_pause() -> str | None:
    """Who paused the environment, since when and why; None where nobody did."""
    with _aws() as (env, client):
        found = client("ssm").get_parameters(Names=[_path(env)])["Parameters"]
    return str(found[0]["Value"]) if found else None


def _path(env: str) -> str:
    return f"/analytics/{env}/{PAUSED_PARAMETER}"


def _set_mapping(env: str, client: Any, *, enabled: bool) -> None:
    process = read_parameter(client("ssm"), env, "functions/process")
    functions = client("lambda")
    for mapping in functions.list_event_source_mappings(FunctionName=process)["EventSourceMappings"]:
        if (mapping["State"] in ("Enabled", "Enabling")) != enabled:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)


@contextmanager
def _aws() -> Iterator[tuple[str, Any]]:
    """The environment's name, and a maker of clients; AWS's refusals become errors that say what to set.

    Raises:
        SettingsError: AWS does not answer, or refuses.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield environment_name(os.environ), boto3.client
    except (BotoCoreError, ClientError) as error:
        raise SettingsError(f"AWS does not answer: {str(error).rstrip('.')}. {HINT}") from error
