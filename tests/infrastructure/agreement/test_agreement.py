"""What the templates tell the code, against what the code asks for: variables and time. Rights: test_calls.

Nothing may be missing; whatever is there beyond has its reason here.
"""

import json
import re
from dataclasses import fields
from functools import cache
from typing import Any

import pytest

from api_chalice.chalicelib.warehouse import EXPORT_LIMITS, LIMITS
from infrastructure.deploy.target import INVOKE
from lambdas.common.deadline import WORK_SECONDS
from lambdas.common.settings import Settings
from orchestration.resources import READ_TIMEOUT_SECONDS
from tests.cloud import PROJECT
from tests.infrastructure.test_dagster_stack import containers
from tests.infrastructure.test_stacks import parts

# what runs, and where its code lies beside lambdas/common
CODE = {
    "Ingest": ("lambdas/ingest",),
    **dict.fromkeys(("Process", "Forget", "Migrate"), ("lambdas/process",)),
    **dict.fromkeys(("Api", "Export"), ("api_chalice/app.py", "api_chalice/chalicelib")),
    "Dagster": ("orchestration",),
}
READ = re.compile(
    r'(?:environ|values)(?:\.get\(|\[)"([A-Z_]+)"|require\(\w+, "([A-Z_]+)"\)|env: ([A-Z_]+)|EnvVar\("(\w+)"'
)
OF_OTHERS = {
    "AWS_DEFAULT_REGION": "read by boto3",
    "DAGSTER_CURRENT_IMAGE": "read by Dagster's ECS launcher: what runs are made of",
}
NOT_GIVEN = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "Lambda gives it",
    "API_AUTHORIZER": "read when the API is packaged: what guards it stands in its template",
    "FILES_URL": "an argument of the Dagster image's build gives it",
}
# the settings that every function reads as they are
ALWAYS = {"ANALYTICS_ENV", "LOG_LEVEL"}


@cache
def text(*places: str) -> str:
    found = [PROJECT / place for place in places]
    files = [file for one in found for file in ([one] if one.is_file() else sorted(one.rglob("*")))]
    return "".join(file.read_text() for file in files if file.suffix in (".py", ".yaml") and "vendor" not in file.parts)


def read(part: str) -> set[str]:
    """The variables that the code of a part reads."""
    matches = READ.findall(text(*CODE[part], "lambdas/common"))
    return {name for found in matches for name in found if name}


def given(part: str) -> set[str]:
    """The variables that a template gives a part."""
    if part == "Dagster":
        found = [one for task in parts("dagster", "AWS::ECS::TaskDefinition") for one in containers(task)]
        return {entry["Name"] for one in found for entry in one["Environment"] + one["Secrets"]}
    if part in ("Api", "Export"):
        name = {"Api": "APIHandler", "Export": "Export"}[part]
        return set(parts("deploy/api-additions")[name]["Properties"]["Environment"]["Variables"])
    return set(parts("template")[f"{part}Function"]["Properties"]["Environment"]["Variables"])


@pytest.mark.parametrize("part", CODE)
def test_every_variable_that_is_given_is_read(part: str) -> None:
    assert given(part) - read(part) - set(OF_OTHERS) == set()


@pytest.mark.parametrize("part", ["Ingest", "Process", "Forget", "Migrate"])
def test_a_function_is_told_no_setting_that_its_own_code_does_not_use(part: str) -> None:
    settings = {field.name.upper(): field.name for field in fields(Settings)}
    own = text(*CODE[part])
    told = (given(part) - ALWAYS) & set(settings)
    assert {
        name for name in told if f"settings.{settings[name]}" not in own and f").{settings[name]}" not in own
    } == set()


@pytest.mark.parametrize("part", CODE)
def test_every_variable_that_the_code_demands_is_given(part: str) -> None:
    # the functions' settings are read in common; the API has its own
    places = (*CODE[part], "lambdas/common") if CODE[part][0].startswith("lambdas") else CODE[part]
    demanded = set(re.findall(r'require\(\w+, "([A-Z_]+)"\)', text(*places)))
    assert demanded | {"ANALYTICS_ENV"} <= given(part)


def test_every_variable_that_some_code_reads_somebody_is_given() -> None:
    every = set[str]().union(*(read(part) for part in CODE))
    assert every - set[str]().union(*(given(part) for part in CODE)) == set(NOT_GIVEN)


def limits() -> dict[str, int]:
    """The time that Lambda gives each function, in seconds."""
    found = {name: one["Properties"]["Timeout"] for name, one in parts("template", "AWS::Lambda::Function").items()}
    chalice: Any = json.loads((PROJECT / "api_chalice/.chalice/config.json").read_text())
    export = chalice["lambda_functions"]["export"]["lambda_timeout"]
    return {**found, "Api": chalice["lambda_timeout"], "Export": export}


def test_a_function_ends_by_itself_before_lambda_ends_it_and_who_calls_it_waits_longer() -> None:
    found = limits()
    longest = max(limit for name, limit in found.items() if name.endswith("Function"))
    assert all(limit > WORK_SECONDS for name, limit in found.items() if name.endswith("Function"))
    assert longest < min(READ_TIMEOUT_SECONDS, INVOKE.read_timeout)
    # the gateway gives up after 29 s
    assert LIMITS.statement < LIMITS.socket < found["Api"] <= 29
    assert EXPORT_LIMITS.statement < EXPORT_LIMITS.socket < found["Export"]
