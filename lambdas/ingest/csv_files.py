"""CSV files to rows of text. Nothing is guessed: dialect, encoding and header are what defs.yaml says they are."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lambdas.common.contract.model import MOST_RAW_COLUMNS
from lambdas.common.contract.sql import literal
from lambdas.common.errors import SourceError
from lambdas.common.names import distinct_names
from lambdas.ingest.columns import File, Unreadable
from lambdas.ingest.csv_copies import as_utf8, rewritten, without_comments, without_quoted_mark
from lambdas.ingest.dialect import LONGEST_LINE, NO_END, Dialect, opened, read_dialect, reader
from lambdas.ingest.job import Job
from lambdas.ingest.marks import CHUNK
from lambdas.ingest.spool import Rows, Spool

# read_csv takes no text at all for NULL only if its word for NULL cannot occur
NO_NULL_WORD = "\x01\x02\x01"
BROKEN = re.compile(r"unterminated quote|state machine", re.IGNORECASE)


def read_csv_files(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, tuple[int, int] | None]:
    """The rows of these files, each value as its text, as `formats.read_files` gives them.

    Raises:
        SourceError: an option is unknown, or a file breaks the dialect; names file and line, but no value.
    """
    dialect = read_dialect(job.config.get("csv") or {})
    folder = job.spool.folder / "csv"
    readable = [as_utf8(path, dialect.encoding, folder) for path in paths]
    if dialect.comment:
        readable = [without_comments(path, dialect, folder) for path in readable]
    files = [File(path.name, _relation(path, dialect, job.spool)) for path in readable]
    try:
        return job.spool.tables(files, skip)
    except Unreadable as error:
        if BROKEN.search(str(error.__cause__)):
            for path in readable:  # Python says where, and what
                rewritten(path, dialect, folder)
        raise SourceError(f"filesystem: {_told(error, readable[files.index(error.file)], dialect)}") from None


def _relation(path: Path, dialect: Dialect, spool: Spool) -> str:
    """The FROM clause of a file's rows. What DuckDB would not read right is written anew, into the spool."""
    folder = spool.folder / "csv"
    names, lines = _names(path, dialect)
    if len(names) > MOST_RAW_COLUMNS:
        limit = f"a raw object has at most {MOST_RAW_COLUMNS:,}"
        raise SourceError(f"filesystem: {path.name}: {len(names):,} columns; {limit}")
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    skip, end = dialect.skip + lines, None if lines > 1 else _line_end(path)
    if end and dialect.quote:
        path = without_quoted_mark(path, dialect, folder)
    elif end is None:
        path, skip, end = rewritten(path, dialect, folder), 0, r"\n"
    ragged = "null_padding = true, parallel = false, " if dialect.ragged else ""
    return (
        f"read_csv({spool.link(path)}, auto_detect = false, compression = 'none', new_line = {literal(end)}, "
        f"header = false, skip = {skip}, "
        f"columns = {{{columns}}}, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.escape)}, nullstr = {literal(NO_NULL_WORD)}, {ragged}"
        f"max_line_size = {LONGEST_LINE}, buffer_size = {LONGEST_LINE})"
    )


def _line_end(path: Path) -> str | None:
    """The end that all lines of the file have, as DuckDB writes it; None where they differ.

    DuckDB takes the first one, be it within a value, and passes over rows in silence where others follow.
    """
    both = returns = feeds = 0
    with path.open("rb") as file:
        last = b""
        while chunk := file.read(CHUNK):
            both += (last + chunk).count(b"\r\n")
            returns += chunk.count(b"\r")
            feeds += chunk.count(b"\n")
            last = chunk[-1:].replace(b"\n", b"")
    if returns == 0:
        return r"\n"
    return r"\r\n" if both == returns == feeds else None


def _names(path: Path, dialect: Dialect) -> tuple[list[str], int]:
    """The columns, and the lines of the header.

    The columns are those of the header or of the configuration; one that is empty or comes again gets a number.
    """
    try:
        with opened(path, dialect) as (_, file):
            rows = reader(file, dialect)
            names = list(dialect.names) or next(rows, [])
        width = _width(path, dialect) if dialect.ragged else 0
    except (UnicodeError, csv.Error, TypeError) as error:
        hint = "set csv.encoding" if isinstance(error, UnicodeError) else "is csv.delimiter right?"
        raise SourceError(f"filesystem: {path.name}: the header cannot be read: {error}; {hint}") from error
    if not names:
        raise SourceError(f"filesystem: {path.name} is empty: a CSV needs a header, or csv.names")
    return list(distinct_names([*names, *[""] * (width - len(names))])), rows.line_num


def _width(path: Path, dialect: Dialect) -> int:
    """The most values that a row has. A quote that does not end would take all rows behind it, and DuckDB is silent."""
    for strict in (True, False):
        with opened(path, dialect) as (_, file):
            width, line = 0, 0
            rows = reader(file, dialect, strict=strict)
            try:
                for row in rows:
                    width, line = max(width, len(row)), rows.line_num
                return width
            except csv.Error as error:
                if "unexpected end" in str(error):
                    place = f"{path.name}: line {dialect.skip + line + 1}"
                    raise SourceError(f"filesystem: {place}: {NO_END}") from error
                if not strict:
                    raise
    return 0


def _odd_row(path: Path, dialect: Dialect, width: int) -> tuple[int, int] | None:
    """Line and values of the first row that has not so many: the lines that DuckDB counts may be those of a copy."""
    line = 0
    with opened(path, dialect) as (_, file), suppress(csv.Error, UnicodeError):
        rows = reader(file, dialect)
        for row in rows:
            if row and len(row) != width:
                return dialect.skip + line + 1, len(row)
            line = rows.line_num
    return None


def _told(unreadable: Unreadable, path: Path, dialect: Dialect) -> str:
    """DuckDB's error without the row that it shows: that may be long, and nobody's business."""
    error = str(unreadable.__cause__)
    line = re.search(r"CSV Error on Line: (\d+)", error)
    width = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", error)
    found = _odd_row(path, dialect, int(width[1])) if width else None
    place = f"{unreadable.file.name}: line {found[0] if found else line[1] if line else 'unknown'}"
    place += " without comments" if dialect.comment else ""
    if width:
        values = found[1] if found else width[2]
        return f"{place}: {values} values, not {width[1]}; set csv.ragged to true where rows differ in length"
    if "unicode" in error.lower() or "utf-8" in error.lower():
        return f"{place} is not {dialect.encoding}; set csv.encoding"
    if "unterminated quote" in error.lower():
        return f"{place}: {NO_END}"
    if "line size" in error.lower():
        return f"{place} is longer than {LONGEST_LINE >> 20} MiB"
    return f"{place} cannot be read as CSV"
