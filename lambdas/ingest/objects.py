"""Raw objects as files: zstd Parquet whose bytes depend on the rows and on nothing else."""

import datetime as dt
import hashlib
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.ingest.days import Dated, Day
from lambdas.ingest.kinds import arrow_type
from lambdas.ingest.spool import Rows

PART_BYTES = 32 * 1024 * 1024
# compression runs outside of Python's lock; more at once would only hold more parts in memory
ENCODERS = 2
ROW_GROUP_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """A Parquet file that is ready to be put. `md5` is in hexadecimal digits, as S3 shows an ETag."""

    path: Path
    md5: str
    size: int
    rows: int


def encode_days(dated: Dated, days: Sequence[Day], contract: Contract) -> Iterator[tuple[dt.date, int, Encoded]]:
    """The objects of these days, all between the first and the last: the day, the number of the part, the file."""
    folder = dated.spool.folder / "objects"
    folder.mkdir(exist_ok=True)
    by_day = {day.day: day for day in days}
    pending: deque[tuple[dt.date, int, Future[Encoded]]] = deque()
    with ThreadPoolExecutor(ENCODERS) as pool:
        for number, (day, part, batches) in enumerate(_parts(dated, days)):
            table = _table(batches, dated.rows, by_day[day], contract)
            pending.append((day, part, pool.submit(_write, table, folder / f"{number:06d}.parquet")))
            if len(pending) > ENCODERS:
                yield _done(*pending.popleft())
        for item in pending:
            yield _done(*item)


def _done(day: dt.date, part: int, encoded: "Future[Encoded]") -> tuple[dt.date, int, Encoded]:
    return day, part, encoded.result()


def encode_empty(folder: Path, contract: Contract) -> Encoded:
    """The object of an empty day: the contract's raw columns as text, and no row."""
    import pyarrow as pa

    table = pa.table({name: pa.array([], pa.string()) for name in contract.raw_columns})
    return _write(table, folder / "empty.parquet")


def _parts(dated: Dated, days: Sequence[Day]) -> Iterator[tuple[dt.date, int, list[Any]]]:
    """Runs of batches, one run an object; where a part ends depends on its day's rows alone."""
    by_day = {day.day: day for day in days}
    for day, batches in itertools.groupby(dated.batches(days), key=itemgetter(0)):
        limit, part, held, count = _part_rows(by_day[day]), 0, [], 0
        for _, batch in batches:
            while batch.num_rows:
                held.append(batch.slice(0, limit - count))
                count += held[-1].num_rows
                batch = batch.slice(held[-1].num_rows)
                if count == limit:
                    yield day, part, held
                    part, held, count = part + 1, [], 0
        if held:
            yield day, part, held


def _part_rows(day: Day) -> int:
    return day.count if day.bytes <= PART_BYTES else max(1, day.count * PART_BYTES // day.bytes)


def _table(batches: Sequence[Any], rows: Rows, day: Day, contract: Contract) -> Any:
    """The batches under their raw names: what the contract reads first, then the rest by the alphabet.

    A column that no file of a table has is left out, so that its loss shows; one of records may just have no value.
    A JSON column has the type that all its values of the day agree on, and is left out where the contract does
    not read it and the day has no value of it: a range and a single day must give the same object.
    """
    import pyarrow as pa

    found = pa.Table.from_batches(batches).combine_chunks()
    columns = {}
    read = {name.lower(): name for name in contract.raw_columns}
    places = {name.lower(): place for place, name in sorted(enumerate(rows.names), key=itemgetter(1))}
    for folded in read | places:
        place = places.get(folded)
        if place is None:
            if rows.sparse:
                columns[read[folded]] = pa.nulls(found.num_rows, pa.string())
        elif rows.types[place] != "JSON":
            columns[rows.names[place]] = found.column(f"spool {place}")
        elif day.kinds[place] or folded in read:
            columns[rows.names[place]] = found.column(f"spool {place}").cast(arrow_type(day.kinds[place]))
    return pa.table(columns)


def _write(table: Any, path: Path) -> Encoded:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, _md5).hexdigest()
    return Encoded(path, md5, path.stat().st_size, table.num_rows)


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
