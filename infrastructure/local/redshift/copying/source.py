"""The objects of a COPY: manifest or key prefix, checked and brought here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

_CHUNK = 1 << 20


@dataclass(frozen=True)
class S3Object:
    """An object to load: bucket, key, and its size in bytes where the manifest states it."""

    bucket: str
    key: str
    size: int | None = None

    @property
    def url(self) -> str:
        """The s3:// URL."""
        return f"s3://{self.bucket}/{self.key}"


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def objects(s3: Any, source: str, *, manifest: bool) -> list[S3Object]:
    """The objects that a COPY reads.

    Raises:
        RedshiftError: The manifest is missing or wrong, a mandatory object is missing, or there is none at all.
    """
    bucket, key = split_url(source)
    if not manifest:
        found = _listed(s3, bucket, key)
        if not found:
            raise RedshiftError(INTERNAL_ERROR, f"The specified S3 prefix '{key}' does not exist")
        return found
    entries = _entries(_manifest(s3, bucket, key), source)
    present = [entry for entry, mandatory in entries if _exists(s3, entry, mandatory=mandatory)]
    if not present:
        raise RedshiftError(INTERNAL_ERROR, f"No file of the manifest {source} was found")
    return present


@contextmanager
def fetched(s3: Any, item: S3Object, folder: Path) -> Iterator[IO[bytes]]:
    """The object as an open file that vanishes afterwards."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            body = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
            for chunk in body.iter_chunks(_CHUNK):
                file.write(chunk)
        except (ClientError, BotoCoreError) as problem:
            raise s3_error(problem) from problem
        if item.size is not None and file.tell() != item.size:
            text = f"File size mismatch for {item.url}: manifest {item.size}, actual {file.tell()}"
            raise RedshiftError(INTERNAL_ERROR, text)
        file.seek(0)
        yield file


def s3_error(problem: Exception) -> RedshiftError:
    """An error of S3 in the words of Redshift."""
    if not isinstance(problem, ClientError):
        return RedshiftError(INTERNAL_ERROR, f"S3ServiceException: {type(problem).__name__}")
    error = problem.response.get("Error", {})
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"S3ServiceException:{error.get('Message', '')},Status {status},Error {error.get('Code', '')}"
    return RedshiftError(INTERNAL_ERROR, text)


def _listed(s3: Any, bucket: str, prefix: str) -> list[S3Object]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [S3Object(bucket, item["Key"]) for page in pages for item in page.get("Contents", []) if item["Size"]]
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem) from problem


def _manifest(s3: Any, bucket: str, key: str) -> Any:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem) from problem
    try:
        return json.loads(body)
    except ValueError as problem:
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file s3://{bucket}/{key}: not JSON") from problem


def _entries(document: Any, source: str) -> list[tuple[S3Object, bool]]:
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file {source}: no entries")
    return [_entry(entry, source) for entry in entries]


def _entry(entry: Any, source: str) -> tuple[S3Object, bool]:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str) or not url.startswith("s3://"):
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file {source}: an entry has no s3:// url")
    size = (entry.get("meta") or {}).get("content_length")
    if not isinstance(size, int):
        raise RedshiftError(
            INTERNAL_ERROR, f"Invalid manifest file {source}: meta.content_length is needed for PARQUET"
        )
    bucket, key = split_url(url)
    return S3Object(bucket, key, size), entry.get("mandatory") is True


def _exists(s3: Any, item: S3Object, *, mandatory: bool) -> bool:
    try:
        head = s3.head_object(Bucket=item.bucket, Key=item.key)
    except ClientError as problem:
        if problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise s3_error(problem) from problem
        if mandatory:
            text = f"Problem reading manifest file: mandatory file {item.url} does not exist"
            raise RedshiftError(
                INTERNAL_ERROR, text, f"error: S3ServiceException:NoSuchKey,Status 404 {item.url}"
            ) from problem
        return False
    if head["ContentLength"] != item.size:
        text = f"File size mismatch for {item.url}: manifest {item.size}, actual {head['ContentLength']}"
        raise RedshiftError(INTERNAL_ERROR, text)
    return True
