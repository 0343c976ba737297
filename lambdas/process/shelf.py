"""Files under curated/ and rejected/: a name always means the same bytes."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TAKEN = ("PreconditionFailed", "412")


class Shelf:
    """Where a bucket's derived files are put."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put(self, key: str | None, path: Path, metadata: Mapping[str, str] | None = None) -> tuple[str | None, int]:
        """Put the file, which is gone afterwards; the name under which it lies in the lake, and its size.

        Where other bytes have the name, which an older version of the engine left, the file's own digest is added to
        it. Without a key nothing is put.
        """
        try:
            if key is None:
                return None, 0
            if not self._is_put(key, path, metadata or {}):
                key = key.replace(".parquet", f"_{_digest(path)[:8]}.parquet")
                self._is_put(key, path, metadata or {})
            return key, path.stat().st_size
        finally:
            path.unlink(missing_ok=True)

    def _is_put(self, key: str, path: Path, metadata: Mapping[str, str]) -> bool:
        """Put the file under a name that is free; whether these bytes lie there now."""
        try:
            with path.open("rb") as body:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*", Metadata=metadata)
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in TAKEN:
                raise
            return bool(self._s3.head_object(Bucket=self._bucket, Key=key)["ETag"].strip('"') == _digest(path))
        return True


def _digest(path: Path) -> str:
    """The file's MD5 in hexadecimal digits, which S3 shows as the ETag of an object put in one piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
