"""What a load costs as the table grows, as its day lies early or late, and as its rows come in more objects."""

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.process.work import Request
from tests.bench.engine import make_raw
from tests.bench.timing import compare, line, seconds
from tests.bench.warehouse import DAY, Place, new_bodies, opened, stamp
from tests.process.source import Source

DAYS, ROWS_A_DAY = 30, 100_000
FIRST_ROWS = 500_000
GROWN = (1, 2, 4, 8)
LOADED_ROWS = 10_000
OBJECTS, ROWS_IN_ALL = (1, 10, 100), 300_000
RUNS = 3
# More than any load here takes: none may break off.
SECONDS = 600


def run(folder: Path) -> None:
    """Print the three parts."""
    with opened(folder) as place:
        _reload_days(place)
        _grow(place)
        _split_objects(place)


def _reload_days(place: Place) -> None:
    """A day that is loaded again in a table of 3 M rows whose key holds the event time."""
    source = place.source("days", key=("id", "at"))
    first, last = DAY, DAY + dt.timedelta(days=DAYS - 1)
    rows = pq.read_table(make_raw(place.folder, ROWS_A_DAY))
    early = new_bodies(rows)
    late = new_bodies(rows.set_column(rows.schema.get_field_index("at"), "at", _shifted(rows, DAYS - 1)))
    _load(source, first, early)
    columns = ", ".join(f'"{c.name}"' for c in source.contract.columns if c.name != "at")
    for number in range(1, DAYS - 1):
        place.run(*(_copy_of_day(f"{schema}.days", columns, number) for schema in ("history", "core")))
    _load(source, last, late)
    ours, theirs = compare(lambda: _load(source, last, late), lambda: _load(source, first, early))
    print(line("a day again in 3 M rows, time in the key: last | first", ours, theirs, "<= 1.5"), flush=True)


def _shifted(rows: pa.Table, days: int) -> pa.Array:
    later = dt.timedelta(days=days)
    return pa.array([str(dt.datetime.fromisoformat(text) + later) for text in rows["at"].to_pylist()])


def _copy_of_day(table: str, columns: str, number: int) -> str:
    """SQL that fills another day with the first day's rows."""
    first = f"_raw_key LIKE '%/data_{stamp(DAY)}.parquet'"
    return (
        f"INSERT INTO {table} (at, {columns}, _raw_key, _raw_row, _loaded_at) "
        f"SELECT DATEADD(day, {number}, at), {columns}, 'filled', _raw_row, _loaded_at FROM {table} WHERE {first}"
    )


def _grow(place: Place) -> None:
    """10,000 rows by key into tables that double, the event time not in the key; seconds a million rows more."""
    source = place.source("growing", key=("id",))
    whole = pq.read_table(make_raw(place.folder, FIRST_ROWS))
    _load(source, DAY, new_bodies(whole))
    day, bodies = DAY + dt.timedelta(days=1), new_bodies(whole.slice(0, LOADED_ROWS))
    times = {}
    for grown in GROWN:
        if grown > 1:
            place.run(*(_doubled(source, schema, grown // 2) for schema in ("history", "core")))
        _load(source, day, bodies)
        million = grown * FIRST_ROWS / 1e6
        times[million] = statistics.median(_seconds_of_load(source, day, [bodies]) for _ in range(RUNS))
        print(f"{f'10,000 rows by key into {million:g} M rows':58} {times[million]:8.2f} s", flush=True)
    slope = statistics.linear_regression(list(times), list(times.values())).slope
    print(f"{'  slope: seconds for each further million rows':58} {slope:8.2f} s", flush=True)


def _doubled(source: Source, schema: str, half: int) -> str:
    """SQL that doubles a table of `half` x 500,000 rows under new ids."""
    table = f"{schema}.{source.contract.name}"
    names = [f'"{c.name}"' for c in source.contract.columns if c.name != "id"]
    rest = ", ".join([*names, "_raw_row", "_loaded_at"])
    return (
        f"INSERT INTO {table} (id, _raw_key, {rest}) "
        f"SELECT id + {half * FIRST_ROWS}, 'filled', {rest} FROM {table} WHERE id < {half * FIRST_ROWS}"
    )


def _split_objects(place: Place) -> None:
    """The same rows in one object and in many; seconds from the request until all are committed."""
    rows = pq.read_table(make_raw(place.folder, ROWS_IN_ALL))
    one = 0.0
    for count in OBJECTS:
        source, size = place.source(f"objects_{count}"), ROWS_IN_ALL // count
        parts = [new_bodies(rows.slice(part * size, size)) for part in range(count)]
        taken = statistics.median(_seconds_of_load(source, DAY, parts) for _ in range(RUNS))
        one = one or taken
        print(line(f"300,000 rows in {count} objects | in one", taken, one, "-"), flush=True)


def _seconds_of_load(source: Source, day: dt.date, parts: list[Iterator[bytes]]) -> float:
    """Put the objects of a day anew; how long it takes to load them."""
    for number, bodies in enumerate(parts):
        source.put_bytes(day, stamp(day, number), next(bodies))
    return seconds(lambda: _loaded(source, day))


def _load(source: Source, day: dt.date, bodies: Iterator[bytes]) -> None:
    source.put_bytes(day, stamp(day), next(bodies))
    _loaded(source, day)


def _loaded(source: Source, day: dt.date) -> None:
    request = Request(day, day + dt.timedelta(days=1), "bench", "", time.monotonic() + SECONDS)
    summary = source.loader.load(request)
    if summary.remaining or summary.bad:
        raise RuntimeError(f"the load did not do what is measured: {summary}")
