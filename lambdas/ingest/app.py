"""The ingest function: days of a source, or a whole one, as raw objects in the lake. Called by Dagster, or by hand.

{"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-08"}   half-open UTC days
{"source": "flights"}                                                   a source that is read whole, all its days
"""

import os
import time
from typing import Any

from lambdas.common import telemetry
from lambdas.common.contract import load_source
from lambdas.common.pipes import reporting
from lambdas.common.settings import Settings
from lambdas.common.source import load_source_config
from lambdas.ingest.land import PUTS_AT_ONCE, Lake
from lambdas.ingest.passes import Source, ingest
from lambdas.ingest.request import read_window
from lambdas.ingest.tokens import Vault

WORK_SECONDS = 240
SPARE_SECONDS = 15


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Land what the event asks for, and answer what was landed and what remains.

    Raises:
        RequestError: the event asks for something that cannot be; names what is allowed.
        SourceError, SourceUnavailable: the source did not give its rows; nothing of that pass was landed.
        ContractError, SettingsError: defs.yaml, contract or a setting is wrong.
    """
    telemetry.start("ingest", context)
    with reporting(event) as report:
        answer = _ingest(event, context, Settings.from_environment())
        report(answer)
    return answer


def _ingest(event: dict[str, Any], context: Any, settings: Settings) -> dict[str, Any]:
    import boto3
    from botocore.config import Config

    contract = load_source(event.get("source"))
    config = load_source_config(contract.name)
    window = read_window(event, config)
    variables = {**(settings.source_variables or {}), **os.environ}
    source = Source(config, contract, variables, Vault(boto3.client("secretsmanager")))
    s3 = boto3.client("s3", config=Config(max_pool_connections=PUTS_AT_ONCE))
    return ingest(source, window, Lake(s3, settings.lake_bucket), _deadline(context))


def _deadline(context: Any) -> float:
    """When to stop, as a value of time.monotonic(): before the function's own end."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    seconds = remaining() / 1000 - SPARE_SECONDS if remaining else WORK_SECONDS
    return time.monotonic() + min(WORK_SECONDS, seconds)
