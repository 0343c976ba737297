"""The manifest of curated files, and the COPY that reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.db.sql import literal


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where the manifest of the curated files lies, and how many rows their footers promise."""

    url: str
    rows: int


def write_manifest(s3: Any, bucket: str, key: str, files: Mapping[str, int]) -> str:
    """Put a COPY manifest of curated keys with their sizes in bytes; its URL.

    `mandatory` makes a missing file an error; `content_length` is required for Parquet.
    """
    entries = [
        {"url": f"s3://{bucket}/{name}", "mandatory": True, "meta": {"content_length": size}}
        for name, size in files.items()
    ]
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"entries": entries}).encode())
    return f"s3://{bucket}/{key}"


def copy_statement(url: str, copy_role: str) -> str:
    """The COPY of the files that the manifest names."""
    role = "IAM_ROLE default" if copy_role == "default" else f"IAM_ROLE {literal(copy_role)}"
    return f"COPY staging FROM {literal(url)} {role} FORMAT AS PARQUET MANIFEST"
