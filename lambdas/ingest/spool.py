"""What one pass has extracted: a folder and a DuckDB database that spills into it, gone when the pass ends.

A table holds the rows in the source's order, its columns named `spool 0`, `spool 1`, ... so that no name of a source
can collide with another or with SQL.
"""

import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

from lambdas.common.contract.model import MOST_RAW_COLUMNS
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import SourceError
from lambdas.ingest import slices
from lambdas.ingest.agreement import agree, as_kept
from lambdas.ingest.columns import File, Own, all_names, own_columns, reading
from lambdas.ingest.records import write_records
from lambdas.ingest.windows import Asked

logger = logging.getLogger(__name__)

LEAST_OBJECT_SIZE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rows:
    """The extracted rows: column `spool <i>` of table `extracted` is the raw column `names[i]`.

    `types` are DuckDB's. JSON means: whatever the record held, typed only when objects are written. `sparse` rows are
    records that leave out what has no value. `following` says where the next slice of the source begins, if there is
    one; `asked` how a window was asked for, where more may have come than its rows.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    count: int
    sparse: bool = False
    following: Mapping[str, Any] | None = None
    asked: Asked | None = None

    def place(self, name: str) -> int | None:
        """The number of the raw column, however it is capitalised; None where no row has it."""
        folded = [known.lower() for known in self.names]
        return folded.index(name.lower()) if name.lower() in folded else None


def column(place: int) -> str:
    """The identifier of a column of the table."""
    return f'"spool {place}"'


class Spool:
    """A folder under the temporary directory, and a DuckDB connection that spills into it."""

    def __init__(self) -> None:
        import duckdb  # here and not above: the handler answers a wrong event without it

        self.folder = Path(tempfile.mkdtemp(prefix="ingest-"))
        self._links = itertools.count()
        settings = {
            "memory_limit": _memory_limit(),
            "temp_directory": str(self.folder / "spill"),
            "threads": 2,
            "preserve_insertion_order": True,  # the rows' numbers are those of the source's order
        }
        # in memory while it fits, in the folder where it does not: a database file would be written in any case
        self.connection: Any = duckdb.connect(":memory:", config=settings)
        self.connection.execute("SET TimeZone = 'UTC'")
        macro = (resources.files("lambdas.ingest") / "statements" / "kinds.sql").read_text(encoding="utf-8")
        self.connection.execute(macro)

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def records(self, records: Iterable[Any], check_time: Callable[[int], None]) -> Rows:
        """Keep records as they come; each must be a mapping. `check_time` gets their number now and then.

        Raises:
            SourceError: a record is none, or two of its keys differ in case alone.
        """
        path = self.folder / "records.ndjson"
        names, longest, count = write_records(path, records, check_time)
        return self.ndjson([path], names, count=count, longest=longest)

    def ndjson(self, paths: Sequence[Path], names: Sequence[str], *, count: int, longest: int) -> Rows:
        """Keep the records of NDJSON files whose keys are `names`."""
        if len(names) > MOST_RAW_COLUMNS:
            raise SourceError(f"{len(names):,} different keys; a raw object has at most {MOST_RAW_COLUMNS:,} columns")
        if not names:
            return self._empty_records(count)
        columns = ", ".join(f"{literal(name)}: 'JSON'" for name in names)
        size = max(LEAST_OBJECT_SIZE, longest + 1024)
        files = ", ".join(literal(str(path)) for path in paths)
        source = (
            f"read_json([{files}], format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {size})"
        )
        select = ", ".join(f"{quoted(name)} AS {column(place)}" for place, name in enumerate(names))
        self.connection.execute(f"CREATE TABLE extracted AS SELECT {select} FROM {source}")
        return Rows(tuple(names), ("JSON",) * len(names), count, sparse=True)

    def link(self, path: Path) -> str:
        """SQL of a path to the file that says nothing but where it lies.

        Of the file's own DuckDB would take `[`, `*` and `?` for a glob, and `a=b` of a folder for a column.
        """
        folder = self.folder / "links"
        folder.mkdir(exist_ok=True)
        link = folder / str(next(self._links))
        link.symlink_to(path.absolute())
        return literal(str(link))

    def tables(self, files: Sequence[File], skip: int = 0) -> tuple[Rows, tuple[int, int] | None]:
        """Keep the rows of these files, by column name, in their order.

        The first `skip` rows are passed over; where a slice is full, the file and the row at which it ends come
        with the rows. Columns keep their type where the files agree on it; nested values become JSON text.

        Raises:
            Unreadable: DuckDB cannot read a file.
        """
        owned = [own_columns(self.connection, file) for file in files]
        names = all_names(owned)
        if len(names) > MOST_RAW_COLUMNS:
            raise SourceError(f"{len(names):,} columns; a raw object has at most {MOST_RAW_COLUMNS:,}")
        types = agree(self.connection, files, owned)
        layout = ", ".join(f"{column(place)} {kind}" for place, kind in enumerate(types.values()))
        self.connection.execute(f"CREATE TABLE extracted ({layout})")
        count, stopped = 0, None
        for number, (file, owns) in enumerate(zip(files, owned, strict=True)):
            first, room = skip if number == 0 else 0, slices.SLICE_ROWS - count
            with reading(file):
                found = self._append(f"{file.relation} LIMIT {room} OFFSET {first}", owns, types)
            count += found
            if found == room:
                stopped = (number, first + found)
                break
        return Rows(tuple(names.values()), tuple(types.values()), count), stopped

    def _append(self, rows: str, owns: Mapping[str, Own], types: Mapping[str, str]) -> int:
        present = [(place, owns[name], kind) for place, (name, kind) in enumerate(types.items()) if name in owns]
        items = ", ".join(as_kept(own, kind) for _, own, kind in present)
        into = ", ".join(column(place) for place, _, _ in present)
        insert = f"INSERT INTO extracted ({into}) SELECT {items} FROM {rows}"
        return int(self.connection.execute(insert).fetchall()[0][0])

    def _empty_records(self, count: int) -> Rows:
        """Records without any key: rows of nothing, which only their number tells."""
        self.connection.execute('CREATE TABLE extracted AS SELECT NULL::JSON AS "spool 0" FROM range(?)', [count])
        return Rows((), (), count, sparse=True)


def _memory_limit() -> str:
    """Two fifths of what the function has; the rest is for Python, Arrow, requests and what DuckDB does not count."""
    megabytes = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"))
    return f"{max(256, megabytes * 2 // 5)}MB"
