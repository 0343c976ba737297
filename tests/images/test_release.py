"""Push, release and promotion between two registries, on the local cloud: the digests of DEV, or nothing."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from infrastructure.deploy.release import Release, promoted_key, read_promoted, write_current
from infrastructure.deploy.stack import DeployError
from infrastructure.images import engine, record, release
from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PARTS
from infrastructure.images.source import Source, read_source
from tests.cloud import Cloud
from tests.images.containers import Store
from tests.images.registries import Registry, registry

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ENVIRONMENTS = ("dev", "prod")


@dataclass
class World:
    """Two environments with a registry and an artifact bucket each, a store of images, and a checkout."""

    session: Any
    registries: dict[str, Registry]
    store: Store
    checkout: Path
    state: Path

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.checkout), "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, text: str) -> Source:
        """A commit with a file of this text; its source."""
        (self.checkout / "file").write_text(text)
        self.git("add", "file")
        self.git("commit", "-q", "-m", text)
        return read_source(self.checkout)

    def build(self, source: Source, text: str) -> None:
        """Small images under the names that `build` gives; their content is the text."""
        tree = self.store.folder / "tree"
        tree.mkdir(exist_ok=True)
        for part in PARTS:
            (tree / "content").write_text(f"{part.name} {text}")
            self.store.commit_tree(tree, engine.local_name(part, source), "/content", {})

    def bucket(self, env: str) -> str:
        return f"artifacts-{env}-{hashlib.sha256(str(self.checkout).encode()).hexdigest()[:12]}"

    def object(self, env: str, key: str) -> bytes:
        body: bytes = self.session.client("s3").get_object(Bucket=self.bucket(env), Key=key)["Body"].read()
        return body

    def tags(self, env: str, part: str) -> list[str]:
        return sorted(json.loads(self.registries[env].get(f"analytics/{part}/tags/list").data)["tags"])

    def manifest(self, env: str, part: str, reference: str) -> Any:
        answer = self.registries[env].get(f"analytics/{part}/manifests/{reference}")
        return answer.headers["Docker-Content-Digest"], json.loads(answer.data)


@pytest.fixture
def world(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in cloud.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    session = boto3.Session()
    token = session.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    store = Store(tmp_path / "store")
    for name, value in store.settings.items():
        monkeypatch.setenv(name, value)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    with registry(tmp_path / "dev", token) as dev, registry(tmp_path / "prod", token) as prod:
        made = World(session, {"dev": dev, "prod": prod}, store, checkout, tmp_path / "state")
        made.git("init", "-q", "-b", "dev")
        said = []
        for env, where in made.registries.items():
            session.client("s3").create_bucket(Bucket=made.bucket(env))
            values = {f"images/{part.name}/repository": f"{where.host}/analytics/{part.name}" for part in PARTS}
            for name, value in {**values, "artifacts/bucket": made.bucket(env)}.items():
                said.append(f"/analytics/{env}/{name}")
                session.client("ssm").put_parameter(Name=said[-1], Value=value, Type="String", Overwrite=True)
        yield made
        session.client("ssm").delete_parameters(Names=said)


def deployed(world: World, source: Source) -> Release:
    """What a deploy to DEV leaves when its smoke test was content: a package, and its record."""
    images = {"ProcessImageUri": record.pushed(world.state, "dev", source).images["process"]}
    artifacts = {"ApiKey": "api/of-it.zip", **images}
    done = Release({"data": "a template"}, artifacts, source.commit, source.tree, {"of": "dev"})
    world.session.client("s3").put_object(Bucket=world.bucket("dev"), Key="api/of-it.zip", Body=b"zip")
    write_current(world.session.client("s3"), world.bucket("dev"), done)
    return done


def released(world: World, source: Source) -> record.Record:
    """Push, deploy and release a source."""
    world.build(source, source.commit)
    pushed = release.push(world.session, "dev", source, world.state)
    deployed(world, source)
    release.release(world.session, "dev", source, world.state)
    return pushed


def test_prod_gets_the_digests_that_dev_has_run_for_the_same_tree_under_another_commit(world: World) -> None:
    source = world.commit("first")
    pushed = released(world, source)
    # a merge into main is a commit of its own with the same tree
    world.git("commit", "-q", "--allow-empty", "-m", "merge of dev into main")
    merged = read_source(world.checkout)
    assert merged.commit != source.commit
    promoted = release.promote(world.session, "prod", merged, world.state)
    for part in PARTS:
        digest = pushed.images[part.name].partition("@")[2]
        assert promoted.images[part.name] == f"{world.registries['prod'].host}/analytics/{part.name}@{digest}"
        there = world.manifest("prod", part.name, f"promoted-{source.commit}")
        assert there == world.manifest("dev", part.name, f"commit-{source.commit}")
        assert there[0] == digest
        # Lambda takes an image; an index of several manifests it refuses
        assert there[1]["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
        assert world.tags("dev", part.name) == [f"commit-{source.commit}", f"promoted-{source.commit}"]
        assert world.tags("prod", part.name) == [f"promoted-{source.commit}"]
    running = f"releases/{deployed(world, source).id}.json"
    for key in ("api/of-it.zip", running):
        bodies = [world.object(env, key) for env in ENVIRONMENTS]
        assert bodies[0] == bodies[1]
    assert record.pushed(world.state, "prod", merged) == promoted
    assert (promoted.commit, promoted.objects) == (source.commit, ("api/of-it.zip", running))
    # what the deploy that follows takes: nothing is made for it
    key = promoted_key(world.state, "prod")
    assert key == running
    images = {"ProcessImageUri": promoted.images["process"]}
    taken = read_promoted(world.session.client("s3"), world.bucket("prod"), key, images)
    own = {"ApiKey": "api/of-it.zip", **images}
    assert taken == replace(deployed(world, source), artifacts=own, parameters={})
    other = {"ProcessImageUri": promoted.images["api"]}
    with pytest.raises(DeployError, match="not what has run"):
        read_promoted(world.session.client("s3"), world.bucket("prod"), key, other)
    # again: nothing to do, nothing said otherwise; and DEV's bucket may be named
    assert release.promote(world.session, "prod", merged, world.state, releases=world.bucket("dev")) == promoted


def test_what_dev_has_not_run_green_is_refused_and_nothing_is_copied(world: World) -> None:
    released(world, world.commit("first"))
    hotfix = world.commit("a change on main that dev does not have")
    with pytest.raises(ImagesError, match="DEV has not run this tree green"):
        release.promote(world.session, "prod", hotfix, world.state)
    world.build(hotfix, "hotfix")
    release.push(world.session, "dev", hotfix, world.state)
    with pytest.raises(ImagesError, match="DEV has not run this tree green"):
        release.promote(world.session, "prod", hotfix, world.state)
    assert world.registries["prod"].get("analytics/api/tags/list").status == 404


def test_a_commit_is_built_once_and_a_changed_checkout_is_not_pushed(world: World) -> None:
    source = world.commit("first")
    world.build(source, "built at first")
    first = release.push(world.session, "dev", source, world.state)
    world.build(source, "built again, with other content")
    assert release.push(world.session, "dev", source, world.state) == first
    (world.checkout / "file").write_text("changed")
    changed = read_source(world.checkout)
    for refused in (release.push, release.promote):
        with pytest.raises(ImagesError, match="changes that no commit holds"):
            refused(world.session, "dev", changed, world.state)


def test_only_what_was_pushed_from_this_source_and_runs_in_dev_is_released(world: World) -> None:
    def refused(source: Source, why: str) -> None:
        with pytest.raises(ImagesError, match=why):
            release.release(world.session, "dev", source, world.state)

    first = world.commit("first")
    refused(first, "make push ENV=dev")
    world.build(first, "first")
    release.push(world.session, "dev", first, world.state)
    refused(first, "dev runs nothing that its smoke test liked")
    deployed(world, first)
    second = world.commit("second")
    refused(second, "other files")
    world.build(second, "second")
    release.push(world.session, "dev", second, world.state)
    refused(second, f"dev runs commit {first.commit}, not this checkout")


def test_the_login_is_in_no_argument_and_no_output_and_gone_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = world.session.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    ran, run = [], engine.run

    def watched(command: list[str], environ: dict[str, str] | None = None) -> None:
        ran.append((command, dict(environ or {})))
        run(command, environ)

    monkeypatch.setattr(engine, "run", watched)
    source = world.commit("first")
    released(world, source)
    release.promote(world.session, "prod", source, world.state)
    assert len(ran) == 3 * len(PARTS)
    for command, environ in ran:
        assert token not in " ".join(command)
        assert token not in str(environ)
        assert not Path(environ["REGISTRY_AUTH_FILE"]).exists()
    said = capfd.readouterr()
    assert token not in said.out + said.err
    assert all(where.get("", login=False).status == 401 for where in world.registries.values())
