"""Files of an HTTP server or of S3 to disk: as a whole, or not at all, and no longer than the time allows."""

from pathlib import Path
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.job import Job
from lambdas.ingest.rest import CONNECT_SECONDS, PASSING, session

CHUNK = 1 << 20
# S3's own reader waits for the whole of a chunk, so that the time is looked at the more seldom the larger it is
S3_CHUNK = 1 << 16
# what S3 answers below 500 and takes back soon
BUSY_CODES = frozenset({"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"})


def download_http(job: Job, address: str, path: Path) -> None:
    """Write what the address answers into the path.

    Raises:
        SourceError: the server refuses, for good.
        SourceUnavailable: it did not answer, broke off each time, or was still sending when the time was up.
    """
    _download_http(session(job), job, address, path, job.options.attempts)


def _download_http(client: Any, job: Job, address: str, path: Path, attempts: int) -> None:
    """Where the connection ends before the file does, it is asked for anew."""
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError, ProtocolError

    try:
        with client.get(address, stream=True) as response, path.open("wb") as file:
            status = response.status_code
            if not response.ok:
                kind = SourceUnavailable if status >= 500 or status in PASSING else SourceError
                raise kind(f"filesystem: GET {address} answered {status}")
            # what has come, be it one byte: of a server that drips, a whole chunk would be waited for for hours
            while chunk := response.raw.read1(CHUNK, decode_content=True):
                file.write(chunk)
                job.require_time(f"{file.tell():,} bytes of {path.name}")
    except (RequestException, HTTPError) as error:
        if isinstance(error, ProtocolError) and attempts > 1:
            return _download_http(client, job, address, path, attempts - 1)
        raise SourceUnavailable(f"filesystem: GET {address}: {type(error).__name__}: {error}") from error


def s3_client(job: Job) -> Any:
    """A client of S3 that tries and waits as often and as long as the source's options say."""
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": max(1, int(job.options.attempts))}
    return boto3.client(
        "s3", config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=job.options.timeout, retries=retries)
    )


def download_s3(s3: Any, job: Job, bucket: str, key: str, path: Path) -> None:
    """Write the object into the path.

    Raises:
        SourceUnavailable: S3 was still sending when the time was up.
        botocore's errors: `s3_error` says what they mean.
    """
    _download_s3(s3, job, {"Bucket": bucket, "Key": key}, path, int(job.options.attempts))


def _download_s3(s3: Any, job: Job, place: dict[str, str], path: Path, attempts: int) -> None:
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    try:
        with path.open("wb") as file:
            for chunk in s3.get_object(**place)["Body"].iter_chunks(S3_CHUNK):
                file.write(chunk)
                job.require_time(f"{file.tell():,} bytes of {place['Key']}")
    except (HTTPClientError, IncompleteReadError):
        if attempts <= 1:
            raise
        _download_s3(s3, job, place, path, attempts - 1)


def s3_error(error: Any, url: str) -> SourceError | SourceUnavailable:
    """What an error of botocore means: one that passes, as an outage or a lost connection, or one that stays."""
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import FlexibleChecksumError, HTTPClientError, IncompleteReadError

    answer = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    busy = status >= 500 or status in PASSING or answer.get("Error", {}).get("Code") in BUSY_CODES
    lost = isinstance(error, NotConnected | HTTPClientError | IncompleteReadError | FlexibleChecksumError)
    return (SourceUnavailable if busy or lost else SourceError)(f"filesystem: {url}: {error}")
