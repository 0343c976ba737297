"""CSV files to rows of text. Nothing is guessed: dialect, encoding and header are what defs.yaml says they are."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from lambdas.common.contract.model import MOST_RAW_COLUMNS
from lambdas.common.contract.sql import literal
from lambdas.common.errors import SourceError
from lambdas.common.names import distinct_names
from lambdas.ingest.columns import File, Unreadable
from lambdas.ingest.job import Job
from lambdas.ingest.marks import CHUNK, has_mark, make_place, without_mark
from lambdas.ingest.spool import Rows, Spool

# read_csv takes no text at all for NULL only if its word for NULL cannot occur
NO_NULL_WORD = "\x01\x02\x01"
LONGEST_LINE = 32 << 20
BROKEN = re.compile(r"unterminated quote|state machine", re.IGNORECASE)
NO_END = "a quote does not end; are csv.quote and csv.escape right?"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The keys of `csv` in defs.yaml.

    `skip`: lines before the header. `names`: the columns of files that have no header. `ragged`: rows may have fewer
    values than the header, which then are missing, or more, which become further columns. `comment`: the sign that
    begins a line which is none.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    encoding: str = "utf-8"
    skip: int = 0
    names: tuple[str, ...] = ()
    ragged: bool = False
    comment: str = ""


def read_csv_files(job: Job, paths: Sequence[Path], skip: int) -> tuple[Rows, tuple[int, int] | None]:
    """The rows of these files, each value as its text, as `formats.read_files` gives them.

    Raises:
        SourceError: an option is unknown, or a file breaks the dialect; names file and line, but no value.
    """
    dialect = _dialect(job.config.get("csv") or {})
    folder = job.spool.folder / "csv"
    readable = [_as_utf8(path, dialect.encoding, folder) for path in paths]
    if dialect.comment:
        readable = [_without_comments(path, dialect, folder) for path in readable]
    files = [File(path.name, _relation(path, dialect, job.spool)) for path in readable]
    try:
        return job.spool.tables(files, skip)
    except Unreadable as error:
        if BROKEN.search(str(error.__cause__)):
            for path in readable:  # Python says where, and what
                _rewritten(path, dialect, folder)
        raise SourceError(f"filesystem: {_told(error, readable[files.index(error.file)], dialect)}") from None


def _dialect(given: Mapping[str, Any]) -> Dialect:
    known = [field.name for field in fields(Dialect)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise SourceError(f"filesystem: csv takes {known}, not {unknown}")
    try:
        codecs.lookup(str(given.get("encoding", "utf-8")))
    except LookupError as error:
        raise SourceError(f"filesystem: csv.encoding: {error}") from error
    names = given.get("names", ())
    if not isinstance(names, list | tuple):
        raise SourceError(f"filesystem: csv.names is {names!r}; it must be a list, as in [id, at]")
    return Dialect(**{**given, "names": tuple(map(str, names))})


def _as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        return path
    target = make_place(path, folder)
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as file:
            while text := source.read(CHUNK):
                file.write(text)
    except UnicodeError as error:
        raise SourceError(f"filesystem: {path.name} is not {encoding}: {error}; set csv.encoding") from error
    return target


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
        path = _without_mark(path, dialect, folder)
    elif end is None:
        path, skip, end = _rewritten(path, dialect, folder), 0, r"\n"
    ragged = "null_padding = true, parallel = false, " if dialect.ragged else ""
    return (
        f"read_csv({spool.link(path)}, auto_detect = false, compression = 'none', new_line = {literal(end)}, "
        f"header = false, skip = {skip}, "
        f"columns = {{{columns}}}, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.escape)}, nullstr = {literal(NO_NULL_WORD)}, {ragged}"
        f"max_line_size = {LONGEST_LINE}, buffer_size = {LONGEST_LINE})"
    )


def _without_mark(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The file without a byte order mark in front of quotes, which DuckDB would then take for letters of a value."""
    with path.open("rb") as file:
        quoted = dialect.quote.encode() in file.readline()
    return without_mark(path, folder) if quoted and has_mark(path) else path


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
        with _opened(path, dialect) as (_, file):
            reader = _reader(file, dialect)
            names = list(dialect.names) or next(reader, [])
        width = _width(path, dialect) if dialect.ragged else 0
    except (UnicodeError, csv.Error, TypeError) as error:
        hint = "set csv.encoding" if isinstance(error, UnicodeError) else "is csv.delimiter right?"
        raise SourceError(f"filesystem: {path.name}: the header cannot be read: {error}; {hint}") from error
    if not names:
        raise SourceError(f"filesystem: {path.name} is empty: a CSV needs a header, or csv.names")
    return list(distinct_names([*names, *[""] * (width - len(names))])), reader.line_num


@contextmanager
def _opened(path: Path, dialect: Dialect) -> Iterator[tuple[list[str], TextIO]]:
    """The lines that are passed over, and the file behind them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield [file.readline() for _ in range(dialect.skip)], file


def _reader(file: Iterable[str], dialect: Dialect, *, strict: bool = False) -> Any:
    """Python's reader of the dialect, for what DuckDB does not tell."""
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(file, delimiter=dialect.delimiter, strict=strict, **_quoting(dialect))


def _quoting(dialect: Dialect) -> dict[str, Any]:
    escape = dialect.escape if dialect.escape != dialect.quote else ""
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    named = {"quotechar": dialect.quote or None, "escapechar": escape or None}
    return {"quoting": quoting, "doublequote": not escape, **named}


def _width(path: Path, dialect: Dialect) -> int:
    """The most values that a row has. A quote that does not end would take all rows behind it, and DuckDB is silent."""
    for strict in (True, False):
        with _opened(path, dialect) as (_, file):
            width, line = 0, 0
            reader = _reader(file, dialect, strict=strict)
            try:
                for row in reader:
                    width, line = max(width, len(row)), reader.line_num
                return width
            except csv.Error as error:
                if "unexpected end" in str(error):
                    place = f"{path.name}: line {dialect.skip + line + 1}"
                    raise SourceError(f"filesystem: {place}: {NO_END}") from error
                if not strict:
                    raise
    return 0


def _without_comments(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The same file without its comments. DuckDB would take the sign for one within a line too, and cut the value.

    A line inside of quotes is part of a value, however it begins.
    """
    target = make_place(path, folder)
    try:
        with _opened(path, dialect) as (skipped, source), target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(skipped)
            _copy_rows(source, file, dialect)
    except UnicodeError as error:
        raise SourceError(f"filesystem: {path.name} is not {dialect.encoding}: {error}; set csv.encoding") from error
    except csv.Error as error:
        raise SourceError(f"filesystem: {path.name}: {error}; are csv.quote and csv.escape right?") from error
    return target


def _copy_rows(source: Iterable[str], target: TextIO, dialect: Dialect) -> None:
    """The lines of all rows, as they are."""
    begins = True

    def lines() -> Iterator[str]:
        nonlocal begins
        for line in source:
            if not (begins and line.startswith(dialect.comment)):
                begins = False
                target.write(line)
                yield line

    for _ in _reader(lines(), dialect):
        begins = True


def _rewritten(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The same rows without the header, each with the line end that DuckDB expects; values keep theirs.

    Raises:
        SourceError: the file breaks the dialect; says the line.
    """
    target = make_place(path, folder)
    # what stands in quotes is a value for DuckDB too, whatever Python would think needs them
    quoting = {**_quoting(dialect), **({"quoting": csv.QUOTE_ALL} if dialect.quote else {})}
    with _opened(path, dialect) as (_, source), target.open("w", encoding="utf-8", newline="") as file:
        reader, line = _reader(source, dialect, strict=True), 0
        writer = csv.writer(file, delimiter=dialect.delimiter, lineterminator="\n", **quoting)
        try:
            if not dialect.names:
                next(reader, None)
            for row in reader:
                if row:
                    writer.writerow(row)
                line = reader.line_num
        except csv.Error as error:
            told = NO_END if "unexpected end" in str(error) else f"{error}; are csv.quote and csv.escape right?"
            raise SourceError(f"filesystem: {path.name}: line {dialect.skip + line + 1}: {told}") from error
    return target


def _odd_row(path: Path, dialect: Dialect, width: int) -> tuple[int, int] | None:
    """Line and values of the first row that has not so many: the lines that DuckDB counts may be those of a copy."""
    line = 0
    with _opened(path, dialect) as (_, file), suppress(csv.Error, UnicodeError):
        reader = _reader(file, dialect)
        for row in reader:
            if row and len(row) != width:
                return dialect.skip + line + 1, len(row)
            line = reader.line_num
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
