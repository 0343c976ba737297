"""What the templates give the functions against what their code asks for: variables and rights.

Nothing may be missing; whatever is there beyond has its reason here.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infrastructure.deploy import settings
from tests.cloud import PROJECT
from tests.infrastructure.test_templates import Loader

CODE = {
    "Ingest": "lambdas/ingest",
    **dict.fromkeys(("Process", "Forget", "Migrate"), "lambdas/process"),
}
# the call in the code -> the action that it needs
ACTIONS = {
    "get_object": "s3:GetObject",
    "download_file": "s3:GetObject",
    "put_object": "s3:PutObject",
    "upload_fileobj": "s3:PutObject",
    "list_objects_v2": "s3:ListBucket",
    "list_object_versions": "s3:ListBucketVersions",
    "delete_objects": "s3:DeleteObjectVersion",
    "get_secret_value": "secretsmanager:GetSecretValue",
}
REASONS = {
    "logs:CreateLogStream": "Lambda itself writes the log",
    "logs:PutLogEvents": "Lambda itself writes the log",
    "sqs:ReceiveMessage": "the event source mapping takes the messages in the function's name",
    "sqs:DeleteMessage": "the event source mapping takes the messages in the function's name",
    "sqs:GetQueueAttributes": "the event source mapping takes the messages in the function's name",
    "s3:GetObjectVersion": "get_object with a VersionId",
    "s3:DeleteObject": "delete_object without a VersionId",
    "s3:DeleteObjectVersion": "delete_object or delete_objects with a VersionId",
}


def template() -> dict[str, Any]:
    return dict(yaml.load(settings.template("template.yaml"), Loader=Loader)["Resources"])


def text(part: str) -> str:
    folders = (PROJECT / CODE[part], PROJECT / "lambdas" / "common")
    return "".join(path.read_text() for folder in folders for path in sorted(folder.rglob("*.py")))


def variables(part: str) -> set[str]:
    return set(template()[f"{part}Function"]["Properties"]["Environment"]["Variables"])


def granted(part: str) -> Iterator[str]:
    for policy in template()[f"{part}Role"]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            yield from actions if isinstance(actions, list) else [actions]


@pytest.mark.parametrize("part", CODE)
def test_every_variable_that_a_function_is_given_is_read(part: str) -> None:
    code = text(part)
    assert {name for name in variables(part) if f'"{name}"' not in code} == set()


@pytest.mark.parametrize("part", CODE)
def test_every_variable_that_the_code_demands_is_given(part: str) -> None:
    demanded = set(re.findall(r'require\(\w+, "([A-Z_]+)"\)', text(part)))
    assert {"ANALYTICS_ENV", "LAKE_BUCKET"} <= demanded
    assert demanded <= variables(part)


@pytest.mark.parametrize("part", CODE)
def test_a_role_allows_what_the_code_calls_and_nothing_without_a_reason(part: str) -> None:
    code = text(part)
    called = {action for call, action in ACTIONS.items() if re.search(rf"\b{call}\b", code)}
    assert set(granted(part)) - called - set(REASONS) == set()


def test_whatever_the_code_calls_some_role_allows() -> None:
    code = "".join(text(part) for part in CODE)
    called = {action for call, action in ACTIONS.items() if re.search(rf"\b{call}\b", code)}
    assert called <= {action for part in CODE for action in granted(part)}
