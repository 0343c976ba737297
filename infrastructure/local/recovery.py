"""After an unclean stop of MiniStack: notifications that were lost with it are sent again.

Its objects survive on disk, its queues fall back to the last checkpoint. S3 promises delivery at least once, so every
object that is newer than that checkpoint is announced again to the queues that its bucket is configured for.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from infrastructure.local.parts import REGION
from infrastructure.local.seed import client
from infrastructure.local.state import State, read_json

# listings carry whole seconds
MARGIN = timedelta(seconds=2)
Configuration = Mapping[str, Any]


def lost_since(state: State) -> datetime | None:
    """When the last checkpoint before an unclean stop began; None after a clean stop or before the first start."""
    record = read_json(state.root / "ministack" / "state" / "checkpoint.json")
    if not record or record["clean"]:
        return None
    return datetime.fromtimestamp(record["began"], UTC) - MARGIN


def announce_again(port: int, since: datetime) -> int:
    """Send ObjectCreated for every object modified at or after `since`; returns how many messages were sent."""
    s3, sqs = client("s3", port), client("sqs", port)
    sent = 0
    for bucket in s3.list_buckets()["Buckets"]:
        settings = s3.get_bucket_notification_configuration(Bucket=bucket["Name"])
        for configuration in settings.get("QueueConfigurations", []):
            sent += _announce(s3, sqs, bucket["Name"], configuration, since)
    return sent


def _announce(s3: Any, sqs: Any, bucket: str, configuration: Configuration, since: datetime) -> int:
    queue = sqs.get_queue_url(QueueName=configuration["QueueArn"].rsplit(":", 1)[1])["QueueUrl"]
    sent = 0
    for item in _new_objects(s3, bucket, configuration, since):
        record = _record(bucket, item, configuration["Id"])
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [record]}))
        sent += 1
    return sent


def _new_objects(s3: Any, bucket: str, configuration: Configuration, since: datetime) -> Iterator[Mapping[str, Any]]:
    if not any(event.startswith("s3:ObjectCreated:") for event in configuration["Events"]):
        return
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    wanted = {rule["Name"].lower(): rule["Value"] for rule in rules}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=wanted.get("prefix", ""))
    for page in pages:
        for item in page.get("Contents", []):
            if item["LastModified"] >= since and item["Key"].endswith(wanted.get("suffix", "")):
                yield item


def _record(bucket: str, item: Mapping[str, Any], configuration: str) -> dict[str, Any]:
    etag = item["ETag"].strip('"')
    described = {"key": quote_plus(item["Key"], safe="/"), "size": item["Size"], "eTag": etag}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": item["LastModified"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": described,
        },
    }
