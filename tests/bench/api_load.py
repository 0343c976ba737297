"""Requests a second, and how long they take, under parallel clients: the handler, and Datasette on the same rows.

Each server is one process. Ours asks the warehouse over a socket and tells coverage with every page; Datasette reads
a file of its own with an index on the time, and is asked for neither counts nor facets.
"""

import http.client
import json
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lambdas.common.db import redshift
from tests.api.warehouse import ROOT
from tests.bench.api_place import SMALL, Place
from tests.environments import python_of

CLIENTS, SECONDS, PAGE, FIRST_SECONDS = 4, 5.0, 100, 60
COLUMNS = ("id", "at", "station", "kind", "celsius", "humidity", "count", "note")


def run(place: Place, folder: Path) -> None:
    """Print a line a server."""
    database = _copy(place, folder / "small.db")
    ours = [sys.executable, "-m", "tests.bench.api_server", str(place.endpoint.port), str(folder / "assets")]
    theirs = [
        str(python_of("servers")),
        "-m",
        "datasette",
        "serve",
        str(database),
        "--setting",
        "max_returned_rows",
        "1000",
    ]
    with serving([*theirs, "--port"], "/small/small.json?_size=1") as port:
        datasette = _load(port, _datasette_page)
    with serving([*ours, "--port"], f"/v1/datasets/{SMALL}/records?limit=1") as port:
        handler = _load(port, _api_page)
    for name, times in (("handler", handler), ("Datasette", datasette)):
        _print(name, times)


def _copy(place: Place, path: Path) -> Path:
    """The small table as a SQLite file."""
    rows = redshift.query(place.connection, f"SELECT {', '.join(COLUMNS)} FROM core.{SMALL}")
    redshift.rollback(place.connection)
    with sqlite3.connect(path) as file:
        file.execute(f"CREATE TABLE {SMALL} ({', '.join(COLUMNS)}, PRIMARY KEY (id))")
        values = [tuple(str(v) if name == "at" else v for name, v in row.items()) for row in rows]
        file.executemany(f"INSERT INTO {SMALL} VALUES ({', '.join('?' * len(COLUMNS))})", values)
        file.execute(f"CREATE INDEX by_time ON {SMALL} (at)")
    return path


def _moment() -> str:
    return f"2024-03-01T{random.randrange(5):02}:{random.randrange(60):02}:{random.randrange(60):02}"


def _api_page() -> str:
    return f"/v1/datasets/{SMALL}/records?from={_moment()}&limit={PAGE}"


def _datasette_page() -> str:
    asked = f"at__gte={_moment().replace('T', '+')}&_sort=at&_size={PAGE}"
    return f"/small/{SMALL}.json?{asked}&_shape=objects&_nofacet=1&_nosuggest=1&_nocount=1"


@contextmanager
def serving(command: list[str], path: str) -> Iterator[int]:
    """A server on a spare port, once it answers."""
    with socket.socket() as spare:
        spare.bind(("127.0.0.1", 0))
        port = int(spare.getsockname()[1])
    process = subprocess.Popen([*command, str(port)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + FIRST_SECONDS
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no answer of {command}")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int, path: str) -> bool:
    try:
        return bool(_ask(http.client.HTTPConnection("127.0.0.1", port, timeout=30), path))
    except OSError:
        return False


def _ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    found = connection.getresponse()
    body = found.read()
    if found.status != 200:
        raise RuntimeError((path, found.status, body[:500]))
    return body


def _load(port: int, page: Callable[[], str]) -> list[float]:
    """Seconds of every request that the clients got through, each on a connection of its own."""
    ends = time.monotonic() + SECONDS

    def client() -> list[float]:
        times = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() < ends:
            began = time.perf_counter()
            body = _ask(connection, page())
            times.append(time.perf_counter() - began)
        document = json.loads(body)
        if len(document.get("data") or document.get("rows") or ()) != PAGE:
            raise RuntimeError(f"not the page that was asked for: {body[:500]!r}")
        return times

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client) for _ in range(CLIENTS)]
        return [taken for one in clients for taken in one.result()]


def _print(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    told = f"p50 {cuts[49] * 1000:.1f} ms   p99 {cuts[98] * 1000:.1f} ms"
    print(f"{f'{name}, {PAGE} rows, {CLIENTS} clients':58} {len(times) / SECONDS:7.1f} /s   {told}", flush=True)
