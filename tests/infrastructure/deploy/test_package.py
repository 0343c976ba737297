"""The functions' zip file: its content decides its name and its bytes."""

import io
import zipfile
from typing import Any

import pytest

from infrastructure.deploy import package
from tests.cloud import Cloud


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    return cloud.parameter("artifacts/bucket")


def body(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_the_same_tree_gives_the_same_bytes(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    key = package.upload_code(s3, bucket)
    first = body(s3, bucket, key)
    s3.delete_object(Bucket=bucket, Key=key)
    assert package.upload_code(s3, bucket) == key
    assert body(s3, bucket, key) == first


def test_it_holds_code_and_declarations_and_nothing_else(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    names = zipfile.ZipFile(io.BytesIO(body(s3, bucket, package.upload_code(s3, bucket)))).namelist()
    assert {"lambdas/process/migrate.py", "assets/sources/earthquakes/contract.yaml"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"lambdas", "assets"}
    assert not [name for name in names if "__pycache__" in name or "/sample/" in name]


def test_another_content_is_another_key(cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = cloud.client("s3")
    before = package.upload_code(s3, bucket)
    monkeypatch.setattr(package, "CONTENT", ("assets",))
    assert package.upload_code(s3, bucket) != before
