"""What slices have made is held back under landing/<run>/ until the last one is made, and released as a whole.

A source that fails half-way so leaves nothing under raw/. What nobody releases the bucket's lifecycle takes away.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.common.lake import list_objects

PREFIX = "landing/"
COPIES_AT_ONCE = 16


def held_key(run: str, key: str) -> str:
    """Where a raw object of that reading is held back."""
    return f"{PREFIX}{run}/{key}"


def release(s3: Any, bucket: str, run: str) -> int:
    """Copy all that is held back for that reading to its raw keys, within S3; how many objects.

    Each is deleted once it is copied, so that a release that breaks off is finished by the next one.
    """
    folder = held_key(run, "")

    def move(key: str) -> None:
        raw = key.removeprefix(folder)
        s3.copy_object(Bucket=bucket, Key=raw, CopySource={"Bucket": bucket, "Key": key})
        s3.delete_object(Bucket=bucket, Key=key)

    held = [item.key for item in list_objects(s3, bucket, folder)]
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        return len(list(pool.map(move, held)))
