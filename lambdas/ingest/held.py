"""What slices have made is held back under landing/<run>/ until the last one is made, and released as a whole.

A source that fails half-way so leaves nothing under raw/. What nobody releases the bucket's lifecycle takes away.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.common.lake import list_objects

PREFIX = "landing/"
COPIES_AT_ONCE = 16


def held_key(run: str, key: str) -> str:
    """Where a raw object of that reading is held back."""
    return f"{PREFIX}{run}/{key}"


def release(s3: Any, bucket: str, run: str, deadline: float) -> tuple[int, int]:
    """Copy what is held back for that reading to its raw keys, within S3; how many objects, and how many are left.

    Each is deleted once it is copied, so that a release that breaks off, or ends at the deadline, is finished by the
    next one. One object at the least is copied.
    """
    folder = held_key(run, "")

    def move(key: str) -> bool:
        if time.monotonic() > deadline and key != held[0]:
            return False
        raw = key.removeprefix(folder)
        s3.copy_object(Bucket=bucket, Key=raw, CopySource={"Bucket": bucket, "Key": key})
        s3.delete_object(Bucket=bucket, Key=key)
        return True

    held = [item.key for item in list_objects(s3, bucket, folder)]
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        moved = sum(pool.map(move, held))
    return moved, len(held) - moved
