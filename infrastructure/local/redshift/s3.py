"""The S3 that COPY reads from and UNLOAD writes to."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config


class S3:
    """A client, made when it is first needed.

    Args:
        endpoint: URL of the local S3, or None for boto3's default.
        folder: Where objects lie while they are read or written.
    """

    def __init__(self, endpoint: str | None, folder: Path) -> None:
        self.folder = folder
        self._endpoint = endpoint
        self._client: Any = None
        self._making = threading.Lock()

    @property
    def client(self) -> Any:
        """The boto3 client."""
        with self._making:
            if self._client is None:
                # the S3 is a local one: a proxy of the environment has no part in it
                config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 3})
                self._client = boto3.client("s3", endpoint_url=self._endpoint, config=config)
            return self._client
