"""An environment of its own in the shared local cloud: what assets and sensors look up by SSM, and nothing deployed."""

import datetime as dt
import io
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable

from orchestration.resources import Cloud
from tests.cloud import Cloud as LocalCloud

FILES = ("__init__.py", *(f"common/{name}.py" for name in ("__init__", "errors", "pipes", "remaining")))
ROOT = Path(__file__).resolve().parents[2]


class Running(Cloud):
    """An environment in which nothing is paused, for what asks AWS of nothing else."""

    def parameters(self, *names: str) -> dict[str, str]:
        """None of them exists."""
        return {}


RUNNING = {"cloud": Running(environment="tests")}


def set_back(instance: dg.DagsterInstance, run_id: str, moment: dt.datetime) -> None:
    """The run carries that aware moment as its last change, as one that was stored later than it was stamped."""
    changed = RunsTable.update().where(RunsTable.c.run_id == run_id)
    storage: Any = instance.run_storage
    with storage.connect() as connection:
        connection.execute(changed.values(update_timestamp=moment.astimezone(dt.UTC).replace(tzinfo=None)))


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

    def remove(self, name: str) -> None:
        """Take the SSM parameter of that name away."""
        self.local.client("ssm").delete_parameter(Name=f"/analytics/{self.environment}/{name}")

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


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Dagster whose databases are made: to make them takes a second, to copy them next to nothing."""
    home = tmp_path_factory.mktemp("dagster")
    with dg.instance_for_test(temp_dir=str(home)) as made:
        made.all_instigator_state()
    return home


@pytest.fixture
def instance(made_home: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance of one's own, on SQLite."""
    home = shutil.copytree(made_home, tmp_path / "dagster")
    with dg.instance_for_test(temp_dir=str(home)) as made:
        yield made


@pytest.fixture(scope="session")
def code() -> bytes:
    """The scratch functions' code as a zip."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.write(Path(__file__).with_name("function.py"), "function.py")
        for file in FILES:
            content.write(ROOT / "lambdas" / file, f"lambdas/{file}")
    return archive.getvalue()


@pytest.fixture
def functions(scratch: Scratch, code: bytes) -> Iterator[Callable[[str], None]]:
    """Deploys a function that behaves as the mode says under both names; once more, with another mode from then on."""
    client = scratch.local.client("lambda")
    made: list[str] = []

    def deploy(mode: str) -> None:
        variables = {"Variables": {"MODE": mode, "QUEUE": scratch.queue}}
        if made:
            client.update_function_configuration(FunctionName=scratch.environment, Environment=variables)
            return
        made.append(mode)
        client.create_function(
            FunctionName=scratch.environment,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/scratch",
            Handler="function.handler",
            Code={"ZipFile": code},
            Timeout=30,
            Environment=variables,
        )
        for name in ("ingest", "process"):
            scratch.set(f"functions/{name}", scratch.environment)

    yield deploy
    client.delete_function(FunctionName=scratch.environment)
