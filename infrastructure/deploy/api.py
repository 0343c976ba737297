"""Deploys the query API: Chalice's package and template, through a change set like every other stack."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infrastructure.deploy.api_package import ApiPackage, build
from infrastructure.deploy.settings import NETWORK
from infrastructure.deploy.stack import deploy_stack

logger = logging.getLogger(__name__)

STAGE = "api"
AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")


def deploy_api(
    session: boto3.Session, env: str, state: Path, *, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Bring the stack analytics-<env>-api to the code of this tree; nothing happens when it has it already.

    Args:
        session: where to deploy to.
        env: local, dev or prod.
        state: a folder that keeps the built package.
        given: the environment's parameters, of which the API takes where the warehouse is reached from.

    Returns:
        `url`, under which /v1/health answers, and `key`, for the header x-api-key.

    Raises:
        DeployError: packaging, its gate, or the stack failed.
    """
    ssm = session.client("ssm")
    package = build(env, state / "api-package")
    bucket = _parameter(ssm, env, "artifacts/bucket")
    key = f"api/{package.digest}.zip"
    _upload(session.client("s3"), bucket, key, package)
    parameters = {
        "Environment": env,
        "ReaderSecret": f"/analytics/{env}/warehouse/secret-reader",
        "WarehouseSslmode": f"/analytics/{env}/warehouse/sslmode",
        "CodeBucket": bucket,
        "CodeKey": key,
        **_url_parts(session),
        **{name: value for name, value in (given or {}).items() if name in NETWORK},
    }
    tags = [{"Key": "analytics:environment", "Value": env}]
    stack = f"analytics-{env}-api"
    deploy_stack(session.client("cloudformation"), stack, package.template, parameters=parameters, tags=tags)
    return {"url": _parameter(ssm, env, "api/url"), "key": _key(session, _parameter(ssm, env, "api/key-id"))}


def _parameter(ssm: Any, env: str, name: str) -> str:
    return str(ssm.get_parameter(Name=f"/analytics/{env}/{name}")["Parameter"]["Value"])


def _upload(s3: Any, bucket: str, key: str, package: ApiPackage) -> None:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
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
