"""The API in process, on a real endpoint: chalicelib is imported by the name that it has in its package."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from lambdas.common.db import redshift
from tests.api import gateway
from tests.api.warehouse import ROOT, Endpoint, fill, make_assets
from tests.cloud import Cloud

sys.path.insert(0, str(ROOT / "api_chalice"))

TODAY = dt.date(2018, 2, 8)


class Api:
    """Asks the API as a client would, and reads its JSON."""

    def __init__(self, client: Client | gateway.GatewayClient) -> None:
        self.client = client

    def raw(self, path: str, /, *pairs: tuple[str, str], **params: str) -> HTTPResponse | gateway.Reply:
        """The answer itself; `from_` stands for `from`."""
        query = urlencode([*pairs, *((name.removesuffix("_"), value) for name, value in params.items())])
        return self.send("GET", f"{path}?{query}" if query else path)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> HTTPResponse | gateway.Reply:
        """Any request; the names of headers are written with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.http.request(method, path, headers=named, body=body)

    def __call__(self, path: str, /, *pairs: tuple[str, str], **params: str) -> Any:
        """The document of an answer with status 200."""
        found = self.raw(path, *pairs, **params)
        assert found.status_code == 200, found.body
        return json.loads(found.body)

    def refused(self, path: str, /, *pairs: tuple[str, str], **params: str) -> dict[str, str]:
        """The mistakes of an answer with status 400, by parameter."""
        found = self.raw(path, *pairs, **params)
        assert found.status_code == 400, (found.status_code, found.body)
        assert found.headers["Content-Type"] == "application/problem+json"
        return {mistake["parameter"]: mistake["detail"] for mistake in json.loads(found.body)["errors"]}


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's contracts, and one of the tests'."""
    return make_assets(tmp_path_factory.mktemp("contracts") / "assets")


@pytest.fixture(scope="session")
def catalogue(assets: Path) -> Any:
    """The catalogue of those contracts."""
    from chalicelib.schemas import load_catalogue

    return load_catalogue(assets)


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Endpoint]:
    """A running Redshift endpoint with the tables filled."""
    running = Endpoint(tmp_path_factory.mktemp("redshift"))
    try:
        running.start()
        with redshift.session(running.secret("admin"), "disable", name="tests") as connection:
            fill(connection, assets)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def admin(endpoint: Endpoint) -> Iterator[Any]:
    """A connection of the superuser."""
    with redshift.session(endpoint.secret("admin"), "disable", name="tests") as connection:
        yield connection


@pytest.fixture(scope="session")
def warehouse(endpoint: Endpoint) -> Iterator[Any]:
    """The API's warehouse, as user reader."""
    from chalicelib.warehouse import Warehouse, open_session

    found = Warehouse(lambda: open_session(endpoint.secret("reader"), "disable", name="tests-api"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def make_api(catalogue: Any) -> Callable[[Any], Api]:
    """An API on a warehouse, with TODAY as today."""
    from chalicelib.exports import Exports
    from chalicelib.routes import register
    from chalicelib.service import Service
    from chalicelib.storage import Storage
    from chalicelib.warehouse import utc_now

    def make(on: Any) -> Api:
        app = Chalice(app_name="tests")
        # no bucket: what needs one is tried on the deployed API
        nowhere = Storage.from_environment({}, lambda: None)
        exports = Exports(lambda: catalogue, lambda: None, nowhere, lambda name: None, utc_now)
        register(app, Service(lambda: catalogue, on, lambda: TODAY), exports)
        with Client(app) as client:
            return Api(client)

    return make


@pytest.fixture(scope="session")
def inside(make_api: Callable[[Any], Api], warehouse: Any) -> Api:
    """The API on the filled warehouse, in this process: what can be changed under it, or is of Chalice alone."""
    return make_api(warehouse)


@pytest.fixture(scope="session")
def gateway_api(cloud: Cloud, endpoint: Endpoint) -> Api:
    """The API packaged, deployed and behind the local gateway, on the filled warehouse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", cloud.env["AWS_ENDPOINT_URL"])
        return Api(gateway.deploy(cloud, endpoint.secret("reader"), TODAY.isoformat()))


@pytest.fixture(scope="session", params=["inside", pytest.param("gateway_api", marks=pytest.mark.long)])
def api(request: pytest.FixtureRequest) -> Api:
    """The API on the filled warehouse, in this process and behind the local gateway."""
    found: Api = request.getfixturevalue(request.param)
    return found
