"""Ingest beside what one would write by hand: the same pages fetched with requests and written as Parquet by Arrow.

Both sides ask one HTTP server in a process of its own for pages whose bytes lie ready. The other side knows nothing:
no retries, no days, no check, no lake; ours ends with the objects that would be put.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import yaml

from lambdas.common.contract import load_contract
from lambdas.common.source import parse_source_config
from lambdas.ingest.extract import Source
from lambdas.ingest.naming import Lake
from lambdas.ingest.passes import ingest
from lambdas.ingest.request import read_window
from lambdas.ingest.tokens import Vault
from tests.bench.timing import compare, line

ROWS, PAGE = 200_000, 2_000
COLUMNS = {
    "id": "bigint",
    "at": "timestamp",
    "place": "varchar(32)",
    "depth": "double precision",
    "note": "varchar(64)",
}
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

rows, size = int(sys.argv[1]), int(sys.argv[2])

def record(n):
    return {"id": n, "at": f"2024-03-{n % 28 + 1:02}T{n % 24:02}:15:00Z", "place": f"station-{n % 500}",
            "depth": n % 977 / 8, "note": f"note {n % 1000}", "geo": {"x": n % 360 / 2, "y": n % 180 / 2}}

pages = [json.dumps({"items": [record(n) for n in range(first, min(first + size, rows))]}).encode()
         for first in range(0, rows + 1, size)]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = pages[int(parse_qs(urlsplit(self.path).query)["offset"][0]) // size]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def run(folder: Path) -> None:
    """Print one line."""
    with _served() as url:
        source = _source(folder, url)
        ours, theirs = compare(lambda: _ours(source), lambda: _by_hand(url, folder / "by-hand.parquet"))
    name = f"ingest, {ROWS:,} records in pages | bare requests + Arrow"
    print(line(name, ours, theirs, "<= 1.3"), flush=True)


@contextmanager
def _served() -> Iterator[str]:
    command = [sys.executable, "-c", SERVER, str(ROWS), str(PAGE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/"
        finally:
            server.terminate()


def _source(folder: Path, url: str) -> Source:
    properties = [
        {"name": name, "logicalType": "string", "physicalType": kind, "partitioned": name == "at"}
        for name, kind in COLUMNS.items()
    ]
    path = folder / "things" / "contract.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"schema": [{"name": "things", "properties": properties}]}))
    paginator = {"type": "offset", "limit": PAGE, "total_path": None, "stop_after_empty_page": True}
    endpoint = {"path": "things", "params": {"from": "{start}"}, "data_selector": "items", "paginator": paginator}
    rest = {"client": {"base_url": url}, "resources": [{"name": "things", "endpoint": endpoint}]}
    config = parse_source_config("things", {"start": "2024-03-01", "extract": {"rest_api": rest}})
    return Source(config, load_contract(path), {}, Vault(None))


def _ours(source: Source) -> None:
    window = read_window({"start": "2024-03-01", "end": "2024-04-01"}, source.config)
    s3 = Mock(**{"get_paginator.return_value.paginate.return_value": []})  # an empty lake, which nothing is put into
    answer = ingest(source, window, Lake(s3, "lake", dry_run=True), time.monotonic() + 600)
    _require(answer["rows"])


def _by_hand(url: str, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import requests

    records: list[dict[str, Any]] = []
    with requests.Session() as session:
        while items := session.get(f"{url}things", params={"offset": len(records)}, timeout=30).json()["items"]:
            records += items
    for record in records:
        record["geo"] = json.dumps(record["geo"])
    table = pa.Table.from_pylist(records)
    pq.write_table(table, path, compression="zstd")
    _require(table.num_rows)


def _require(rows: int) -> None:
    if rows != ROWS:
        raise RuntimeError(f"{rows} rows came, not {ROWS}")
