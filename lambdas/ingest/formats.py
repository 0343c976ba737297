"""Files on disk to rows in the spool. Nothing is guessed: CSV is text, numbers of JSON and Parquet keep their type."""

import codecs
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lambdas.common.decimals import as_digits, wide_decimals
from lambdas.common.errors import SourceError
from lambdas.common.names import find_twins
from lambdas.common.run_ends import without_run_ends
from lambdas.common.source import FORMATS
from lambdas.ingest.columns import File, Unreadable, broken_columns
from lambdas.ingest.csv_files import read_csv_files
from lambdas.ingest.exact_json import parse
from lambdas.ingest.job import Job
from lambdas.ingest.json_files import read_json
from lambdas.ingest.spool import Rows

# the file and the row at which a slice ends
Stopped = tuple[int, int] | None


def read_files(job: Job, paths: Sequence[Path], skip: int = 0) -> tuple[Rows, Stopped]:
    """The rows of these files, which all have the configured format, but for the first `skip`.

    Where a slice is full, the file and the row at which it ends come with the rows.

    Raises:
        SourceError: the format is unknown, or a file breaks it; says which file and where.
    """
    kind = job.config.get("format")
    if kind not in FORMATS:
        raise SourceError(f"filesystem: format is {kind!r}; allowed are {', '.join(FORMATS)}")
    try:
        return _READERS[kind](job, paths, skip)
    except Unreadable as error:
        raise SourceError(
            f"filesystem: {_told(job, error.file)} cannot be read as {kind}; is it whole, and is its text UTF-8?"
        ) from None


def _told(job: Job, file: File) -> str:
    """The file, and which columns are to blame. What DuckDB says of them may show a value, and is said nowhere."""
    broken = [f"{own.name} ({own.kind})" for own in broken_columns(job.spool.connection, file)]
    return f"{file.name}: column {', '.join(broken)}" if broken else file.name


def _parquet(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, Stopped]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    readable = []
    for number, path in enumerate(paths):
        name = path.name
        try:
            schema = pq.read_schema(path)
            _refuse_twins(schema)
            if wide_decimals(schema):
                target = job.spool.folder / f"digits-{number}.parquet"
                file = pq.ParquetFile(path)
                _write_batches(file.schema_arrow, file.iter_batches(), target)
                path = target
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"filesystem: {path.name} cannot be read as parquet: {error}") from error
        except ValueError as error:
            raise SourceError(f"filesystem: {path.name}: {error}") from error
        readable.append(File(name, f"read_parquet({job.spool.link(path)})"))
    return job.spool.tables(readable, skip)


def _arrow(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, Stopped]:
    """Arrow IPC, file or stream, by way of Parquet: one record batch in memory at a time."""
    import pyarrow as pa

    readable = []
    for number, path in enumerate(paths):
        target = job.spool.folder / f"arrow-{number}.parquet"
        try:
            _arrow_to_parquet(path, target)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"filesystem: {path.name} is no Arrow file: {error}") from error
        except pa.ArrowException as error:
            raise SourceError(f"filesystem: {path.name} cannot be read as arrow: {error}") from error
        except ValueError as error:
            raise SourceError(f"filesystem: {path.name}: {error}") from error
        readable.append(File(path.name, f"read_parquet({job.spool.link(target)})"))
    return job.spool.tables(readable, skip)


def _arrow_to_parquet(path: Path, target: Path) -> None:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
        else:
            file.seek(0)
            reader = pa.ipc.open_stream(file)
            batches = iter(reader)
        _refuse_twins(reader.schema)
        _refuse_unknown(reader.schema)
        _write_batches(reader.schema, batches, target)


def _write_batches(schema: Any, batches: Iterable[Any], target: Path) -> None:
    """The batches as Parquet that DuckDB reads exactly."""
    import pyarrow.parquet as pq

    kept = as_digits(without_run_ends(schema.empty_table())).schema
    with pq.ParquetWriter(target, kept) as writer:
        for batch in batches:
            writer.write_batch(as_digits(without_run_ends(batch)))


def _refuse_twins(schema: Any) -> None:
    """Raise ValueError where DuckDB would give one of two columns another name, as it does in an object under raw/."""
    if twins := find_twins(schema.names):
        raise ValueError(f"two columns are named {twins[0]!r} and {twins[1]!r}: which one is meant?")


def _refuse_unknown(schema: Any) -> None:
    """Raise ValueError where Parquet, and so a raw object, cannot have a type of Arrow's; names the columns."""
    if not _is_known(schema):
        unknown = ", ".join(f"{field.name} ({field.type})" for field in schema if not _is_known([field]))
        raise ValueError(f"column {unknown} has a type that raw objects cannot have; write texts")


def _is_known(fields: Iterable[Any]) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(as_digits(without_run_ends(pa.schema(fields).empty_table())), io.BytesIO())
    except pa.ArrowNotImplementedError:
        return False
    return True


def _ndjson(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, Stopped]:
    return job.keep_each([_lines(path) for path in paths], skip)


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                _require_utf8(line, path.name)
                line = line.removeprefix(codecs.BOM_UTF8)
            if not line.isspace():
                yield _parsed(line, f"{path.name}: line {number}")


def _require_utf8(line: bytes, name: str) -> None:
    encoding = json.detect_encoding(line)
    if not encoding.startswith("utf-8"):
        raise SourceError(
            f"filesystem: {name} is {encoding.upper()}; NDJSON is read as UTF-8 alone, so write it as that"
        )


def _json(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, Stopped]:
    selector = (job.config.get("json") or {}).get("data_selector")
    return job.keep_each([read_json(path, None if selector is None else str(selector)) for path in paths], skip)


def _parsed(text: bytes | str, place: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise SourceError(f"filesystem: {place}: no JSON: {error}") from error


_READERS: dict[str, Callable[[Job, Sequence[Path], int], tuple[Rows, Stopped]]] = {
    "csv": read_csv_files,
    "ndjson": _ndjson,
    "json": _json,
    "parquet": _parquet,
    "arrow": _arrow,
}
