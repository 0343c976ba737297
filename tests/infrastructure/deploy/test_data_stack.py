"""The data stack, deployed: what S3 announces, where it goes, and what is given up."""

import json
from typing import Any

import pytest

from infrastructure.deploy.target import Target


def parameter(target: Target, path: str) -> str:
    found = target.session.client("ssm").get_parameter(Name=target.ssm(path))
    return str(found["Parameter"]["Value"])


def keys(messages: list[dict[str, Any]]) -> list[str]:
    bodies = [json.loads(message["Body"]) for message in messages]
    return [record["s3"]["object"]["key"] for body in bodies for record in body.get("Records", [])]


def receive(target: Target, queue: str) -> list[dict[str, Any]]:
    answer = target.session.client("sqs").receive_message(
        QueueUrl=parameter(target, queue), MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


@pytest.fixture
def put(spare: Target) -> Any:
    s3, bucket = spare.session.client("s3"), parameter(spare, "lake/bucket")
    spare.session.client("sqs").purge_queue(QueueUrl=parameter(spare, "queue/url"))
    return lambda key, body=b"x": s3.put_object(Bucket=bucket, Key=key, Body=body)


def test_whatever_lies_under_raw_is_announced_and_nothing_else(spare: Target, put: Any) -> None:
    put("raw/some/2018/02/01/notes.txt")
    put("curated/some/2018/02/01/data_1.parquet")
    put("landing/some/2018/02/01/data_1.parquet")
    put("raw/some/2018/02/01/data_1.parquet")
    found = {f"raw/some/2018/02/01/{name}" for name in ("notes.txt", "data_1.parquet")}
    assert set(keys(receive(spare, "queue/url"))) == found


def test_a_message_that_is_never_done_reaches_the_dead_letter_queue(spare: Target, put: Any) -> None:
    put("raw/some/2018/02/02/data_1.parquet")
    for _ in range(10):
        assert keys(receive(spare, "queue/url"))
    assert not receive(spare, "queue/url")
    assert "raw/some/2018/02/02/data_1.parquet" in keys(receive(spare, "dlq/url"))


def test_the_queue_admits_our_buckets_only(spare: Target) -> None:
    attributes = spare.session.client("sqs").get_queue_attributes(
        QueueUrl=parameter(spare, "queue/url"), AttributeNames=["All"]
    )["Attributes"]
    (statement,) = [one for one in json.loads(attributes["Policy"])["Statement"] if one["Effect"] == "Allow"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:s3:::analytics-spare-data-*"}
    assert attributes["SqsManagedSseEnabled"] == "true"


@pytest.mark.parametrize("queue", ["queue", "dlq"])
def test_the_queues_refuse_plain_connections(spare: Target, queue: str) -> None:
    attributes = spare.session.client("sqs").get_queue_attributes(
        QueueUrl=parameter(spare, f"{queue}/url"), AttributeNames=["All"]
    )["Attributes"]
    (denied,) = [one for one in json.loads(attributes["Policy"])["Statement"] if one["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Action"], denied["Resource"]) == ("*", "sqs:*", attributes["QueueArn"])
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_overwritten_object_can_be_brought_back(spare: Target, put: Any) -> None:
    put("raw/some/2018/02/03/data_1.parquet", b"first")
    put("raw/some/2018/02/03/data_1.parquet", b"second")
    versions = spare.session.client("s3").list_object_versions(
        Bucket=parameter(spare, "lake/bucket"), Prefix="raw/some/2018/02/03/"
    )["Versions"]
    assert len(versions) == 2


def test_the_bucket_refuses_plain_connections_and_the_public(spare: Target) -> None:
    s3, bucket = spare.session.client("s3"), parameter(spare, "lake/bucket")
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
