"""The same API behind the local cloud's gateway: the package as it is deployed, on the tests' warehouse and contracts.

Its clock alone is the tests': a handler beside the app's sets it and hands on.
"""

import http.client
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from infrastructure.deploy.api import api_parameters, find_api, object_key, upload_package
from infrastructure.deploy.api_package import ApiPackage, build
from infrastructure.deploy.steps import deploy_template
from infrastructure.deploy.target import Target
from tests.cloud import Cloud

# Not `local`: what the other tests deploy to the same cloud has that name.
ENV = "dev"
# A page of another origin that may read the API.
PAGE = "https://page.example"
OWN_ASSETS = Path(__file__).parent / "assets"
CLOCK = """
import datetime
from chalicelib import warehouse
warehouse.utc_today = lambda: datetime.date.fromisoformat({!r})
from app import app, export
"""


@dataclass(frozen=True)
class Reply:
    """An answer as Chalice's test client would give it."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


class GatewayHttp:
    """Sends requests as they stand: no client library mends a path or a header."""

    def __init__(self, url: str, key: str) -> None:
        self.url = urlsplit(url)
        self.key = key

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """The answer to one request; the key is sent unless the headers name one."""
        connection = http.client.HTTPConnection(str(self.url.hostname), self.url.port or 80, timeout=60)
        try:
            connection.request(method, self.url.path + path, body or None, {"x-api-key": self.key, **(headers or {})})
            found = connection.getresponse()
            return Reply(found.status, CaseInsensitiveDict(found.headers.items()), found.read())
        finally:
            connection.close()

    def post(self, path: str) -> Reply:
        """POST without a body."""
        return self.request("POST", path)


class GatewayClient:
    """What of Chalice's test client the tests use."""

    def __init__(self, url: str, key: str) -> None:
        self.http = GatewayHttp(url, key)


def deploy(cloud: Cloud, secret: Mapping[str, Any], today: str) -> GatewayClient:
    """Deploy the API on the warehouse of that secret to the cloud, and a client of it."""
    built = build(cloud.root / "api-package")
    archive = cloud.root / "tests-api.zip"
    shutil.copyfile(built.archive, archive)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("clock.py", CLOCK.format(today))
        for path in sorted(OWN_ASSETS.rglob("*.yaml")):
            opened.write(path, f"assets/{path.relative_to(OWN_ASSETS)}")
    template = built.template.replace("Handler: app.app", "Handler: clock.app")
    if template == built.template:
        raise AssertionError("the template names its handler in another way")
    _tell(cloud, secret)
    session = cloud.session()
    package = ApiPackage(archive, template, "tests")
    upload_package(session.client("s3"), cloud.parameter("artifacts/bucket"), package)
    where = api_parameters(session, ENV, object_key(package), {"CorsOrigins": f"https://other.example, {PAGE}"})
    deploy_template(Target(session, ENV, {}), "api", template, where)
    found = find_api(session, ENV)
    return GatewayClient(found["url"], found["key"])


def _tell(cloud: Cloud, secret: Mapping[str, Any]) -> None:
    """Write down where the environment's parts are, as its other stacks would."""
    arn = cloud.client("secretsmanager").create_secret(
        Name=f"analytics/{ENV}/warehouse/reader", SecretString=json.dumps(dict(secret))
    )["ARN"]
    artifacts = cloud.parameter("artifacts/bucket")
    values = {
        "warehouse/secret-reader": arn, "warehouse/sslmode": "disable", "warehouse/copy-role": "default",
        "lake/bucket": artifacts, "artifacts/bucket": artifacts,
        "alarms/topic": "arn:aws:sns:us-east-1:000000000000:nobody",
    }  # fmt: skip
    for name, value in values.items():
        cloud.client("ssm").put_parameter(Name=f"/analytics/{ENV}/{name}", Value=value, Type="String", Overwrite=True)
