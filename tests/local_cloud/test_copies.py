"""Copies on conditions, as AWS has them."""

from uuid import uuid4

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(cloud):
    s3, name = cloud.client("s3"), f"copies-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="from", Body=b"new")
    return s3, name


def copy(bucket, **condition):
    s3, name = bucket
    s3.copy_object(Bucket=name, Key="to", CopySource={"Bucket": name, "Key": "from"}, **condition)
    return s3.get_object(Bucket=name, Key="to")["Body"].read()


def test_a_copy_to_where_nothing_may_lie(bucket):
    assert copy(bucket, IfNoneMatch="*") == b"new"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        copy(bucket, IfNoneMatch="*")


def test_a_copy_over_what_must_lie_there(bucket):
    s3, name = bucket
    with pytest.raises(ClientError, match="NoSuchKey"):
        copy(bucket, IfMatch='"0123"')
    etag = s3.put_object(Bucket=name, Key="to", Body=b"old")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        copy(bucket, IfMatch='"0123"')
    assert s3.get_object(Bucket=name, Key="to")["Body"].read() == b"old"
    assert copy(bucket, IfMatch=etag) == b"new"
