"""The functions' code as one zip file that depends on its content only, named by it and uploaded once."""

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
CONTENT = ("lambdas", "assets")
LEFT_OUT = {"__pycache__", "sample", "Dockerfile", ".DS_Store"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def code_key() -> str:
    """Where the zip of this tree lies in an artifact bucket, once it is uploaded."""
    return f"code/{_digest(list(_files()))}.zip"


def upload_code(s3: Any, bucket: str) -> str:
    """Put the zip of this tree into the bucket unless it is there; returns its key."""
    files = list(_files())
    key = f"code/{_digest(files)}.zip"
    if is_present(s3, bucket, key):
        return key
    body = _zip(files)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    logger.info("code: %d files, %.0f kB, as %s", len(files), len(body) / 1000, key)
    return key


def _files() -> Iterator[tuple[str, bytes]]:
    for folder in CONTENT:
        for path in sorted((PROJECT / folder).rglob("*")):
            relative = path.relative_to(PROJECT)
            if path.is_file() and not LEFT_OUT & set(relative.parts):
                yield relative.as_posix(), path.read_bytes()


def _digest(files: list[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in files:
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()[:24]


def _zip(files: list[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            # Lambda runs as a user of its own: readable by all
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def is_present(s3: Any, bucket: str, key: str) -> bool:
    """Whether an object is in a bucket."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
