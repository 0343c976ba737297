"""A sample of a source: its rows as ingest would keep them, and the `extract` block that reads the very same."""

import gzip
import io
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from lambdas.common.contract.model import MOST_COLUMNS
from lambdas.common.decimals import MOST_DIGITS, as_digits, wide_decimals
from lambdas.common.errors import RequestError
from lambdas.common.names import find_twins
from lambdas.common.propose import csv_sample, json_sample
from lambdas.common.propose.foreign import refuse_foreign, refuse_workbook
from lambdas.common.propose.records import table_of_records
from lambdas.common.run_ends import without_run_ends
from lambdas.common.source import ENDINGS, FORMATS, archive_members

MOST_ROWS = 100_000
MOST_BYTES = 512 << 20
SECONDS = 60
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(slots=True)
class Sample:
    """`table` is Arrow, with texts where the source gives texts; nested values are still nested for Parquet and Arrow.

    `key` are the columns that the source itself declares as key. `complete` is False where the source has more rows
    than were looked at. `notes` say what was assumed.
    """

    table: Any
    extract: dict[str, Any]
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    key: tuple[str, ...] = ()


def read_sample(where: str) -> Sample:
    """The first rows (100,000 at most) of a file, plain, gzip or in a ZIP, of a URL's answer, or of a SQLite table.

    Args:
        where: a path, an http(s) URL, or the path of a SQLite file with #table behind it where it has several.

    Raises:
        RequestError: it cannot be had or read; says why and what can.
    """
    if urlsplit(where).scheme in ("http", "https"):
        return _of_bytes(_download(where), {"bucket_url": where}, where)
    path, _, table = where.removeprefix("file://").partition("#")
    found = Path(path).expanduser().resolve()
    if "://" in where and not where.startswith("file://"):
        raise RequestError(f"{where}: can look at files, http(s):// and SQLite; for others write the two files by hand")
    if not found.is_file():
        raise RequestError(f"{found} is no file; FROM takes a file, an http(s) URL or a SQLite file")
    if found.stat().st_size > MOST_BYTES:
        raise RequestError(f"{found} has more than {MOST_BYTES >> 20} MiB; give a part of it, and then mend the glob")
    with found.open("rb") as file:
        if file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC:
            return _of_sqlite(found, table)
    extract = {"bucket_url": str(found.parent), "file_glob": _glob(found.name)}
    sample = _of_bytes(found.read_bytes(), extract, found.name)
    sample.notes.append(f"defs.yaml reads {found}: on AWS put the files under s3:// and name that as bucket_url")
    return sample


def _glob(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _download(url: str) -> bytes:
    import requests

    try:
        with requests.get(url, timeout=SECONDS, stream=True) as response:
            if not response.ok:
                raise RequestError(f"GET {url} answered {response.status_code} {response.reason}")
            body = b""
            for chunk in response.iter_content(1 << 20):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise RequestError(f"{url} gives more than {MOST_BYTES >> 20} MiB; ask it for fewer days")
            return body
    except requests.RequestException as error:
        raise RequestError(f"GET {url}: {type(error).__name__}: {error}") from error


def _of_bytes(body: bytes, extract: dict[str, Any], name: str) -> Sample:
    content, packed, notes = _unpacked(body, name)
    if not content.strip():
        raise RequestError(f"{name} is empty: there is nothing to propose from")
    table, options, complete = _read(content, name, notes)
    if twins := find_twins(table.column_names):
        raise RequestError(f"{name}: two columns are named {twins[0]!r} and {twins[1]!r}: which one is meant?")
    table = _in_digits(table, name, notes)
    notes += _duration_notes(table.schema)
    if not table.num_rows or not table.num_columns:
        raise RequestError(f"{name} has no rows: a sample needs some")
    if table.num_columns > MOST_COLUMNS:
        raise RequestError(f"{name} has {table.num_columns:,} columns; a table has at most {MOST_COLUMNS:,}")
    if not complete:
        notes.append(f"looked at the first {table.num_rows:,} rows only; later ones may not fit")
    if "http" in extract["bucket_url"][:4]:
        notes.append(
            "defs.yaml asks for this one answer as a whole; a source with pages or days in its parameters wants "
            "rest_api (docs/sources.md)"
        )
    return Sample(table, {"filesystem": {**extract, **packed, **options}}, complete, notes)


def _unpacked(body: bytes, name: str) -> tuple[bytes, dict[str, Any], list[str]]:
    """What a gzip or ZIP file holds, told by its first bytes; of a ZIP the first member, and how those are chosen."""
    try:
        if body.startswith(b"\x1f\x8b"):
            return gzip.decompress(body), {}, []
        if body.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                refuse_workbook(archive.namelist(), name)
                members, packed, notes = _choose_members(archive, name)
                return archive.read(members[0]), packed, notes
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise RequestError(f"{name} cannot be unpacked: {error}") from error
    return body, {}, []


def _choose_members(archive: zipfile.ZipFile, name: str) -> tuple[list[str], dict[str, Any], list[str]]:
    """The members that are data: all, or those of the ending that most bytes have; and what defs.yaml says of it."""
    found = archive_members(archive.namelist())
    if not found:
        raise RequestError(f"{name} holds no file")
    bytes_of: Counter[str] = Counter()
    for member in found:
        bytes_of[PurePosixPath(member).suffix.lower()] += archive.getinfo(member).file_size
    known = [ending for ending in bytes_of if ending[1:] in (*FORMATS, *ENDINGS)] or list(bytes_of)
    ending = max(known, key=lambda one: bytes_of[one])
    members = [member for member in found if PurePosixPath(member).suffix.lower() == ending]
    notes = [f"looked at {members[0]} of {len(members)} files in the ZIP"] if len(members) > 1 else []
    if len(members) == len(found):
        return members, {}, notes
    glob = f"*{ending}" if ending else _glob(members[0])
    left = ", ".join(member for member in found if member not in archive_members(found, glob))
    notes.append(f"of the ZIP defs.yaml reads {glob}, and passes over {left} (members)")
    return members, {"members": glob}, notes


def _read(body: bytes, name: str, notes: list[str]) -> tuple[Any, dict[str, Any], bool]:
    """The table, the keys of `filesystem` that tell how to read it, and whether that is all of it."""
    refuse_foreign(body, name)
    if body.startswith(b"PAR1"):
        return *_parquet(body, name), True
    if body.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return *_arrow(body, name), True
    if json_sample.is_json(body):
        records, options = json_sample.read(body, name, notes)
        return table_of_records(records[:MOST_ROWS]), options, len(records) <= MOST_ROWS
    return csv_sample.read(body, name, notes, MOST_ROWS)


def _parquet(body: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(io.BytesIO(body)).read(), {"format": "parquet"}
    except (pa.ArrowException, OSError) as error:
        raise RequestError(f"{name} begins as Parquet and cannot be read: {error}") from error


def _in_digits(table: Any, name: str, notes: list[str]) -> Any:
    """The table as ingest keeps it, with decimals that nothing here holds as texts."""
    if wide := wide_decimals(table.schema):
        notes.append(
            f"{', '.join(wide)}: decimals of more than {MOST_DIGITS} digits, kept as texts in raw objects; "
            f"decimal({MOST_DIGITS},s) takes those that fit and rejects the others, double precision rounds"
        )
    try:
        return as_digits(table)
    except ValueError as error:
        raise RequestError(f"{name}: {error}, which cannot be kept; write texts") from error


def _duration_notes(schema: Any) -> list[str]:
    """In what the whole numbers count that ingest makes of durations."""
    import pyarrow as pa

    return [
        f"{field.name}: a duration, kept as its number of {UNITS[field.type.unit]}"
        for field in schema
        if pa.types.is_duration(field.type)
    ]


def _arrow(body: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    import pyarrow as pa

    try:
        reader = pa.ipc.open_file(body) if body.startswith(b"ARROW1") else pa.ipc.open_stream(body)
        return without_run_ends(reader.read_all()), {"format": "arrow"}
    except (pa.ArrowInvalid, OSError) as error:
        raise RequestError(f"{name} begins as Arrow and cannot be read: {error}") from error


def _of_sqlite(path: Path, table: str) -> Sample:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        known = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
        known = [name for name in known if not name.startswith("sqlite_")]
        chosen = table or (known[0] if len(known) == 1 else "")
        if chosen not in known:
            raise RequestError(f"{path} has the tables {', '.join(known) or '(none)'}; name one behind a #")
        quoted = '"' + chosen.replace('"', '""') + '"'
        cursor = connection.execute(f"SELECT * FROM {quoted} LIMIT {MOST_ROWS + 1}")
        records = list(_records(cursor))
        parts = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", [chosen])
        key = tuple(row[0] for row in parts)
    except sqlite3.Error as error:
        raise RequestError(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()
    if not records:
        raise RequestError(f"the table {chosen} of {path} has no rows: a sample needs some")
    notes = ["the table is read whole; with window_column only the rows of the days asked for are (docs/sources.md)"]
    # a dot in table stands behind a schema
    asked = {"query": f"SELECT * FROM {quoted}"} if "." in chosen else {"table": chosen}
    extract = {"sql_database": {"url": f"sqlite:///{path}", **asked}}
    return Sample(table_of_records(records[:MOST_ROWS]), extract, len(records) <= MOST_ROWS, notes, key)


def _records(cursor: Any) -> Iterator[dict[str, Any]]:
    names = [item[0] for item in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))
