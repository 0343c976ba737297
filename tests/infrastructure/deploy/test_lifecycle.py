"""The life of an environment on a cloud of its own, through the make targets that the workflows call, in their order.

Each test goes on from the one before it: that is what is tried.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infrastructure.deploy.release import Release
from infrastructure.deploy.smoke import _get
from infrastructure.images import record
from tests.cloud import PROJECT, Cloud, running

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

KEPT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor")
BROKEN = 'raise RuntimeError("planted")\n'


@dataclass(frozen=True)
class Site:
    """A copy of the tree and a cloud that it is deployed to."""

    tree: Path
    cloud: Cloud

    def make(self, *words: str, code: int = 0) -> str:
        """Run a make target in the copy, demand its exit code, return what it said."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
        done = subprocess.run(
            ["make", *words, "-o", "setup", f"ARGS=--state '{self.cloud.root}'"],
            cwd=self.tree,
            env=env | self.cloud.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == bool(code), done.stdout
        return done.stdout

    def release(self, env: str) -> Any:
        """The record of what an environment runs; None before the first deploy."""
        bucket = self.cloud.client("ssm").get_parameter(Name=f"/analytics/{env}/artifacts/bucket")["Parameter"]["Value"]
        listed = self.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="releases/current")
        if not listed.get("Contents"):
            return None
        return json.loads(self.cloud.client("s3").get_object(Bucket=bucket, Key="releases/current.json")["Body"].read())

    def state(self, env: str) -> dict[str, str]:
        """The newest event of each of an environment's stacks, and what its functions run."""
        stacks, found = self.cloud.client("cloudformation"), {}
        for name in (f"analytics-{env}-{part}" for part in ("data", "functions", "api")):
            found[name] = stacks.describe_stack_events(StackName=name)["StackEvents"][0]["EventId"]
        return found | self.functions(env)

    def functions(self, env: str) -> dict[str, str]:
        """The code and the memory of each function."""
        listed = self.cloud.client("lambda").list_functions()["Functions"]
        ours = [one for one in listed if one["FunctionName"].startswith(f"analytics-{env}-")]
        return {one["FunctionName"]: f"{one['CodeSha256']} {one['MemorySize']}" for one in ours}

    def stacks(self, env: str) -> set[str]:
        """The stacks of an environment that stand."""
        listed = self.cloud.client("cloudformation").describe_stacks()["Stacks"]
        ours = {one["StackName"] for one in listed if one["StackStatus"] != "DELETE_COMPLETE"}
        return {name for name in ours if name.startswith(f"analytics-{env}-")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tree = tmp_path_factory.mktemp("deploys") / "tree"
    shutil.copytree(PROJECT, tree, ignore=KEPT_OUT)
    (tree / ".venv").symlink_to(PROJECT / ".venv")
    with running(tree.parent / "state") as cloud:
        yield Site(tree, cloud)


def test_the_first_deploy_is_recorded(site: Site) -> None:
    assert site.release("local") is None
    assert "Add" in site.make("plan")
    assert not site.stacks("local"), "a plan leaves nothing behind"
    said = site.make("deploy", "ENV=local")
    assert "smoke test passed" in said
    assert re.search(r"release [0-9a-f]{16}: deployed", said)
    assert site.release("local")["artifacts"]["CodeKey"].startswith("code/")


def test_a_deploy_without_a_change_says_so_and_touches_nothing(site: Site) -> None:
    before, record = site.state("local"), site.release("local")
    assert "local: nothing would change" in site.make("plan")
    assert re.search(r"release [0-9a-f]{16}: nothing changed", site.make("deploy", "ENV=local"))
    assert (site.state("local"), site.release("local")) == (before, record)


def test_an_update_of_one_function_touches_it_alone(site: Site) -> None:
    parameters = site.tree / "infrastructure" / "parameters-dev.json"
    text = parameters.read_text()
    assert '"IngestMemory": "1024"' in text
    parameters.write_text(text.replace('"IngestMemory": "1024"', '"IngestMemory": "1536"'))
    before = site.functions("local")
    rows = [line.split() for line in site.make("plan").splitlines() if line.startswith("analytics-")]
    assert [row[:3] for row in rows] == [["analytics-local-functions", "Modify", "IngestFunction"]]
    site.make("deploy", "ENV=local")
    after = site.functions("local")
    assert {name for name in after if after[name] != before[name]} == {"analytics-local-ingest"}


def test_an_update_that_does_not_start_is_noticed_and_undone_while_the_api_answers(site: Site) -> None:
    before, record = site.functions("local"), site.release("local")
    handler = site.tree / "lambdas" / "ingest" / "app.py"
    text = handler.read_text()
    handler.write_text(text + BROKEN)
    with Visitor(site.cloud.env) as visitor:
        said = site.make("deploy", "ENV=local", code=1)
    handler.write_text(text)
    assert "the smoke test of local failed: analytics-local-ingest: " in said
    assert re.search(r"release [0-9a-f]{16} \(.*\) was put back and works", said), said
    assert visitor.answers
    assert set(visitor.answers) == {200}
    assert (site.functions("local"), site.release("local")) == (before, record)
    assert "smoke test passed" in site.make("smoke", "ENV=local")


class Visitor:
    """Asks the API again and again; `answers` are the statuses that it got."""

    def __init__(self, env: dict[str, str]) -> None:
        self.answers: list[int] = []
        self._env = env
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Visitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.5):
            self.answers.append(_get(f"{self._env['API_URL']}/v1/datasets", self._env["API_KEY"])[0])


def test_what_runs_here_is_promoted_to_an_environment_beside_it(site: Site) -> None:
    bootstrap(site.cloud, "dev")
    before = site.state("local")
    promote(site.cloud, site.release("local"))
    said = site.make("deploy", "ENV=dev")
    assert "smoke test passed" in said
    ours, theirs = site.release("local"), site.release("dev")
    assert theirs["templates"] == ours["templates"]
    assert [theirs["artifacts"][name] for name in ("CodeKey", "ApiKey")] == [
        ours["artifacts"][name] for name in ("CodeKey", "ApiKey")
    ]
    assert theirs["parameters"]["LakeBucket"] == "/analytics/dev/lake/bucket"
    assert site.state("local") == before, "the first environment is left alone"


def bootstrap(cloud: Cloud, env: str) -> None:
    """What the stacks bootstrap and warehouse give an environment; the warehouse is that of `local`."""
    s3, ssm = cloud.client("s3"), cloud.client("ssm")
    bucket = f"analytics-{env}-artifacts-000000000000-us-east-1"
    s3.create_bucket(Bucket=bucket)
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/analytics/local/warehouse", Recursive=True)
    values = {one["Name"].replace("local", env): one["Value"] for page in pages for one in page["Parameters"]}
    for name, value in {**values, f"/analytics/{env}/artifacts/bucket": bucket}.items():
        ssm.put_parameter(Name=name, Value=value, Type="String")


def promote(cloud: Cloud, running: Any) -> None:
    """What `make promote` leaves in `dev` of the release that runs in `local`, which has no images.

    Images between two registries: tests/images/test_release.py.
    """
    name = f"releases/{Release(**running).id}.json"
    objects = (*(running["artifacts"][artifact] for artifact in ("CodeKey", "ApiKey")), name)
    buckets = [f"analytics-{env}-artifacts-000000000000-us-east-1" for env in ("local", "dev")]
    for key in objects:
        cloud.client("s3").copy_object(Bucket=buckets[1], Key=key, CopySource={"Bucket": buckets[0], "Key": key})
    record.keep(cloud.root, "dev", record.Record(running["commit"], running["tree"], {}, objects))


def test_an_environment_is_destroyed_its_data_stays_and_it_can_be_had_again(site: Site) -> None:
    s3 = site.cloud.client("s3")
    bucket = site.cloud.client("ssm").get_parameter(Name="/analytics/dev/lake/bucket")["Parameter"]["Value"]
    s3.put_object(Bucket=bucket, Key="raw/some/2018/02/01/data_1.parquet", Body=b"kept")
    before = site.state("local")
    said = site.make("destroy", "ENV=dev")
    assert bucket in said
    assert not site.stacks("dev")
    assert site.release("dev") is None
    assert s3.get_object(Bucket=bucket, Key="raw/some/2018/02/01/data_1.parquet")["Body"].read() == b"kept"
    assert site.state("local") == before
    assert "nothing is deployed" in site.make("destroy", "ENV=dev")
    assert "smoke test passed" in site.make("deploy", "ENV=dev")


def test_prod_is_not_destroyed(site: Site) -> None:
    assert "prod is not destroyed by this program" in site.make("destroy", "ENV=prod", code=1)
