"""The query API's stack: Chalice's package and template, and where the deployed API answers."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from infrastructure.deploy.api_package import ApiPackage, build
from infrastructure.deploy.package import is_present
from infrastructure.deploy.settings import NETWORK

logger = logging.getLogger(__name__)

STAGE = "api"
# the environment's parameters that the API takes
SETTINGS = (*NETWORK, "CorsOrigins", "RequestsPerSecond", "RequestsAtOnce", "LogRetentionDays")
AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")


def package_api(state: Path) -> ApiPackage:
    """The API's package of this tree; `state` is a folder that keeps it.

    Raises:
        DeployError: packaging or its gate failed.
    """
    return build(state / "api-package")


def object_key(package: ApiPackage) -> str:
    """Where the package lies in an artifact bucket."""
    return f"api/{package.digest}.zip"


def api_parameters(session: boto3.Session, env: str, key: str, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the stack analytics-<env>-api, whose code lies in the artifact bucket under `key`."""
    return {
        "Environment": env,
        "ReaderSecret": f"/analytics/{env}/warehouse/secret-reader",
        "WarehouseSslmode": f"/analytics/{env}/warehouse/sslmode",
        "LakeBucket": f"/analytics/{env}/lake/bucket",
        "CopyRole": f"/analytics/{env}/warehouse/copy-role",
        "AlarmTopic": f"/analytics/{env}/alarms/topic",
        "CodeBucket": _parameter(session.client("ssm"), env, "artifacts/bucket"),
        "CodeKey": key,
        **_url_parts(session),
        **{name: value for name, value in given.items() if name in SETTINGS},
    }


def find_api(session: boto3.Session, env: str) -> dict[str, str]:
    """`url`, under which /v1/health answers, and `key`, for the header x-api-key."""
    ssm = session.client("ssm")
    return {"url": _parameter(ssm, env, "api/url"), "key": _key(session, _parameter(ssm, env, "api/key-id"))}


def _parameter(ssm: Any, env: str, name: str) -> str:
    return str(ssm.get_parameter(Name=f"/analytics/{env}/{name}")["Parameter"]["Value"])


def upload_package(s3: Any, bucket: str, package: ApiPackage) -> None:
    """Put the package into an artifact bucket unless it lies there."""
    key = object_key(package)
    if not is_present(s3, bucket, key):
        s3.upload_file(str(package.archive), bucket, key)
        logger.info("api: uploaded as %s", key)


def _url_parts(session: boto3.Session) -> dict[str, str]:
    """How the gateway behind the session's endpoint is addressed: by host at AWS, else by path below the endpoint."""
    client = session.client("apigateway")
    endpoint, region = client.meta.endpoint_url.rstrip("/"), client.meta.region_name
    if endpoint.endswith(AWS_DOMAINS):
        suffix = "amazonaws.com.cn" if endpoint.endswith(".cn") else "amazonaws.com"
        return {"UrlHead": "https://", "UrlTail": f".execute-api.{region}.{suffix}/{STAGE}"}
    return {"UrlHead": f"{endpoint}/restapis/", "UrlTail": f"/{STAGE}/_user_request_"}


def _key(session: boto3.Session, key_id: str) -> str:
    """The key itself: it stands in no output and in no parameter."""
    return str(session.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"])
