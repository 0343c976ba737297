"""Lambda's Runtime API on loopback for one function: an event goes in, an answer or an error comes out."""

import itertools
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infrastructure.local.state import LOOPBACK

INVOCATION = "/2018-06-01/runtime/invocation/"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:of-an-image"
# what a test waits for a function, longer than any answer takes
PATIENCE_SECONDS = 120
DEADLINE_SECONDS = 300


class FunctionError(Exception):
    """What a function, or its start, reported in the place of an answer."""


@dataclass
class Runtime:
    """One function's side of the Runtime API; `began` and `ready` are moments of its start."""

    address: str
    began: float = field(default_factory=time.monotonic)
    ready: float = 0.0
    events: queue.Queue[bytes | None] = field(default_factory=queue.Queue)
    answers: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)

    def invoke(self, event: dict[str, Any]) -> Any:
        """The function's answer to an event.

        Raises:
            FunctionError: it raised one, or could not start.
            queue.Empty: it says nothing.
        """
        self.events.put(json.dumps(event).encode())
        kind, answer = self.answers.get(timeout=PATIENCE_SECONDS)
        if kind != "response":
            raise FunctionError(answer)
        return answer


@contextmanager
def runtime() -> Iterator[Runtime]:
    """A server that a function can be started against; a function that waits for an event ends with it."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Handler) as server:
        server.daemon_threads = True
        server.running = Runtime(f"{LOOPBACK}:{server.server_port}")  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.running  # type: ignore[attr-defined]
        finally:
            server.running.events.put(None)  # type: ignore[attr-defined]
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    ids = itertools.count(1)

    def do_GET(self) -> None:
        running: Runtime = self.server.running  # type: ignore[attr-defined]
        running.ready = running.ready or time.monotonic()
        event = running.events.get()
        if event is None:
            # the runtime client takes it for the end
            self.send_error(410)
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", f"request-{next(self.ids)}")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + DEADLINE_SECONDS) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", FUNCTION)
        self._send(event)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.running.answers.put((self.path.rpartition("/")[2], body))  # type: ignore[attr-defined]
        self.send_response(202)
        self._send(b"{}")

    def _send(self, body: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what matters is asserted."""
