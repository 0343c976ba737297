"""Copies within the local S3 heed the conditions of their target, as AWS does: If-Match and If-None-Match.

MiniStack heeds them of a put, and passes over them of a copy.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from typing import Any

from ministack.services import s3

_copy = s3._copy_object


def heed_conditions() -> None:
    """Have this process's MiniStack look at them."""
    s3._copy_object = _copy_over


def _copy_over(bucket_name: str, key: str, headers: dict[str, str]) -> Any:
    bucket = s3._ensure_bucket(bucket_name) or {}
    return s3._check_put_preconditions(headers, bucket.get("objects", {}).get(key)) or _copy(bucket_name, key, headers)
