"""CSV files written anew where DuckDB would not read right what they say."""

import codecs
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from lambdas.common.errors import SourceError
from lambdas.ingest.dialect import NO_END, QUOTES, Dialect, opened, quoting_of, reader
from lambdas.ingest.marks import CHUNK, has_mark, make_place, without_mark


def as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """The file, or a copy of it in UTF-8 where it is in another encoding.

    Raises:
        SourceError: the file is not in that encoding.
    """
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


def without_quoted_mark(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The file without a byte order mark in front of quotes, which DuckDB would then take for letters of a value."""
    with path.open("rb") as file:
        quoted = dialect.quote.encode() in file.readline()
    return without_mark(path, folder) if quoted and has_mark(path) else path


def without_comments(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The same file without its comments. DuckDB would take the sign for one within a line too, and cut the value.

    A line inside of quotes is part of a value, however it begins.
    """
    target = make_place(path, folder)
    try:
        with opened(path, dialect) as (skipped, source), target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(skipped)
            _copy_rows(source, file, dialect)
    except UnicodeError as error:
        raise SourceError(f"filesystem: {path.name} is not {dialect.encoding}: {error}; set csv.encoding") from error
    except csv.Error as error:
        raise SourceError(f"filesystem: {path.name}: {error}; {QUOTES}") from error
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

    for _ in reader(lines(), dialect):
        begins = True


def rewritten(path: Path, dialect: Dialect, folder: Path) -> Path:
    """The same rows without the header, each with the line end that DuckDB expects; values keep theirs.

    Raises:
        SourceError: the file breaks the dialect; says the line.
    """
    target = make_place(path, folder)
    # what stands in quotes is a value for DuckDB too, whatever Python would think needs them
    quoting = {**quoting_of(dialect), **({"quoting": csv.QUOTE_ALL} if dialect.quote else {})}
    with opened(path, dialect) as (_, source), target.open("w", encoding="utf-8", newline="") as file:
        found, line = reader(source, dialect, strict=True), 0
        writer = csv.writer(file, delimiter=dialect.delimiter, lineterminator="\n", **quoting)
        try:
            if not dialect.names:
                next(found, None)
            for row in found:
                if row:
                    writer.writerow(row)
                line = found.line_num
        except csv.Error as error:
            told = NO_END if "unexpected end" in str(error) else f"{error}; {QUOTES}"
            raise SourceError(f"filesystem: {path.name}: line {dialect.skip + line + 1}: {told}") from error
        except UnicodeError as error:
            # text is decoded some lines ahead
            place = f"{path.name}: line {dialect.skip + line + 1}, or one soon after it,"
            raise SourceError(f"filesystem: {place} is not {dialect.encoding}; set csv.encoding") from error
    return target
