"""Thousands of requests made from the document, right and wrong: each is answered as the document says."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from tests.api.conftest import Api

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

EXAMPLES = 60
KEPT = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
KINDS = ("records", "aggregate", "stats", "values/{column}", "days", "")


@pytest.fixture(scope="module")
def schema(inside: Api) -> Any:
    """The document with the API behind it."""
    load_all_checks()
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", wsgi(inside))
    loaded.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    return loaded


def wsgi(api: Api) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """The API in this process, as a WSGI application."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = "/" + quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=-._~").removeprefix("/")
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        headers = {n[5:].replace("_", "-").lower(): v for n, v in environ.items() if n.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        found = api.client.http.request(environ["REQUEST_METHOD"], path + query, headers=headers, body=body)
        start(f"{found.status_code} -", list(found.headers.items()))
        return [found.body]

    return application


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.partition("/")[0] or "the rest")
def test_every_answer_is_a_documented_one(schema: Any, kind: str) -> None:
    asked: dict[str, int] = {}
    operations = [found.ok() for found in schema.get_all_operations()]
    chosen = [one for one in operations if _kind(one.path) == kind]
    assert chosen
    for operation in chosen:
        _try(operation, asked)
    assert len(asked) == len(chosen)
    # health has nothing that could be made up
    assert all(count >= EXAMPLES // 2 for path, count in asked.items() if path != "GET /v1/health"), asked


def _kind(path: str) -> str:
    parts = path.split("/", 4)
    return parts[4] if path.startswith("/v1/datasets/") and len(parts) > 4 else ""


def _try(operation: Any, asked: dict[str, int]) -> None:
    """Requests of one operation, the same in every run."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def one(case: Any) -> None:
        found = case.call()
        asked[operation.label] = asked.get(operation.label, 0) + 1
        # without a bucket an export says so
        allowed = "/exports" in operation.path and found.status_code == 503
        assert found.status_code < 500 or allowed, (found.status_code, case.as_curl_command())
        case.validate_response(found, checks=KEPT)

    one()
