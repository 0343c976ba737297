"""The API's handler behind HTTP: `python -m tests.bench.api_server ENDPOINT-PORT ASSETS --port PORT`."""

import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.api.warehouse import Endpoint
from tests.bench.api_place import event, make_app, session_of


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint", type=int)
    parser.add_argument("assets", type=Path)
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    endpoint = Endpoint(asked.assets)
    endpoint.port = asked.endpoint
    _, app = make_app(asked.assets, session_of(endpoint))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write an answer: the kernel would wait between two

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            found = app(event(parts.path, parts.query), None)
            body = found["body"].encode()
            self.send_response(found["statusCode"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", asked.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
