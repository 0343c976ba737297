"""The API's handler beside its two statements done by hand, a late page beside the first, its cold import beside the
driver's, and its throughput beside Datasette's on the same rows."""

import datetime as dt
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambdas.common.db import redshift
from tests.api.warehouse import ROOT
from tests.bench import api_load
from tests.bench.api_place import HEALTH, LARGE, SMALL, Place, opened
from tests.bench.timing import seconds

SIZES = (1, 100, 10_000)
PAGE, LATE_PAGE = 100, 1_000
RUNS, IMPORTS = 31, 7


def run(folder: Path) -> None:
    """Print a line a figure."""
    _imports()
    with opened(folder) as place:
        for size in SIZES:
            _beside_statements(place, size)
        _late_page(place)
        api_load.run(place, folder)


def _alternated(ours: Callable[[], Any], theirs: Callable[[], Any], runs: int) -> tuple[float, float]:
    """The medians of both in milliseconds, after a warm-up, one after the other and the order alternated."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(runs):
        for side in (0, 1) if turn % 2 else (1, 0):
            times[side].append(seconds((ours, theirs)[side]) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def _line(name: str, ours: float, theirs: float, more: str) -> None:
    print(f"{name:58} {ours:7.1f} ms {theirs:7.1f} ms   {more}", flush=True)


def _beside_statements(place: Place, size: int) -> None:
    """The same rows: asked of the handler, and by its very statements on a session of the same kind."""
    path, query = f"/v1/datasets/{SMALL}/records", f"limit={size}"
    if len(json.loads(place.get(path, query)["body"])["data"]) != size:
        raise RuntimeError(f"there are no {size} rows")
    statements = statements_of(place, query)

    ours, theirs = _alternated(
        lambda: place.get(path, query), lambda: _by_hand(place, statements), RUNS if size < 1000 else RUNS // 3
    )
    budget = "budget + 5 ms" if size == 100 else ""
    _line(f"API, {size:,} rows | its two statements by hand", ours, theirs, f"+ {ours - theirs:.1f} ms   {budget}")


def _by_hand(place: Place, statements: list[Any]) -> None:
    for statement in statements:
        redshift.query(place.connection, statement.sql, statement.values)
    redshift.rollback(place.connection)


def statements_of(place: Place, query: str, dataset: str = SMALL) -> list[Any]:
    """The statements of the handler for the records of a dataset."""
    from urllib.parse import parse_qs

    from chalicelib.coverage import compile_coverage  # type: ignore[import-not-found]
    from chalicelib.parameters import read_records  # type: ignore[import-not-found]
    from chalicelib.query import compile_records  # type: ignore[import-not-found]

    asked = read_records(place.service._catalogue().dataset(dataset), parse_qs(query))
    return [compile_coverage(asked.selection), compile_records(asked)]


def _late_page(place: Place) -> None:
    """A page in the middle of a walk through 3 M rows: its cursor is made, not walked to."""
    from chalicelib.cursor import write_cursor  # type: ignore[import-not-found]
    from chalicelib.parameters import read_records  # type: ignore[import-not-found]

    dataset = place.service._catalogue().dataset(LARGE)
    query = {"limit": [str(PAGE)]}
    asked = read_records(dataset, query)
    last = (LATE_PAGE - 1) * PAGE - 1
    values = {"id": last, "at": dt.datetime(2024, 3, 1) + dt.timedelta(seconds=last)}
    kinds = [dataset.kind(name) for name in asked.order]
    cursor = write_cursor(asked.digest, "", kinds, [values[name] for name in asked.order])
    path = f"/v1/datasets/{LARGE}/records"
    if f'"id":{last + 1},' not in place.get(path, f"limit={PAGE}&cursor={cursor}")["body"]:
        raise RuntimeError("the cursor leads to another page")
    queries = (f"limit={PAGE}&cursor={cursor}", f"limit={PAGE}")
    late, first = _alternated(lambda: place.get(path, queries[0]), lambda: place.get(path, queries[1]), 5)
    _line(f"API, 3 M rows, page {LATE_PAGE:,} | page 1", late, first, f"ratio {late / first:5.2f}   budget = page 1")
    # What is above 1 is the endpoint's: it has no zone maps, and compares each of the rows with the position. Redshift
    # skips the blocks before it, and the handler does the same for both pages.
    by_hand = [statements_of(place, query, LARGE) for query in queries]
    late, first = _alternated(lambda: _by_hand(place, by_hand[0]), lambda: _by_hand(place, by_hand[1]), 5)
    _line("  their statements by hand | the same", late, first, f"+ {late - first:.1f} ms of comparing rows")


def _imports() -> None:
    """The least of several fresh processes, without the interpreter's own start."""
    app = f"import sys; sys.path[:0] = [{str(ROOT / 'api_chalice')!r}, {str(ROOT)!r}]; import app"
    # Chalice's client for tests would import more than all the rest
    health = f"; assert app.app({HEALTH}, None)['statusCode'] == 200"
    codes = {"nothing": "pass", "handler": app, "health": app + health, "driver": "import redshift_connector"}
    found = {name: min(_fresh(code) for _ in range(IMPORTS)) for name, code in codes.items()}
    own = {name: taken - found["nothing"] for name, taken in found.items()}
    _line("cold import: handler | redshift_connector alone", own["handler"], own["driver"], "")
    _line("  with the first answer of health | the same", own["health"], own["driver"], "")


def _fresh(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000
