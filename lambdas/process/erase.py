"""Taking objects out of the versioned lake for good: a plain delete would leave every version behind."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import SettingsError

VERSIONS_A_CALL = 1000
# As lambdas.process names them: raw stem, ETag, contract hash; a slice's rows behind that, in a folder; and a digest
# where two engines differ.
DERIVED = re.compile(
    r"(?:curated|rejected)/(?P<folder>[^/]+/\d{4}/\d{2}/\d{2}/)(?P<stem>.+)_(?P<etag>[^_/]+)_[0-9a-f]{12}"
    r"(?:/\d{12}-\d{12})?(?:_[0-9a-f]{8})?\.parquet"
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object. `current` is what a reader gets; a delete marker has no content and no ETag."""

    key: str
    version_id: str
    etag: str | None
    current: bool


def list_versions(s3: Any, bucket: str, prefix: str) -> Iterator[Version]:
    """All versions and delete markers of the objects under a prefix."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Versions", ()):
            yield Version(item["Key"], item["VersionId"], item["ETag"].strip('"'), bool(item["IsLatest"]))
        for item in page.get("DeleteMarkers", ()):
            yield Version(item["Key"], item["VersionId"], None, bool(item["IsLatest"]))


def delete_versions(s3: Any, bucket: str, versions: Iterable[Version]) -> int:
    """Delete exactly these versions; how many. What is gone already counts as deleted.

    Raises:
        SettingsError: S3 does not let this function delete one.
    """
    todo = [{"Key": v.key, "VersionId": v.version_id} for v in versions]
    for start in range(0, len(todo), VERSIONS_A_CALL):
        chunk = todo[start : start + VERSIONS_A_CALL]
        reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
        for error in reply.get("Errors", ()):
            raise SettingsError(f"{error['Key']} was not deleted: {error.get('Code')} {error.get('Message')}")
    return len(todo)


@dataclass(frozen=True, slots=True)
class Derived:
    """A curated or rejected file, and the content of the raw object that it was made of."""

    key: str
    raw_key: str
    etag: str


def derived_from(key: str) -> Derived | None:
    """What that key of a curated or rejected file says; None for a file that the platform did not write."""
    found = DERIVED.fullmatch(key)
    return Derived(key, f"raw/{found['folder']}{found['stem']}.parquet", found["etag"]) if found else None
