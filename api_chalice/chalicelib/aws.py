"""AWS, as exports need it. boto3 is imported when it is first called: nothing else of the API needs it so early."""

import json
import os
from functools import cache
from typing import Any

from .errors import ApiError
from .storage import NOT_HERE


@cache
def s3() -> Any:
    """A client of S3. Links are signed in the form that every region takes."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(signature_version="s3v4", connect_timeout=3, read_timeout=10))


def start_export(name: str) -> None:
    """Run the export in the function that EXPORT_FUNCTION names, without waiting for it.

    Raises:
        ApiError: 503, there is no such function.
    """
    function = os.environ.get("EXPORT_FUNCTION")
    if not function:
        raise ApiError(503, NOT_HERE)
    import boto3

    boto3.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps({"export": name}).encode()
    )
