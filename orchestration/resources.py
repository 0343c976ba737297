"""What assets and sensors reach on AWS. Nothing is read or called before a run or a tick asks for it."""

import io
import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from lambdas.common.settings import PAUSED_PARAMETER, read_parameter

# A function works 240 s and answers what remains; its own limit is 300 s.
READ_TIMEOUT_SECONDS = 310


class Cloud(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One deployed environment: its names are in SSM under /analytics/<env>/, its endpoint in boto3's environment."""

    environment: str

    def client(self, service: str) -> Any:
        """A boto3 client with boto3's own defaults for credentials, region and endpoint."""
        # half a second to import: a process that only loads definitions does without
        import boto3

        return boto3.client(service)

    def parameter(self, name: str) -> str:
        """The SSM parameter /analytics/<env>/<name>.

        Raises:
            SettingsError: it does not exist; the environment is not deployed.
        """
        return read_parameter(self.client("ssm"), self.environment, name)

    def parameters(self, *names: str) -> dict[str, str]:
        """Those of the named parameters (at most ten) that exist, by their name below /analytics/<env>/."""
        prefix = f"/analytics/{self.environment}/"
        answer = self.client("ssm").get_parameters(Names=[prefix + name for name in names])
        return {item["Name"].removeprefix(prefix): item["Value"] for item in answer["Parameters"]}

    def pause_reason(self) -> str:
        """Why nothing is to be asked for now: the switch of the whole environment; empty where it is not set."""
        return pause_reason(self.parameters(PAUSED_PARAMETER))

    def call(self, context: dg.OpExecutionContext, name: str, event: Mapping[str, Any]) -> tuple[list[Any], Any]:
        """Call the deployed function of that name once, by Pipes: the messages that it reported, and its answer.

        One invocation, because a silent second one would work twice.

        Raises:
            Exception: the function failed, as PipesLambdaClient says it.
        """
        from dagster_aws.pipes import PipesLambdaClient

        client = _Kept(_lambda_client())
        done = PipesLambdaClient(client=client).run(context=context, function_name=name, event=event)
        return list(done.get_custom_messages()), json.loads(client.payload)

    def invoke(self, name: str, event: Mapping[str, Any]) -> dict[str, str]:
        """Call the deployed function of that name once: its Payload as text, and FunctionError where it failed."""
        answer = _lambda_client().invoke(FunctionName=name, Payload=json.dumps(event).encode())
        error = {"FunctionError": answer["FunctionError"]} if answer.get("FunctionError") else {}
        return {"Payload": answer["Payload"].read().decode(), **error}


class _Kept:
    """A client of Lambda that keeps what the function answered: Pipes hands on what stands in the log alone."""

    def __init__(self, client: Any) -> None:
        self.payload = b""
        self._client = client

    def invoke(self, **asked: Any) -> dict[str, Any]:
        """As the client's own."""
        response = self._client.invoke(**asked)
        self.payload = response["Payload"].read()
        return {**response, "Payload": io.BytesIO(self.payload)}


def pause_reason(parameters: Mapping[str, str]) -> str:
    """The same of parameters that are read already."""
    said = parameters.get(PAUSED_PARAMETER)
    return f"everything is paused: {said}; `analytics resume` ends it" if said else ""


def _lambda_client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        read_timeout=READ_TIMEOUT_SECONDS,
        connect_timeout=5,
        tcp_keepalive=True,
        retries={"total_max_attempts": 1},
    )
    return boto3.client("lambda", config=config)


def build_resources() -> dict[str, object]:
    """The resources of the code location; the environment is read when a run or tick begins, not when this loads."""
    return {"cloud": Cloud(environment=dg.EnvVar("ANALYTICS_ENV"))}
