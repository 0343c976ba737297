"""The alarms fire: the process function fails, its messages are given up, and who listens to the topic is told.

The local cloud counts failed calls of functions itself. What CloudWatch does beside that is done here: the depth of the
queue is reported as SQS does every minute, at which the cloud looks at its alarms. It does not look at dimensions.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infrastructure.deploy.package import upload_code
from infrastructure.deploy.settings import template
from infrastructure.deploy.steps import deploy_template
from infrastructure.deploy.target import Target

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
NOWHERE = "lambdas.process.nowhere.handler"


@pytest.fixture
def failing(spare: Target) -> Iterator[Target]:
    """The environment with a process function that takes messages and cannot be imported."""
    functions, sqs = spare.session.client("lambda"), spare.session.client("sqs")
    queue = spare.parameter("queue/url")
    where = {"CodeKey": upload_code(spare.session.client("s3"), spare.parameters["CodeBucket"])}
    body = template("template.yaml")
    deploy_template(spare, "functions", body, {**where, "TriggerMode": "dagster"})
    handler = functions.get_function_configuration(FunctionName=spare.name("process"))["Handler"]
    functions.update_function_configuration(FunctionName=spare.name("process"), Handler=NOWHERE)
    # ten attempts within seconds instead of hours
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    deploy_template(spare, "functions", body, {**where, "TriggerMode": "lambda"})
    yield spare
    deploy_template(spare, "functions", body, {**where, "TriggerMode": "dagster"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1800"})
    functions.update_function_configuration(FunctionName=spare.name("process"), Handler=handler)
    sqs.purge_queue(QueueUrl=spare.parameter("dlq/url"))


def await_that(holds: Callable[[], bool], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.5)


def depth(target: Target) -> int:
    """How many messages were given up."""
    found = target.session.client("sqs").get_queue_attributes(
        QueueUrl=target.parameter("dlq/url"), AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def report(target: Target) -> None:
    """What SQS reports of the dead-letter queue every minute."""
    target.session.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": target.parameter("dlq/name")}],
                "Value": depth(target),
            }
        ],
    )


def told(target: Target, inbox: str) -> dict[tuple[str, str], Any]:
    """What the inbox has heard since it was last asked, by alarm and state."""
    sqs, heard = target.session.client("sqs"), {}
    while found := sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            alarm = json.loads(json.loads(message["Body"])["Message"])
            heard[alarm["AlarmName"], alarm["NewStateValue"]] = alarm
            sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
    return heard


def test_a_failing_function_and_a_message_given_up_are_told_to_who_listens(failing: Target) -> None:
    sqs, cloudwatch = failing.session.client("sqs"), failing.session.client("cloudwatch")
    inbox = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    failing.session.client("sns").subscribe(TopicArn=failing.parameter("alarms/topic"), Protocol="sqs", Endpoint=arn)
    names = [failing.name("dead-letters"), failing.name("process-errors")]
    wanted = {(name, "ALARM") for name in names}
    report(failing)
    assert (failing.name("dead-letters"), "ALARM") not in told(failing, inbox)
    failing.session.client("s3").put_object(
        Bucket=failing.parameter("lake/bucket"), Key="raw/weather/2013/01/01/data_1.parquet", Body=b"x"
    )
    await_that(lambda: depth(failing) > 0)
    # the local cloud counts the errors of calls, not of what a queue brings
    reply = failing.session.client("lambda").invoke(FunctionName=failing.name("process"), Payload=b"{}")
    assert "FunctionError" in reply
    # calls of other tests may have failed a moment ago: an alarm that stays where it is tells nobody
    cloudwatch.set_alarm_state(AlarmName=failing.name("process-errors"), StateValue="OK", StateReason="begun anew")
    told(failing, inbox)
    report(failing)
    heard = told(failing, inbox)
    assert wanted <= set(heard)
    assert all(heard[one]["AlarmDescription"] for one in wanted)
    states = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert {one["StateValue"] for one in states} == {"ALARM"}
