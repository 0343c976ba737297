"""What an environment does in its life, once each, by the ways that people and AWS go: what its roles are for."""

import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from infrastructure.deploy import settings
from infrastructure.deploy.stack import deploy_stack, outputs
from tests.cloud import PROJECT, Cloud, run
from tests.infrastructure.agreement.court import Court
from tests.infrastructure.holdable import closure, holdable

HEAD = "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour\n"
# a humidity that the contract refuses
BAD = "EWR,2013,3,1,7,39.02,26.06,593.7,270,10.35,NA,0,1012,10,2013-03-01T07:00:00Z\n"
ROW = "EWR,2013,3,1,{0},{1},26.06,59.37,270,10.35,NA,0,1012,10,2013-03-01T{0:02}:00:00Z\n"
WEATHER = {"source": "weather", "start": "2013-03-01", "end": "2013-03-02"}
QUAKES = {"source": "earthquakes", "start": "2018-02-01", "end": "2018-02-02"}
PATIENCE_SECONDS = 240


def bootstrap(court: Court) -> dict[str, str]:
    """Make the stack that comes before all others, as its owner; the keys of a user who may deploy."""
    stacks, (body, _) = court.cloud.client("cloudformation"), holdable(PROJECT / "infrastructure" / "bootstrap.yaml")
    given = settings.declared(body, {"Environment": "local", "ApiGatewayLogs": "false"})
    # the local cloud stands in for this stack
    court.cloud.client("ssm").delete_parameter(Name="/analytics/local/artifacts/bucket")
    deploy_stack(stacks, "analytics-local-bootstrap", body, parameters=given)
    return court.user("DeployPolicy", {}, (outputs(stacks, "analytics-local-bootstrap")["DeployPolicyArn"],))


def dagster(court: Court) -> dict[str, str]:
    """The keys of a user who may do what the role of Dagster's task may: ECS alone can take that role."""
    stacks = court.cloud.client("cloudformation")
    body = closure(PROJECT / "infrastructure" / "dagster.yaml", "TaskRole")
    given = settings.declared(body, {**settings.parameters("local"), "DagsterImageUri": "none"})
    deploy_stack(stacks, "analytics-local-dagster", body, parameters=given)
    return court.user("TaskRole", dict(policies(court, "TaskRole")))


def policies(court: Court, *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The inline policies of the roles that have these logical names, by logical name."""
    iam = court.cloud.client("iam")
    for role in (one["RoleName"] for page in iam.get_paginator("list_roles").paginate() for one in page["Roles"]):
        for name in (one for one in names if f"-{one}-" in role):
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                found = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                yield name, json.loads(found) if isinstance(found, str) else found


def invoke(cloud: Cloud, function: str, **event: Any) -> dict[str, Any]:
    """The answer of a deployed function, which must not be an error."""
    name = cloud.parameter(f"functions/{function}")
    reply = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    answer: dict[str, Any] = json.loads(reply["Payload"].read())
    assert "FunctionError" not in reply, answer
    return answer


def upload(cloud: Cloud, digest: str, temperature: float) -> str:
    """Put a day of weather under samples/, as `data_ingest` does with a file; its key."""
    key = f"samples/uploads/weather/{digest}-day.csv"
    text = HEAD + "".join(ROW.format(hour, temperature) for hour in range(6)) + BAD
    cloud.client("s3").put_object(Bucket=cloud.env["LAKE_BUCKET"], Key=key, Body=text.encode())
    return key


@contextmanager
def small_slices(cloud: Cloud) -> Iterator[None]:
    """The ingest function with slices of two rows while the block runs."""
    functions, name = cloud.client("lambda"), "analytics-local-ingest"
    stack = cloud.client("cloudformation").describe_stacks(StackName="analytics-local-functions")["Stacks"][0]
    where = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    code = cloud.client("s3").get_object(Bucket=where["CodeBucket"], Key=where["CodeKey"])["Body"].read()
    functions.update_function_code(FunctionName=name, ZipFile=_changed(code, "ingest/slices.py", b"2_000_000", b"2"))
    yield
    functions.update_function_code(FunctionName=name, ZipFile=code)


def _changed(code: bytes, file: str, was: bytes, now: bytes) -> bytes:
    """The zip with something else in one of its files."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(code)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            assert not name.endswith(file) or was in body
            new.writestr(name, body.replace(was, now) if name.endswith(file) else body)
    return made.getvalue()


def land(cloud: Cloud) -> None:
    """Ingest: days of a source and what lies there of them, a file, and a file of several slices."""
    invoke(cloud, "ingest", **QUAKES)
    assert invoke(cloud, "ingest", action="days", **QUAKES)["days"][0]["rows"]
    invoke(cloud, "ingest", source="weather", file=upload(cloud, "0" * 16, 39.02), format="csv")
    with small_slices(cloud):
        answer = invoke(cloud, "ingest", source="weather", file=upload(cloud, "1" * 16, 40.1), format="csv")
    assert answer["objects"]["put"] == 4


def load(cloud: Cloud) -> None:
    """Process: each of its actions."""
    for action in ("plan", "load", "rebuild", "days"):
        invoke(cloud, "process", action=action, **WEATHER)
    invoke(cloud, "process", action="load", **QUAKES)
    for action in ("prove", "examine", "rejected"):
        answer = invoke(cloud, "process", action=action, source="weather")
    assert answer["rows"], "rejected rows are shown"
    for action in ("refresh", "status"):
        invoke(cloud, "process", action=action)


def forget(cloud: Cloud) -> None:
    """Forget: the rows of a key, and an object."""
    answer = invoke(cloud, "forget", source="weather", key={"origin": "EWR", "time_hour": "2013-03-01 03:00:00"})
    assert answer["objects"]
    listed = cloud.client("s3").list_objects_v2(Bucket=cloud.env["LAKE_BUCKET"], Prefix="raw/weather/2013/03/01/")
    invoke(cloud, "forget", source="weather", raw_key=listed["Contents"][0]["Key"])


def serve(cloud: Cloud) -> None:
    """The API: records, and an export from its order to its file."""
    url, session = cloud.env["API_URL"], requests.Session()
    session.trust_env, session.headers["x-api-key"] = False, cloud.env["API_KEY"]
    query = "from=2018-02-01&to=2018-02-02&limit=2"
    assert session.get(f"{url}/v1/datasets/earthquakes/records?{query}", timeout=60).json()["data"]
    order = {"dataset": "earthquakes", "format": "csv", "columns": ["event_id"]}
    export = session.post(f"{url}/v1/exports", json=order, timeout=60).json()["data"]["id"]
    _wait(lambda: session.get(f"{url}/v1/exports/{export}", timeout=60).json()["data"]["state"] == "done")
    (file,) = session.get(f"{url}/v1/exports/{export}", timeout=60).json()["data"]["files"]
    assert requests.get(file["url"], timeout=60).status_code == 200


def orchestrate(court: Court, keys: dict[str, str]) -> None:
    """Dagster, as its task: a run lands a day, the sensor sees it, another run loads it."""
    cloud, state = court.cloud, str(court.cloud.root)
    sqs, url = cloud.client("sqs"), cloud.parameter("queue/url")
    dagster = [sys.executable, "-m", "infrastructure.local.dagster"]
    launch = [str(PROJECT / ".venv/bin/dg"), "launch", "--assets", "key:raw/earthquakes", "--partition", "2018-02-03"]
    with court.acting(keys):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DAGSTER_"))}
        try:
            run([*dagster, "up", "--daemon-only", "--state", state])
            run(launch, env=kept | cloud.env | {"DAGSTER_HOME": f"{state}/dagster"})
            _wait(lambda: _is_quiet(sqs, url))
        finally:
            run([*dagster, "down", "--state", state])


def _is_quiet(sqs: Any, url: str) -> bool:
    """Whether nothing waits in the queue or is on its way."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return not any(int(found["Attributes"][name]) for name in names)


def end(cloud: Cloud) -> None:
    """A deploy that finds nothing new, and the end of the environment."""
    assert "nothing changed" in cloud.deploy()
    run([sys.executable, "-m", "infrastructure.deploy", "local", "destroy", "--state", str(cloud.root)])


def metrics(cloud: Cloud) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """What the functions have written as metrics: namespace, name and dimensions, each once."""
    logs, found = cloud.client("logs"), set()
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/analytics-local-")["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        lines = (line for page in pages for event in page["events"] for line in event["message"].splitlines())
        for written in (json.loads(line) for line in lines if '"_aws"' in line):
            for directive in written["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    dimensions = frozenset((name, str(written[name])) for name in names)
                    found |= {(directive["Namespace"], one["Name"], dimensions) for one in directive["Metrics"]}
    return found


def _wait(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.5)
