"""Lines and records of text files, plain or compressed, read as a stream."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from infrastructure.local.redshift.copying import utf8
from infrastructure.local.redshift.copying.failures import ReaderError
from infrastructure.local.redshift.dialect.transfers import Compression, TextOptions
from infrastructure.local.redshift.errors import INTERNAL_ERROR

_ROW_LIMIT = 4 << 20


@dataclass(frozen=True)
class Record:
    """One row of a file as text, and the line that it begins on, from 1.

    Bytes that are no UTF-8 are surrogates in the text (Python's surrogateescape) unless they are to be replaced.
    """

    line: int
    text: str


def records(
    file: IO[bytes], compression: Compression, options: TextOptions, complete: Callable[[str], bool], url: str
) -> Iterator[Record]:
    """The records of a file.

    Args:
        file: The object as it came from S3.
        compression: How it is compressed.
        options: IGNOREHEADER, IGNOREBLANKLINES and ACCEPTINVCHARS count here.
        complete: Whether a text is a whole record, or goes on in the next line.
        url: The file, for messages.

    Raises:
        RedshiftError: The file can not be read, or a row has more than 4 MB.
    """
    begun = 0
    text = ""
    for number, line in enumerate(_lines(file, compression, options, url), start=1):
        if number <= options.ignore_header and not begun:
            continue
        if not begun and options.ignore_blank_lines and not line.strip("\r\n"):
            continue
        begun = begun or number
        text += line
        if len(text) > _ROW_LIMIT:
            raise ReaderError(INTERNAL_ERROR, f"A row of {url} at line {begun} exceeds the limit of 4 MB")
        if complete(text):
            yield Record(begun, _without_end(text))
            begun, text = 0, ""
    if begun:
        yield Record(begun, _without_end(text))


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _lines(file: IO[bytes], compression: Compression, options: TextOptions, url: str) -> Iterator[str]:
    character = options.invalid_character
    try:
        for line in _plain(file, compression):
            try:
                yield line.decode()
            except UnicodeDecodeError:
                yield line.decode(errors="surrogateescape") if character is None else utf8.replaced(line, character)
    except (pa.ArrowException, OSError) as problem:
        kind = f"{compression} " if compression else ""
        raise ReaderError(INTERNAL_ERROR, f"Problem reading the {kind}file {url}: {problem}") from problem


def _plain(file: IO[bytes], compression: Compression) -> Iterator[bytes]:
    if not compression:
        return iter(file)
    return iter(io.BufferedReader(pa.CompressedInputStream(file, compression), 1 << 20))
