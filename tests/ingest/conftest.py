"""A source written for one test, landed in a bucket of its own on the local cloud."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
import yaml

from lambdas.common.contract import load_contract
from lambdas.common.source import parse_source_config
from lambdas.ingest import passes, slices
from lambdas.ingest.extract import Source
from lambdas.ingest.naming import Lake
from lambdas.ingest.passes import ingest
from lambdas.ingest.request import read_window
from lambdas.ingest.slices import read_filled, read_slice
from lambdas.ingest.tokens import Vault
from tests.cloud import Cloud

DEFAULT_COLUMNS = {"id": "bigint", "at": "timestamp", "name": "varchar(32)"}


@dataclass
class Bench:
    """A bucket, and what a test does with it."""

    s3: Any
    secrets: Any
    bucket: str
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_COLUMNS))
    event_time: str = "at"
    key: tuple[str, ...] = ()
    reading: dict[str, str] = field(default_factory=dict)

    def source(self, extract: dict[str, Any], start: str = "2024-01-01") -> Source:
        """The source `things` with that extract block."""
        properties = [
            {"name": name, "logicalType": "string", "physicalType": kind, "partitioned": name == self.event_time}
            | ({"required": True, "primaryKey": True} if name in self.key else {})
            | ({"logicalTypeOptions": self.reading} if name == self.event_time and self.reading else {})
            for name, kind in self.columns.items()
        ]
        for place, name in enumerate(self.key, start=1):
            next(prop for prop in properties if prop["name"] == name)["primaryKeyPosition"] = place
        path = self.folder / "things" / "contract.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"schema": [{"name": "things", "properties": properties}]}))
        config = parse_source_config("things", {"start": start, "extract": extract})
        return Source(config, load_contract(path), self.variables, Vault(self.secrets))

    def ingest(
        self, extract: dict[str, Any], start: str | None = None, end: str | None = None, *, seconds: float = 60
    ) -> dict[str, Any]:
        """One call; the end is excluded."""
        return self.call(self.source(extract), start, end, seconds=seconds)

    def call(
        self,
        source: Source,
        start: str | None = None,
        end: str | None = None,
        *,
        seconds: float = 60,
        remaining: dict[str, Any] | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """One call for a source that is written already; `remaining` is what the call before said."""
        event = {"start": start, "end": end, **(remaining or {})}
        window, lake = read_window(event, source.config), Lake(self.s3, self.bucket, dry_run, read_filled(event))
        return ingest(source, window, lake, time.monotonic() + seconds, read_slice(event))

    def etags(self) -> dict[str, str]:
        """What lies under raw/things/, by key without that prefix."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="raw/things/").get("Contents", [])
        return {item["Key"].removeprefix("raw/things/"): item["ETag"] for item in found}

    def table(self, key: str) -> Any:
        """One object as an Arrow table."""
        body = self.s3.get_object(Bucket=self.bucket, Key=f"raw/things/{key}")["Body"].read()
        return pq.read_table(io.BytesIO(body))

    def rows(self, day: str) -> list[dict[str, Any]]:
        """The rows of a day's first object; `day` as in 2024-01-01."""
        return self.table(key(day)).to_pylist()

    def write(self, name: str, content: bytes | str) -> dict[str, Any]:
        """Write a file; the extract block that reads it, but for its format."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return {"bucket_url": str(self.folder), "file_glob": name}


def key(day: str, part: int = 0) -> str:
    """The key below raw/things/ that a day's part has."""
    return f"{day.replace('-', '/')}/data_{day.replace('-', '')}T000000{part:06d}Z.parquet"


@pytest.fixture
def bench(cloud: Cloud, tmp_path: Path) -> Bench:
    """A bucket with nothing in it."""
    s3, bucket = cloud.client("s3"), f"ingest-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    return Bench(s3, cloud.client("secretsmanager"), bucket, tmp_path)


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Api:
    """An HTTP server whose answers a test writes: `answer` gets path, parameters and the number of the request.

    The parameters of a POST are those of its form, or its JSON.
    """

    url: str
    answer: Callable[[str, dict[str, str], int], Answer] = lambda _path, _parameters, _number: (404, "nothing here")
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def serve(self, records: list[dict[str, Any]], *, size: int = 2) -> dict[str, Any]:
        """Answer with the records of `at` in [start, end), `size` a page; the extract block that asks for them."""

        def answer(_path: str, parameters: dict[str, str], _number: int) -> Answer:
            found = [r for r in records if parameters["start"] <= str(r.get("at", "9")) < parameters["end"]]
            offset = int(parameters["offset"])
            return 200, {"items": found[offset : offset + size]}

        self.answer = answer
        return self.extract(size=size)

    def extract(self, *, size: int = 2, **options: Any) -> dict[str, Any]:
        """The extract block of this API: pages by offset until one is empty."""
        paginator = {"type": "offset", "limit": size, "total_path": None, "stop_after_empty_page": True}
        endpoint = {"path": "things", "params": {"start": "{start}", "end": "{end}"}, "data_selector": "items"}
        resources = [{"name": "things", "endpoint": {**endpoint, "paginator": paginator}}]
        return {"attempts": 1, **options, "rest_api": {"client": {"base_url": self.url}, "resources": resources}}


@pytest.fixture
def api() -> Iterator[Api]:
    """An HTTP server on loopback, for one test."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(json.loads(body) if body.startswith("{") else dict(parse_qsl(body)))

        def _answer(self, asked: dict[str, Any]) -> None:
            url = urlsplit(self.path)
            found.paths.append(url.path)
            found.headers.append(dict(self.headers))
            found.asked.append(asked)
            status, body, *headers = found.answer(url.path, found.asked[-1], len(found.asked))
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            sent = {"Content-Type": "application/json", "Content-Length": str(len(payload))}
            for name, value in (sent | (headers[0] if headers else {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_arguments: object) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found = Api(f"http://127.0.0.1:{server.server_port}/")
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def small(monkeypatch):
    """Slices of four rows, one a call."""
    monkeypatch.setattr(slices, "SLICE_ROWS", 4)
    monkeypatch.setattr(passes, "_time_for_another", lambda *_: False)


def all_calls(bench, extract, start=None, end=None, between=lambda: None, *, dry_run=False):
    """The answers until nothing remains, each `remaining` having gone through JSON."""
    source, answers, pending = bench.source(extract), [], {}
    while pending is not None:
        answers.append(bench.call(source, start, end, remaining=pending, dry_run=dry_run))
        pending = json.loads(json.dumps(answers[-1]["remaining"]))
        between()
        assert len(answers) < 20
    return answers
