"""A function is called once: a second call that nobody asked for would work twice, whatever became of the first."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from orchestration import resources
from orchestration.resources import Cloud

CLOUD = Cloud(environment="tests")
SLOW, GONE = "slow", "gone"


class Lambda(ThreadingHTTPServer):
    """Lambda's address: answers by a status, not at all, or too late, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour: int | str = 200
        self.asked = 0
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Lambda

    def do_POST(self) -> None:
        self.server.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.behaviour == SLOW:
            self.server.over.wait(30)
        if isinstance(self.server.behaviour, int):
            body = json.dumps({"Message": "not now"}).encode()
            self.send_response(self.server.behaviour)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    """The address to which boto3's settings point while the test runs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Lambda() as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server_port}")
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            made.over.set()
            made.shutdown()
            thread.join()


def invoke() -> None:
    CLOUD.invoke("process", {})


def run_pipes() -> None:
    @dg.op
    def call(context: dg.OpExecutionContext) -> None:
        CLOUD.call(context, "process", {})

    @dg.job
    def job() -> None:
        call()

    job.execute_in_process()


@pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")
@pytest.mark.parametrize("behaviour", [429, 500, 503, GONE, SLOW])
@pytest.mark.parametrize("call", [invoke, run_pipes])
def test_a_call_that_fails_is_not_made_again(
    server: Lambda, monkeypatch: pytest.MonkeyPatch, call: Callable[[], None], behaviour: int | str
) -> None:
    server.behaviour = behaviour
    if behaviour == SLOW:
        monkeypatch.setattr(resources, "READ_TIMEOUT_SECONDS", 0.1)
    with pytest.raises((ClientError, BotoCoreError)):
        call()
    assert server.asked == 1
