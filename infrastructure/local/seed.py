"""What the bootstrap and warehouse stacks give on AWS: secrets, parameters and the artifact bucket.

The product reads the same names here and there and cannot tell the difference.
"""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from infrastructure.local.parts import CREDENTIALS, REGION
from infrastructure.local.state import LOOPBACK, USERS

ENVIRONMENT = "local"
DATABASE = "analytics"
ARTIFACTS = f"analytics-{ENVIRONMENT}-artifacts-000000000000-{REGION}"
Ports = Mapping[str, int]


def session() -> boto3.Session:
    """A session with the local credentials, whatever the caller's profile."""
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


def client(service: str, port: int) -> Any:
    """A client of one AWS service on the MiniStack of this port, never through a proxy."""
    config = Config(proxies={}, connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 2})
    return session().client(service, endpoint_url=f"http://{LOOPBACK}:{port}", config=config)


def seed(ports: Ports, passwords: Mapping[str, str], sslmode: str) -> bool:
    """Put secrets, parameters and the bucket where they are missing or differ; whether anything changed."""
    port = ports["ministack"]
    changed, arns = _secrets(client("secretsmanager", port), ports["redshift"], passwords)
    parameters = {
        "warehouse/host": LOOPBACK,
        "warehouse/port": str(ports["redshift"]),
        "warehouse/database": DATABASE,
        "warehouse/sslmode": sslmode,
        "warehouse/copy-role": "default",
        "artifacts/bucket": ARTIFACTS,
        **{f"warehouse/secret-{user}": arn for user, arn in arns.items()},
    }
    changed |= _parameters(client("ssm", port), parameters)
    return changed | _bucket(client("s3", port))


def _secrets(secretsmanager: Any, port: int, passwords: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    changed, arns = False, {}
    for user in USERS:
        name = f"analytics/{ENVIRONMENT}/warehouse/{user}"
        value = json.dumps(
            {
                "engine": "redshift",
                "host": LOOPBACK,
                "port": port,
                "dbname": DATABASE,
                "username": user,
                "password": passwords[user],
            }
        )
        try:
            found = secretsmanager.get_secret_value(SecretId=name)
        except secretsmanager.exceptions.ResourceNotFoundException:
            found = secretsmanager.create_secret(Name=name, SecretString=value) | {"SecretString": value}
            changed = True
        if found["SecretString"] != value:
            secretsmanager.put_secret_value(SecretId=name, SecretString=value)
            changed = True
        arns[user] = found["ARN"]
    return changed, arns


def _parameters(ssm: Any, wanted: Mapping[str, str]) -> bool:
    prefix = f"/analytics/{ENVIRONMENT}/"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=prefix, Recursive=True)
    found = {item["Name"]: item["Value"] for page in pages for item in page["Parameters"]}
    stale = {name: value for name, value in wanted.items() if found.get(prefix + name) != value}
    for name, value in stale.items():
        ssm.put_parameter(Name=prefix + name, Value=value, Type="String", Overwrite=True)
    return bool(stale)


def _bucket(s3: Any) -> bool:
    if any(bucket["Name"] == ARTIFACTS for bucket in s3.list_buckets()["Buckets"]):
        return False
    s3.create_bucket(Bucket=ARTIFACTS)
    return True
