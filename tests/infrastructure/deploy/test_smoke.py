"""What the smoke test makes of an API's answers, whatever these are: an error of its own would keep a broken one."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infrastructure.deploy.smoke import _ask_api

KEY = "the key"
RIGHT: dict[str, object] = {
    "/v1/health": {"status": "ok"},
    "/v1/datasets": {"data": [{"name": "weather"}], "meta": None},
    "/v1/datasets/weather/records?limit=1": {"data": [], "meta": {}},
}
Api = Callable[..., str]


@pytest.fixture
def api() -> Iterator[Api]:
    """Starts an API that answers with these texts in place of the right ones; its address."""
    servers = []

    def start(**wrong: list[str]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                allowed = self.path == "/v1/health" or self.headers.get("x-api-key") == KEY
                texts = wrong.get(self.path.rpartition("/")[2], []) if allowed else []
                body = texts.pop(0) if texts else json.dumps(RIGHT[self.path])
                self.send_response(200 if allowed else 403)
                self.end_headers()
                self.wfile.write(body.encode() if allowed else b"{}")

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_api_that_works_has_no_failure(api: Api) -> None:
    assert _ask_api(api(), KEY, time.monotonic()) == []


@pytest.mark.parametrize("text", ["", "<html>", "null", "[]", "{}", '{"data": []}'])
def test_an_answer_that_is_none_is_a_failure_and_no_error(api: Api, text: str) -> None:
    (failure,) = _ask_api(api(datasets=[text] * 9), KEY, time.monotonic())
    assert "/v1/datasets with a key answers 200" in failure


def test_an_answer_that_was_cut_off_is_asked_for_again(api: Api) -> None:
    assert _ask_api(api(datasets=["", '{"data": [{"na']), KEY, time.monotonic() + 60) == []
