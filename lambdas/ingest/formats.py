"""Files on disk to rows in the spool. Nothing is guessed: CSV is text, numbers of JSON and Parquet keep their type."""

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from lambdas.common.errors import SourceError
from lambdas.ingest.job import Job
from lambdas.ingest.spool import Rows, literal

LARGEST_OBJECT = 256 * 1024 * 1024
CSV_OPTIONS = {"delimiter": ",", "quote": '"', "escape": '"', "encoding": "utf-8"}
# read_csv takes no text at all for NULL only if its word for NULL cannot occur
NO_NULL_WORD = "\x01\x02\x01"


def read_files(job: Job, paths: Sequence[Path]) -> Rows:
    """The rows of these files, which all have the configured format.

    Raises:
        SourceError: the format is unknown, or a file breaks it; says which file and where.
    """
    kind = job.config.get("format")
    if kind not in _READERS:
        raise SourceError(f"filesystem: format is {kind!r}; allowed are {', '.join(_READERS)}")
    import duckdb

    try:
        return _READERS[kind](job, paths)
    except duckdb.Error as error:
        raise SourceError(f"filesystem: cannot be read as {kind}: {error}") from error


def _csv(job: Job, paths: Sequence[Path]) -> Rows:
    given = job.config.get("csv") or {}
    unknown = set(given) - set(CSV_OPTIONS)
    if unknown:
        raise SourceError(f"filesystem: csv takes {sorted(CSV_OPTIONS)}, not {sorted(unknown)}")
    options = {**CSV_OPTIONS, **given}
    return job.spool.tables([_csv_relation(path, options) for path in paths])


def _csv_relation(path: Path, options: Mapping[str, str]) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in _header(path, options))
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = {literal(options['delimiter'])}, quote = {literal(options['quote'])}, "
        f"escape = {literal(options['escape'])}, encoding = {literal(options['encoding'])}, "
        f"nullstr = {literal(NO_NULL_WORD)})"
    )


def _header(path: Path, options: Mapping[str, str]) -> list[str]:
    """The names in the first line; one that is empty or comes again gets a number."""
    encoding = "utf-8-sig" if options["encoding"].lower() in ("utf-8", "utf8") else options["encoding"]
    try:
        with path.open(encoding=encoding, newline="") as file:
            line = next(csv.reader(file, delimiter=options["delimiter"], quotechar=options["quote"] or None), [])
    except (UnicodeError, LookupError, csv.Error) as error:
        raise SourceError(f"filesystem: {path.name}: the header cannot be read: {error}") from error
    if not line:
        raise SourceError(f"filesystem: {path.name} is empty: a CSV needs a header")
    return list(_distinct(line))


def _distinct(names: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        candidate, number = name or f"column{place}", 0
        while candidate.lower() in seen:
            number += 1
            candidate = f"{name}_{number}"
        seen.add(candidate.lower())
        yield candidate


def _parquet(job: Job, paths: Sequence[Path]) -> Rows:
    return job.spool.tables([f"read_parquet({literal(str(path))})" for path in paths])


def _arrow(job: Job, paths: Sequence[Path]) -> Rows:
    """Arrow IPC, file or stream, by way of Parquet: one record batch in memory at a time."""
    import pyarrow as pa

    relations = []
    for number, path in enumerate(paths):
        target = job.spool.folder / f"arrow-{number}.parquet"
        try:
            _arrow_to_parquet(path, target)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"filesystem: {path.name} is no Arrow file: {error}") from error
        relations.append(f"read_parquet({literal(str(target))})")
    return job.spool.tables(relations)


def _arrow_to_parquet(path: Path, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.memory_map(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
        else:
            file.seek(0)
            reader = pa.ipc.open_stream(file)
            batches = iter(reader)
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _ndjson(job: Job, paths: Sequence[Path]) -> Rows:
    return job.keep(record for path in paths for record in _lines(path))


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not line.isspace():
                yield _parsed(line, f"{path.name}: line {number}")


def _json(job: Job, paths: Sequence[Path]) -> Rows:
    selector = (job.config.get("json") or {}).get("data_selector")
    read = _array if selector is None else partial(_envelope, selector=str(selector))
    return job.keep(record for path in paths for record in read(job, path))


def _array(job: Job, path: Path) -> Iterator[Any]:
    """The elements of a JSON array, a few at a time; an object alone is one record."""
    relation = f"read_json_objects({literal(str(path))}, format = 'auto', maximum_object_size = {LARGEST_OBJECT})"
    # a cursor of its own: the records are written through the spool's connection
    reader = job.spool.connection.cursor().sql(f"SELECT json FROM {relation}").to_arrow_reader(1000)
    for batch in reader:
        for number, text in enumerate(batch.column(0).to_pylist(), start=1):
            yield _parsed(text, f"{path.name}: record {number}")


def _envelope(job: Job, path: Path, *, selector: str) -> Iterator[Any]:
    """The list at a path of names joined by dots. The file is read into memory: an envelope cannot be cut."""
    found = _parsed(path.read_bytes(), path.name)
    for name in selector.removeprefix("$.").split("."):
        if not isinstance(found, dict) or name not in found:
            raise SourceError(f"filesystem: {path.name} has nothing at {name!r} of json.data_selector {selector!r}")
        found = found[name]
    if not isinstance(found, list):
        raise SourceError(f"filesystem: {path.name}: json.data_selector {selector!r} is no list")
    yield from found


def _parsed(text: bytes | str, place: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SourceError(f"filesystem: {place}: no JSON: {error}") from error


_READERS: dict[str, Callable[[Job, Sequence[Path]], Rows]] = {
    "csv": _csv,
    "ndjson": _ndjson,
    "json": _json,
    "parquet": _parquet,
    "arrow": _arrow,
}
