"""The objects of a COPY: manifest or key prefix, checked and brought here."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.local.redshift.copying.failures import ReaderError
from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

_CHUNK = 1 << 20
# from so many entries of a manifest on, a listing of their common prefix costs less than a question about each
_WORTH_LISTING = 20
_PAGE = 1000


@dataclass(frozen=True)
class S3Object:
    """An object to load: bucket, key, its size in bytes where the manifest states it, and whether it is a small one."""

    bucket: str
    key: str
    size: int | None = None
    small: bool = False

    @property
    def url(self) -> str:
        """The s3:// URL."""
        return f"s3://{self.bucket}/{self.key}"


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def objects(s3: Any, source: str, *, manifest: bool, sized: bool) -> list[S3Object]:
    """The objects that a COPY reads, in order; one that a manifest lists twice is there twice.

    Args:
        s3: A boto3 client.
        source: The s3:// URL of a manifest or a key prefix.
        manifest: Whether it is a manifest's.
        sized: Whether each entry of a manifest has to state its size, as columnar files demand.

    Raises:
        RedshiftError: The manifest is missing or wrong, a mandatory object is missing, or there is none at all.
    """
    bucket, key = split_url(source)
    if not manifest:
        found = _listed(s3, bucket, key)
        if not found:
            raise ReaderError(INTERNAL_ERROR, f"The specified S3 prefix '{key}' does not exist", _context(source))
        return found
    entries = _entries(_manifest(s3, source), source, sized=sized)
    sizes = _listed_sizes(s3, [entry for entry, _ in entries])
    present = [entry for entry, mandatory in entries if _exists(s3, entry, sizes.get(entry.url), mandatory=mandatory)]
    if not present:
        raise ReaderError(INTERNAL_ERROR, f"No file of the manifest {source} was found", _context(source))
    return present


def fetched(s3: Any, item: S3Object, folder: Path, given_up: threading.Event) -> IO[bytes]:
    """The object as an open file that vanishes when it is closed; cut short once the statement is given up.

    Raises:
        RedshiftError: It can not be read, or has another size than the manifest says.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - its reader closes it
    try:
        _bring(s3, item, file, given_up)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _bring(s3: Any, item: S3Object, file: IO[bytes], given_up: threading.Event) -> None:
    try:
        body = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            if given_up.is_set():
                return
            file.write(chunk)
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem, item.url) from problem
    if item.size is not None and file.tell() != item.size:
        raise _mismatch(item, file.tell())


def content(s3: Any, url: str) -> bytes:
    """The content of a small object.

    Raises:
        RedshiftError: It can not be read.
    """
    bucket, key = split_url(url)
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem, url) from problem
    return body


def s3_error(problem: Exception, url: str, before: str = "") -> RedshiftError:
    """An error of S3 in the words of Redshift (DG/copy-usage_notes-access-permissions)."""
    if not isinstance(problem, ClientError):
        return ReaderError(INTERNAL_ERROR, f"{before}S3ServiceException:{type(problem).__name__}", _context(url))
    error = problem.response.get("Error", {})
    metadata = problem.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    code, message = error.get("Code", ""), error.get("Message", "")
    if status == 403 and code == "403":  # an answer to HEAD has no body that says more
        code, message = "AccessDenied", "Access Denied"
    text = f"{before}S3ServiceException:{message},Status {status},Error {code},Rid {metadata.get('RequestId', '')}"
    return ReaderError(INTERNAL_ERROR, text, _context(url))


def _context(url: str) -> str:
    return f"error: S3ServiceException code: 8001 context: {url} location: s3_utility.cpp:672 process: padbmaster"


def _listed(s3: Any, bucket: str, prefix: str) -> list[S3Object]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [item for page in pages for item in page.get("Contents", []) if item["Size"]]
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem, f"s3://{bucket}/{prefix}") from problem
    return [S3Object(bucket, item["Key"], small=item["Size"] <= _CHUNK) for item in found]


def _listed_sizes(s3: Any, items: list[S3Object]) -> dict[str, int]:
    """The sizes of many objects by their URL, as far as listings of about as many objects tell them."""
    keys = defaultdict(set)
    for item in items:
        keys[item.bucket].add(item.key)
    found: dict[str, int] = {}
    for bucket, wanted in keys.items():
        if len(wanted) >= _WORTH_LISTING:
            # keys are no paths: what counts is what they have in common letter by letter
            prefix = os.path.commonprefix([*wanted])  # noqa: RUF071
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            try:
                for page in islice(pages, 2 + 2 * len(wanted) // _PAGE):
                    found |= {f"s3://{bucket}/{item['Key']}": item["Size"] for item in page.get("Contents", [])}
            except (ClientError, BotoCoreError):
                continue  # who may not list may still read: each object is asked for then
    return found


def _manifest(s3: Any, url: str) -> Any:
    bucket, key = split_url(url)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as problem:
        raise s3_error(problem, url, "Problem reading manifest file - ") from problem
    try:
        return json.loads(body)
    except ValueError as problem:
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file {url}: not JSON") from problem


def _entries(document: Any, source: str, *, sized: bool) -> list[tuple[S3Object, bool]]:
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file {source}: no entries")
    return [_entry(entry, source, sized=sized) for entry in entries]


def _entry(entry: Any, source: str, *, sized: bool) -> tuple[S3Object, bool]:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str) or not url.startswith("s3://"):
        raise RedshiftError(INTERNAL_ERROR, f"Invalid manifest file {source}: an entry has no s3:// url")
    meta = entry.get("meta")
    size = meta.get("content_length") if isinstance(meta, dict) else None
    if size is None and not sized:
        return S3Object(*split_url(url)), entry.get("mandatory") is True
    if not isinstance(size, int) or isinstance(size, bool):
        raise RedshiftError(
            INTERNAL_ERROR, f"Invalid manifest file {source}: meta.content_length is needed for PARQUET"
        )
    bucket, key = split_url(url)
    return S3Object(bucket, key, size, small=size <= _CHUNK), entry.get("mandatory") is True


def _exists(s3: Any, item: S3Object, size: int | None, *, mandatory: bool) -> bool:
    if size is None:
        size = _asked_size(s3, item, mandatory=mandatory)
    if size is not None and item.size not in {None, size}:
        raise _mismatch(item, size)
    return size is not None


def _asked_size(s3: Any, item: S3Object, *, mandatory: bool) -> int | None:
    """The size of one object; nothing if it is not there and need not be."""
    try:
        size: int = s3.head_object(Bucket=item.bucket, Key=item.key)["ContentLength"]
    except ClientError as problem:
        if problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise s3_error(problem, item.url) from problem
        if mandatory:
            text = f"Problem reading manifest file: mandatory file {item.url} does not exist"
            raise ReaderError(INTERNAL_ERROR, text, _context(item.url)) from problem
        return None
    return size


def _mismatch(item: S3Object, found: int) -> RedshiftError:
    text = f"File size mismatch for {item.url}: manifest {item.size}, actual {found}"
    return ReaderError(INTERNAL_ERROR, text, _context(item.url))
