"""Failed functions answer as AWS has it."""

import io
import json
import zipfile
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

CODE = """
import time

class Refused(ValueError):
    def __str__(self):
        return "no: " + super().__str__()

def handler(event, context):
    if event == "sleep":
        time.sleep(9)
    if event == "again":
        return {"said": context.aws_request_id}
    refuse(f"{event} in {context.aws_request_id}")

def refuse(event):
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise Refused(event) from error
"""


@pytest.fixture(scope="module")
def function(cloud) -> Iterator[str]:
    packed, name, client = io.BytesIO(), f"failing-{uuid4().hex}", cloud.client("lambda")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", CODE)
    client.create_function(
        FunctionName=name, Runtime="python3.12", Handler="app.handler", Code={"ZipFile": packed.getvalue()},
        Role="arn:aws:iam::000000000000:role/any", Timeout=1,
    )  # fmt: skip
    yield name
    client.delete_function(FunctionName=name)


def test_exception_is_told_with_class_message_request_and_stack(cloud, function):
    reply = cloud.client("lambda").invoke(FunctionName=function, Payload=b'"x\\n\\u00fc"')
    answer = json.loads(reply["Payload"].read())
    assert reply["FunctionError"] == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("Refused", f"no: x\nü in {answer['requestId']}")
    assert UUID(answer["requestId"])
    assert [frame.split(" in ")[1].split("\n")[0] for frame in answer["stackTrace"]] == ["handler", "refuse"]


def test_end_by_time_and_success_are_not_taken_for_the_failure_before(cloud, function):
    client = cloud.client("lambda")
    client.invoke(FunctionName=function, Payload=b'"x"')
    said = client.invoke(FunctionName=function, Payload=b'"again"')
    assert "FunctionError" not in said
    assert json.loads(said["Payload"].read())["said"]
    ended = json.loads(client.invoke(FunctionName=function, Payload=b'"sleep"')["Payload"].read())
    assert ended["errorType"] == "Sandbox.Timedout"
