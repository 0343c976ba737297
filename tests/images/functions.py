"""What runs functions that are images, where no engine is: their handlers from the tree, as their templates tell them.

The local cloud hands it the event of each call; it stands for the container, whose insides test_built_images looks at.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.cloud import Cloud

HANDLERS = {
    "ingest": "lambdas.ingest.app",
    "process": "lambdas.process.app",
    "forget": "lambdas.process.forget",
    "migrate": "lambdas.process.migrate",
}
CALL = "import json, sys; from {module} import handler; print('\\n' + json.dumps(handler(json.load(sys.stdin), None)))"


@dataclass(frozen=True)
class Functions:
    """The functions of a cloud's environments, with their code in a tree."""

    tree: Path
    cloud: Cloud

    def call(self, name: str, event: bytes) -> str:
        """The answer of a function as JSON."""
        client = self.cloud.client("lambda")
        told = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        command = [sys.executable, "-c", CALL.format(module=HANDLERS[name.rpartition("-")[2]])]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        env = kept | self.cloud.env | told
        done = subprocess.run(command, cwd=self.tree, env=env, input=event, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().splitlines()[-1]


@contextmanager
def serving(functions: Functions) -> Iterator[str]:
    """A server that answers the local cloud's calls; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, body = 200, functions.call(self.headers["X-Amzn-Lambda-Function-Name"], event)
            except (AssertionError, KeyError) as error:
                status, body = 500, json.dumps({"errorMessage": str(error)[-2000:]})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
