"""All images, built as `make images` builds them on a base that stands in for the real one, and what runs in them."""

import json
import queue
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infrastructure.images import engine
from infrastructure.images.parts import PARTS, Part
from infrastructure.images.source import Source
from tests.cloud import Cloud
from tests.images.base import ENTRY, ENVIRONMENT, make_base
from tests.images.containers import Store
from tests.images.runtime import FunctionError, Runtime, runtime
from tests.images.wheels import download_wheels

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

BASE = "localhost/base"
SOURCE = Source("c" * 40, "t" * 40, clean=True, repository="https://git.example/team/lake")
# Lambda runs a function as a user of its own
USER = "993:990"
DAY, NEXT = "2018-01-31", "2018-02-01"
Told = Callable[[str, object], None]


@dataclass
class Images:
    """The built images in a store, and the bytes that each adds to its base."""

    store: Store

    def build(self, part: Part) -> None:
        """Build an image as `make images` does, on the stand-in."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.store.settings, part.variable: BASE}.items():
                patch.setenv(name, value)
            engine.build("buildah", part, SOURCE)

    def name(self, part: str) -> str:
        (found,) = (one for one in PARTS if one.name == part)
        return engine.local_name(found, SOURCE)

    def config(self, part: str) -> dict[str, Any]:
        """What an image says of itself: its configuration, and the digests of its layers."""
        found = json.loads(self.store.buildah("inspect", "--type", "image", self.name(part)))["Docker"]
        return {**found["config"], "layers": found["rootfs"]["diff_ids"]}

    def size(self, part: str) -> str:
        """How large an image is, unpacked, and how much of that is the base."""
        sizes = [
            json.loads(self.store.buildah("images", "--json", name))[0]["size"] for name in (self.name(part), BASE)
        ]
        return f"{sizes[0]}, {sizes[1]} of that the base"

    @contextmanager
    def container(self, part: str) -> Iterator[str]:
        container = self.store.buildah("from", "--pull-never", self.name(part))
        try:
            yield container
        finally:
            self.store.buildah("rm", container)

    @contextmanager
    def running(self, part: str, environ: dict[str, str]) -> Iterator[Runtime]:
        """A function started as Lambda starts it, with the command of its image."""
        with self.container(part) as container, runtime() as api:
            variables = {**environ, "AWS_LAMBDA_RUNTIME_API": api.address}
            command = ["buildah", "run", "--user", USER, *env_options(variables), container, "--", ENTRY]
            command += self.config(part)["Cmd"]
            log = self.store.folder / f"{part}.log"
            with log.open("wb") as out:
                api.began = time.monotonic()
                process = subprocess.Popen(command, env=self.store.environ, stdout=out, stderr=out)
            try:
                yield api
            except queue.Empty:
                pytest.fail(f"{part} says nothing: {log.read_text()[-3000:]}")
            finally:
                api.events.put(None)
                process.wait(60)


def env_options(environ: dict[str, str]) -> list[str]:
    return [word for name, value in environ.items() for word in ("--env", f"{name}={value}")]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    folder = tmp_path_factory.mktemp("images")
    store = Store(folder / "store", {"/wheels": download_wheels()})
    try:
        make_base(folder / "base")
        # the Dockerfiles' own pip, and the hashes of the pins; only where it gets a wheel from is another place
        from_wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        store.commit_tree(folder / "base", BASE, ENTRY, {**ENVIRONMENT, **from_wheels})
        built = Images(store)
        for part in PARTS:
            built.build(part)
        yield built
    finally:
        store.remove()
        shutil.rmtree(folder)
        assert str(folder) not in Path("/proc/self/mountinfo").read_text()


def told_by_template(cloud: Cloud, part: str) -> dict[str, str]:
    """The variables of a deployed function, and those by which the local cloud is found."""
    found = cloud.client("lambda").get_function_configuration(FunctionName=f"analytics-local-{part}")
    aws = {name: value for name, value in cloud.env.items() if name.startswith("AWS_")}
    return {**aws, **found["Environment"]["Variables"], "NO_PROXY": cloud.env["NO_PROXY"]}


def tell(told: Told, images: Images, part: str, seconds: float, what: str) -> None:
    told("told", f"image {part}: {images.size(part)}; {what} in {seconds:.2f} s")


@pytest.mark.parametrize("part", ["ingest", "process"])
@pytest.mark.usefixtures("deployed")
def test_a_function_starts_from_its_image_and_tells_its_errors(
    images: Images, part: str, cloud: Cloud, record_property: Told
) -> None:
    with images.running(part, told_by_template(cloud, part)) as function:
        assert function.invoke({"action": "ping"}) == {"function": part}
        with pytest.raises(FunctionError, match="nobody"):
            function.invoke({"action": "nobody", "source": "nobody"})
        tell(record_property, images, part, function.ready - function.began, "imported")


def test_the_api_starts_from_its_image(
    images: Images, cloud: Cloud, deployed: dict[str, str], record_property: Told
) -> None:
    with images.running("api", told_by_template(cloud, "api")) as function:
        answer = function.invoke(request("/v1/health"))
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok"})
        tell(record_property, images, "api", function.ready - function.began, "imported")


def request(path: str, resource: str = "", *, query: dict[str, str] | None = None, **names: str) -> dict[str, object]:
    """What API Gateway hands to the function for a GET."""
    return {
        "requestContext": {
            "resourcePath": resource or path,
            "httpMethod": "GET",
            "path": path,
            "requestId": "of-a-test",
        },
        "httpMethod": "GET",
        "path": path,
        "headers": {},
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
        "pathParameters": names or None,
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
    }


def test_a_day_goes_through_the_images_from_its_source_to_an_answer(
    images: Images, cloud: Cloud, deployed: dict[str, str]
) -> None:
    day = {"source": "earthquakes", "start": DAY, "end": NEXT}
    with images.running("ingest", told_by_template(cloud, "ingest")) as ingest:
        landed = ingest.invoke(day)
    with images.running("process", told_by_template(cloud, "process")) as process:
        loaded = process.invoke({"action": "load", **day})
    with images.running("api", told_by_template(cloud, "api")) as api:
        resource = "/v1/datasets/{dataset}/records"
        path, days = resource.format(dataset="earthquakes"), {"from": DAY, "to": NEXT, "limit": "1000"}
        answer = api.invoke(request(path, resource, query=days, dataset="earthquakes"))
    assert answer["statusCode"] == 200, answer
    body = json.loads(answer["body"])
    assert landed["rows"] == 198
    assert (loaded["rows_in"], loaded["rows_accepted"] + loaded["rows_rejected"]) == (198, 198)
    assert len(body["data"]) == loaded["rows_accepted"]
    assert body["meta"]["coverage"]["days_loaded"] == 1


def test_dagster_loads_its_definitions_from_its_image(images: Images, record_property: Told) -> None:
    with images.container("dagster") as container:
        began = time.monotonic()
        # the instance of the image's own settings is a database's, which only the stack brings
        run = [
            "run",
            "--env",
            "DAGSTER_HOME=/tmp",
            container,
            "--",
            "dagster",
            "definitions",
            "validate",
            "-m",
            "orchestration.definitions",
        ]
        assert "Validation successful" in images.store.buildah(*run)
        tell(record_property, images, "dagster", time.monotonic() - began, "its definitions loaded")


def test_dagsters_links_lead_to_the_commit_of_its_image(images: Images) -> None:
    assert f"FILES_URL={SOURCE.files_url}" in images.config("dagster")["Env"]


def test_the_same_source_makes_the_same_layers(images: Images) -> None:
    before = images.config("api")["layers"]
    (part,) = (one for one in PARTS if one.name == "api")
    images.build(part)
    assert images.config("api")["layers"] == before
