"""Structured logs and metrics, one JSON line an event. Never rows, never secrets.

Metrics are written in CloudWatch's embedded format: what a function prints so becomes a metric of the namespace
Analytics/<environment>, by source and for the whole function. docs/runbooks.md says what is made of them.
"""

import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

# every metric that the code writes, with its unit
METRICS = {
    "RowsExtracted": "Count",
    "IngestSeconds": "Seconds",
    "RowsIn": "Count",
    "RowsAccepted": "Count",
    "RowsRejected": "Count",
    "RowsSuperseded": "Count",
    "RejectedPercent": "Percent",
    "ObjectsSetAside": "Count",
    "ValidateSeconds": "Seconds",
    "CommitSeconds": "Seconds",
    "RefreshSeconds": "Seconds",
    "DataAge": "Seconds",
    "ApiLatency": "Milliseconds",
    "ApiErrors": "Count",
}


def start(service: str, context: Any = None, event: Mapping[str, Any] | None = None) -> None:
    """Log as JSON from here on.

    Args:
        service: the function's name, which every line carries.
        context: the Lambda context, whose request id every line carries.
        event: what the function is asked; every line carries its source and, as run_id, who asked for it.
    """
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    asked = {name: (event or {}).get(key) for name, key in (("source", "source"), ("run_id", "requested_by"))}
    formatter = LambdaPowertoolsFormatter()
    formatter.append_keys(
        service=service, request_id=request_id(context), **{name: value for name, value in asked.items() if value}
    )
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(formatter)
    root.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    logging.getLogger("botocore").setLevel("WARNING")


def request_id(context: Any) -> str:
    """The Lambda request id; empty outside Lambda."""
    return str(getattr(context, "aws_request_id", ""))


def measure(function: str, values: Mapping[str, float | None], **dimensions: str) -> None:
    """Write metrics: once for the whole function, and once by these dimensions, of which a source is one.

    Args:
        function: ingest, process or api.
        values: by name, one of METRICS; None where there is nothing to say.
        dimensions: few and with few values: each pair is a metric of its own, and is paid for.
    """
    found = {name: value for name, value in values.items() if value is not None}
    if not found:
        return
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    provider = AmazonCloudWatchEMFProvider(namespace=f"Analytics/{os.environ.get('ANALYTICS_ENV', 'local')}")
    provider.add_dimension("Function", function)
    if dimensions:
        provider.add_dimensions(**dimensions)
    for name, value in found.items():
        provider.add_metric(name, METRICS[name], value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        provider.flush_metrics()
