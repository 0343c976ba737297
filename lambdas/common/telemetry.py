"""Structured logs: one JSON line an event, with the function's and the request's names. Never rows, never secrets."""

import logging
import os
from typing import Any


def start(service: str, context: Any = None) -> None:
    """Log as JSON from here on. `context` is the Lambda context, whose request id every line then carries."""
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    formatter = LambdaPowertoolsFormatter()
    formatter.append_keys(service=service, request_id=request_id(context))
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
