"""A pipeline for one test, on the local cloud: as far as the files, and once more into the tables."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cloud import Cloud
from tests.ingest.conftest import api
from tests.process.source import read_warehouse
from tests.sources.pipeline import Pipeline
from tests.sources.tables import TablesPipeline

__all__ = ["api"]


@pytest.fixture(params=["files", pytest.param("tables", marks=pytest.mark.long)])
def pipeline(request: pytest.FixtureRequest, cloud: Cloud, tmp_path: Path) -> Pipeline:
    """A bucket with nothing in it."""
    s3, bucket = cloud.client("s3"), f"sources-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    secrets = cloud.client("secretsmanager")
    if request.param == "files":
        return Pipeline(s3, secrets, bucket, tmp_path)
    request.getfixturevalue("deployed")
    return TablesPipeline(s3, secrets, bucket, tmp_path, cloud, read_warehouse(cloud))
