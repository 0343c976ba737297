"""An environment of its own in the shared local cloud: what assets and sensors look up by SSM, and nothing deployed."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from orchestration.resources import Cloud
from tests.cloud import Cloud as LocalCloud


@dataclass(frozen=True)
class Scratch:
    """A queue, and the names under /analytics/<environment>/ that point to it."""

    local: LocalCloud
    environment: str
    queue: str

    @property
    def resource(self) -> Cloud:
        """The resource of the code location for this environment."""
        return Cloud(environment=self.environment)

    def set(self, name: str, value: str) -> None:
        """Write the SSM parameter of that name."""
        path = f"/analytics/{self.environment}/{name}"
        self.local.client("ssm").put_parameter(Name=path, Value=value, Type="String", Overwrite=True)

    def waiting(self) -> tuple[int, int]:
        """How many messages are visible, and how many are received but not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs: Any = self.local.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def scratch(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scratch]:
    """The environment; boto3's settings point to the local cloud while the test runs."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    environment = f"test{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("ANALYTICS_ENV", environment)
    queue = cloud.client("sqs").create_queue(QueueName=environment)["QueueUrl"]
    made = Scratch(cloud, environment, queue)
    made.set("queue/url", queue)
    made.set("lake/bucket", "lake")
    yield made
    cloud.client("sqs").delete_queue(QueueUrl=queue)
