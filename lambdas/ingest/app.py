"""The ingest function: days of a source, or a whole one, as raw objects in the lake. Called by Dagster, or by hand.

{"source": "earthquakes", "start": "2018-01-31", "end": "2018-02-08"}   half-open UTC days
{"source": "flights"}                                                   a source that is read whole, all its days
{"source": "flights", "file": "samples/uploads/...", "format": "csv"}   one file beside what the source brings
{"action": "days", "source": "flights", "start": "2013-01-01", "end": "2013-02-01"}   what lies under raw/ of each day
With "dry_run": true everything is fetched and counted, and nothing is put. A "slice", and what a dry run has "filled",
is what `remaining` of the answer before said.
"""

import os
import time
from typing import Any

from lambdas.common import telemetry
from lambdas.common.contract import load_source
from lambdas.common.deadline import deadline
from lambdas.common.pipes import reporting
from lambdas.common.settings import Settings
from lambdas.common.source import load_source_config
from lambdas.ingest.counts import count_days
from lambdas.ingest.extract import Source
from lambdas.ingest.land import PUTS_AT_ONCE
from lambdas.ingest.naming import Lake
from lambdas.ingest.passes import ingest, ingest_file
from lambdas.ingest.request import read_days, read_window
from lambdas.ingest.slices import read_filled, read_slice
from lambdas.ingest.tokens import Vault

# For what is under way when the time to work is over.
SPARE_SECONDS = 15


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Land what the event asks for, and answer what was landed and what remains.

    Raises:
        RequestError: the event asks for something that cannot be; names what is allowed.
        SourceError, SourceUnavailable: the source did not give its rows; nothing of that pass was landed.
        ContractError, SettingsError: defs.yaml, contract or a setting is wrong.
    """
    telemetry.start("ingest", context, event)
    if event.get("action") == "ping":
        return {"function": "ingest"}
    if event.get("action") == "days":
        return _count_days(event, context, Settings.from_environment())
    with reporting(event) as report:
        began = time.monotonic()
        answer = _ingest(event, context, Settings.from_environment())
        spent = {"RowsExtracted": answer["rows"], "IngestSeconds": time.monotonic() - began}
        telemetry.measure("ingest", spent, Source=answer["source"])
        report(answer)
    return answer


def _count_days(event: dict[str, Any], context: Any, settings: Settings) -> dict[str, Any]:
    contract, window = load_source(event.get("source")), read_days(event)
    return count_days(contract.name, window, _lake(settings, event), deadline(context, SPARE_SECONDS))


def _lake(settings: Settings, event: dict[str, Any]) -> Lake:
    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", config=Config(max_pool_connections=PUTS_AT_ONCE))
    return Lake(s3, settings.lake_bucket, event.get("dry_run") is True, read_filled(event))


def _ingest(event: dict[str, Any], context: Any, settings: Settings) -> dict[str, Any]:
    import boto3

    contract = load_source(event.get("source"))
    config = load_source_config(contract.name)
    variables = {**(settings.source_variables or {}), **os.environ}
    source = Source(config, contract, variables, Vault(boto3.client("secretsmanager")))
    lake, limit = _lake(settings, event), deadline(context, SPARE_SECONDS)
    part = read_slice(event)
    if "file" in event:
        return ingest_file(source, str(event["file"]), str(event.get("format")), lake, limit, part)
    return ingest(source, read_window(event, config), lake, limit, part)
