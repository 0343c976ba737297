"""Calling the deployed functions from a command line, until nothing of what was asked remains."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import AnalyticsError, RequestError, SettingsError
from lambdas.common.remaining import shown
from lambdas.common.settings import environment_name, read_parameter

HINT = "On the local cloud: `make up`, then `. .local/env`; on AWS: set region, credentials and ANALYTICS_ENV."
NOT_DEPLOYED = "; it is declared here, but the deployed function has not got it yet: `make up`, or on AWS a deploy"
Event = dict[str, Any]


class CallError(AnalyticsError):
    """The function did not do what was asked; the message is its own."""


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function. `client` never calls twice by itself."""

    client: Any
    name: str

    def answers(self, event: Event) -> Iterator[Event]:
        """The function's answers, until nothing remains.

        Raises:
            CallError: it failed, cannot be reached or makes no progress.
            RequestError: it refuses the event.
        """
        pending: Event | None = event
        while pending is not None:
            answer = self.call(pending)
            rest = answer.get("remaining")
            following = {**event, **rest} if rest else None
            if following is not None and following == pending:
                raise CallError(f"{self.name} made no progress on {shown(following)}")
            yield answer
            pending = following

    def call(self, event: Event) -> Event:
        """One answer of the function. Errors as `answers`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            response = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event))
            answer: Event = json.loads(response["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise CallError(f"{self.name} cannot be called: {str(error).rstrip('.')}. {HINT}") from error
        if "FunctionError" not in response:
            return answer
        raise _failure(answer, event)


def _failure(answer: Mapping[str, Any], event: Mapping[str, Any]) -> AnalyticsError:
    kind, message = answer.get("errorType", "Error"), str(answer.get("errorMessage", answer)).strip()
    if kind == "RequestError":
        # whoever calls has looked for the source among those that are declared
        unknown = f"source {event.get('source')!r} is unknown" in message
        return RequestError(f"{message}{NOT_DEPLOYED if unknown else ''}")
    days = f" ({event['start']} to {event['end']}, end excluded)" if "start" in event and "end" in event else ""
    return CallError(f"{message} [{kind}]{days}")


def find_function(part: str) -> Function:
    """The function ingest, process, forget or migrate of the environment that ANALYTICS_ENV names.

    Raises:
        SettingsError: AWS does not answer, or the environment is not deployed.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    env = environment_name(os.environ)
    # a call may take 240 s; a client that tries again on a timeout would run the function twice at once
    config = Config(read_timeout=310, connect_timeout=5, tcp_keepalive=True, retries={"total_max_attempts": 1})
    try:
        name = read_parameter(boto3.client("ssm", config=config), env, f"functions/{part}")
        return Function(boto3.client("lambda", config=config), name)
    except (BotoCoreError, ClientError) as error:
        raise SettingsError(f"AWS does not answer: {str(error).rstrip('.')}. {HINT}") from error
