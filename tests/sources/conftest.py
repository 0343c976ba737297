"""A pipeline for one test, on the local cloud."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cloud import Cloud
from tests.ingest.conftest import api
from tests.sources.pipeline import Pipeline

__all__ = ["api"]


@pytest.fixture
def pipeline(cloud: Cloud, tmp_path: Path) -> Pipeline:
    """A bucket with nothing in it."""
    s3, bucket = cloud.client("s3"), f"sources-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    return Pipeline(s3, cloud.client("secretsmanager"), bucket, tmp_path)
