"""A replay of the USGS earthquake catalogue's web service (fdsnws event) from a recorded feed, on loopback.

It answers /fdsnws/event/1/{query,count,version} and honours or refuses every parameter: one that it does not know is
a 400 with a text, as at the real service, and never silently ignored.

Run alone: python -m infrastructure.local.usgs --port 8087 --feed FEED.json.gz
"""

import argparse
import gzip
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infrastructure.local.usgs_query import BadRequestError, parse, select

BASE = "/fdsnws/event/1/"
Feed = Mapping[str, Any]


class Catalogue(ThreadingHTTPServer):
    """The server, with the recorded events that it answers from."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], feed: Feed) -> None:
        super().__init__(address, _Handler)
        self.feed = feed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Catalogue

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        method = url.path.removeprefix(BASE) if url.path.startswith(BASE) else ""
        try:
            status, kind, body = self._answer(method, url.query)
        except BadRequestError as error:
            status, kind, body = 400, "text/plain", _error_text(str(error), self.path)
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        payload = body.encode()
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _answer(self, method: str, query: str) -> tuple[int, str, str]:
        if method == "version":
            return 200, "text/plain", "1.14.1"
        if method not in ("query", "count"):
            return 404, "text/plain", _error_text("Not found", self.path)
        wanted = parse(parse_qsl(query, keep_blank_values=True), limited=method == "query")
        events = select(self.server.feed["features"], wanted)
        if method == "count":
            return 200, "text/plain", str(len(events))
        return 200, "application/json", json.dumps(_collection(self.server.feed, events, self.path))


def _collection(feed: Feed, events: list[dict[str, Any]], path: str) -> dict[str, Any]:
    metadata = {**feed["metadata"], "url": path, "status": 200, "count": len(events)}
    return {"type": "FeatureCollection", "metadata": metadata, "features": events}


def _error_text(reason: str, path: str) -> str:
    return f"Error: {reason}\n\nRequest:\n{path}\n"


def _read(path: Path) -> Feed:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        feed: Feed = json.load(file)
    return feed


def main() -> None:
    """Serve the feed on 127.0.0.1 until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--feed", type=Path, required=True)
    arguments = parser.parse_args()
    Catalogue(("127.0.0.1", arguments.port), _read(arguments.feed)).serve_forever()


if __name__ == "__main__":
    main()
