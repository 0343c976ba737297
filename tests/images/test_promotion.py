"""From a commit to PROD through the make targets of the workflows: what DEV has run, and that alone, runs beside it.

Images are small stand-ins with digests of their own: what is in real ones is test_built_images' matter. Their functions
are called (`functions`), the API is the real package, and both environments are whole: all stacks, as far as the local
cloud holds them.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure.images import engine
from infrastructure.images.parts import PARTS
from infrastructure.images.source import read_source
from tests.aws import running
from tests.cloud import PROJECT, Cloud
from tests.images.containers import Store
from tests.images.functions import HANDLERS, Functions, serving
from tests.images.registries import Registry, registry
from tests.infrastructure.holdable import holdable, with_local_redshift

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ENVIRONMENTS = ("dev", "prod")
KEPT_OUT = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", "vendor")


@dataclass
class Site:
    """A checkout, a cloud with two environments, a registry for each, and a store of built images."""

    tree: Path
    cloud: Cloud
    registries: dict[str, Registry]
    store: Store

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.tree), "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def make(self, *words: str, code: int = 0) -> str:
        """Run a make target in the checkout as a workflow does; what it said."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
        aws = {name: value for name, value in self.cloud.env.items() if name.startswith(("AWS_", "NO_P", "no_p"))}
        done = subprocess.run(
            ["make", *words, "-o", "setup"],
            cwd=self.tree,
            env=kept | aws | self.store.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == bool(code), done.stdout
        return done.stdout

    def build(self) -> None:
        """Stands in for `make images`: an image for each part under the names that it gives."""
        content = self.store.folder / "tree"
        content.mkdir(exist_ok=True)
        for part in PARTS:
            (content / "content").write_text(f"{part.name} of {self.git('rev-parse', 'HEAD')}")
            self.store.commit_tree(content, engine.local_name(part, read_source(self.tree)), "/content", {})

    def digest(self, env: str, part: str, tag: str) -> str:
        answer = self.registries[env].get(f"analytics/{part}/manifests/{tag}")
        return str(answer.headers["Docker-Content-Digest"])

    def image(self, function: str) -> str:
        found = self.cloud.client("lambda").get_function(FunctionName=f"analytics-{function}")
        return str(found["Code"]["ImageUri"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("promotion")
    tree, state = folder / "tree", folder / "state"
    shutil.copytree(PROJECT, tree, ignore=KEPT_OUT)
    (tree / ".venv").symlink_to(PROJECT / ".venv")
    with serving(Functions(tree, Cloud(state))) as address:
        names = [f"analytics-{env}-{part}" for env in ENVIRONMENTS for part in HANDLERS]
        proxies = {f"MINISTACK_LAMBDA_PROXY_{name}": address for name in names}
        with running(state, proxies, sslmode="verify-ca") as cloud:
            token = cloud.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
            with registry(folder / "dev", token) as dev, registry(folder / "prod", token) as prod:
                made = Site(tree, cloud, {"dev": dev, "prod": prod}, Store(folder / "store"))
                prepare(made)
                yield made


def prepare(site: Site) -> None:
    """What is there before the first commit: templates that the local cloud holds, and what bootstrap makes."""
    infrastructure = site.tree / "infrastructure"
    warehouse, dagster = (holdable(infrastructure / f"{part}.yaml")[0] for part in ("warehouse", "dagster"))
    (infrastructure / "warehouse.yaml").write_text(with_local_redshift(warehouse, site.cloud))
    (infrastructure / "dagster.yaml").write_text(dagster)
    site.git("init", "-q", "-b", "dev")
    site.git("add", "-A")
    site.git("commit", "-q", "-m", "a change")
    for env, where in site.registries.items():
        bucket = f"analytics-{env}-bootstrap-artifacts"
        site.cloud.client("s3").create_bucket(Bucket=bucket)
        values = {f"images/{part.name}/repository": f"{where.host}/analytics/{part.name}" for part in PARTS}
        for name, value in {**values, "artifacts/bucket": bucket}.items():
            name = f"/analytics/{env}/{name}"
            site.cloud.client("ssm").put_parameter(Name=name, Value=value, Type="String")


def running_images(site: Site, env: str) -> dict[str, str]:
    """The image of each function that is one, and of Dagster's task."""
    found = {part: site.image(f"{env}-{part}") for part in HANDLERS}
    ecs = site.cloud.client("ecs")
    task = ecs.describe_task_definition(taskDefinition=f"analytics-{env}-dagster")["taskDefinition"]
    (image,) = {one["image"] for one in task["containerDefinitions"]}
    return {**found, "dagster": image}


def test_dev_gets_the_images_of_a_commit(site: Site) -> None:
    site.build()
    site.make("push", "ENV=dev")
    assert re.search(r"release [0-9a-f]{16}: deployed", site.make("deploy", "ENV=dev"))
    assert "smoke test passed" in site.make("smoke", "ENV=dev")
    commit = site.git("rev-parse", "HEAD")
    for part, image in running_images(site, "dev").items():
        repository = "process" if part in ("forget", "migrate") else part
        digest = site.digest("dev", repository, f"commit-{commit}")
        assert image == f"{site.registries['dev'].host}/analytics/{repository}@{digest}"


def test_what_has_no_record_of_dev_is_refused_and_prod_stays_empty(site: Site) -> None:
    assert "DEV has not run this tree green" in site.make("promote", "ENV=prod", code=1)
    assert site.cloud.client("s3").list_objects_v2(Bucket="analytics-prod-bootstrap-artifacts")["KeyCount"] == 0


def test_prod_runs_the_digests_that_dev_has_run(site: Site) -> None:
    site.make("release", "ENV=dev")
    before = running_images(site, "dev")
    # the merge into main is a commit of its own with the same tree, in a checkout that has built nothing
    site.git("checkout", "-q", "-b", "main")
    site.git("commit", "-q", "--allow-empty", "-m", "merge of dev into main")
    shutil.rmtree(site.tree / ".local")
    site.make("promote", "ENV=prod")
    assert re.search(r"release [0-9a-f]{16}: deployed", site.make("deploy", "ENV=prod"))
    assert "smoke test passed" in site.make("smoke", "ENV=prod")
    after = running_images(site, "prod")
    assert {part: image.partition("@")[2] for part, image in after.items()} == {
        part: image.partition("@")[2] for part, image in before.items()
    }
    assert all(image.startswith(site.registries["prod"].host) for image in after.values())
    assert running_images(site, "dev") == before
    assert "nothing changed" in site.make("deploy", "ENV=prod")


def test_a_change_on_main_alone_does_not_reach_prod(site: Site) -> None:
    before = running_images(site, "prod")
    (site.tree / "README.md").write_text("a hotfix\n")
    site.git("commit", "-q", "-am", "a hotfix on main")
    assert "DEV has not run this tree green" in site.make("promote", "ENV=prod", code=1)
    said = site.make("deploy", "ENV=prod", code=1)
    assert "not of this checkout" in said
    assert running_images(site, "prod") == before
