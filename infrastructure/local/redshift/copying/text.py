"""Rows of text files as CSV that the backend's COPY reads: every value checked, bad rows kept apart."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from infrastructure.local.redshift.copying import fields, jsonrows
from infrastructure.local.redshift.copying.failures import BadRow, BadRows, FieldError
from infrastructure.local.redshift.copying.lines import Record, records
from infrastructure.local.redshift.copying.target import Column
from infrastructure.local.redshift.copying.values import Reader, reader
from infrastructure.local.redshift.dialect.transfers import CopyStatement

_CHUNK_ROWS = 2000
_RAW = 1024
_Row = list[str | None]


@dataclass(frozen=True)
class TextReader:
    """What reads the text files of one COPY.

    Attributes:
        statement: The COPY.
        columns: The columns to fill.
        readers: How fields become values, column by column.
        complete: Whether a text is a whole record.
        rows: The rows of a record; a bad one is raised as _Bad.
        bad: Where bad rows go.
    """

    statement: CopyStatement
    columns: Sequence[Column]
    readers: list[Reader]
    complete: Callable[[str], bool]
    rows: Callable[[Record], Iterator[_Row]]
    bad: BadRows

    def chunks(self, file: IO[bytes], url: str) -> Generator[bytes, None, None]:
        """The rows of a file as CSV chunks; NULL is an empty field, an empty string is quoted.

        Raises:
            RedshiftError: The file can not be read, or too many rows are bad.
        """
        quoted = [column.is_text or column.base == "super" for column in self.columns]
        lines: list[str] = []
        options = self.statement.text
        for record in records(file, self.statement.compression, options, self.complete, url):
            lines += [_line(row, quoted) for row in self._good(record, url)]
            if len(lines) >= _CHUNK_ROWS:
                yield "".join(lines).encode()
                lines.clear()
        if lines:
            yield "".join(lines).encode()

    def _good(self, record: Record, url: str) -> Iterator[_Row]:
        try:
            yield from self.rows(record)
        except _BadField as bad:
            self.bad.add(
                BadRow(url, record.line, bad.problem.code, bad.problem.reason, bad.column, bad.position,
                       _shown(record.text), _shown(bad.field))
            )  # fmt: skip
        except FieldError as problem:
            self.bad.add(BadRow(url, record.line, problem.code, problem.reason, raw_line=_shown(record.text)))


class _BadField(Exception):  # noqa: N818 - it carries the error
    def __init__(self, problem: FieldError, column: Column, field: str, position: int) -> None:
        super().__init__(problem.reason)
        self.problem = problem
        self.column = column
        self.field = field
        self.position = position


def text_reader(statement: CopyStatement, columns: Sequence[Column], bad: BadRows, paths: bytes | None) -> TextReader:
    """What reads the files of a COPY from CSV, JSON or delimited text.

    Args:
        statement: The COPY.
        columns: The columns to fill.
        bad: Where bad rows go.
        paths: The content of the JSONPaths file, if there is one.

    Raises:
        RedshiftError: The options do not fit the columns.
    """
    readers = [reader(column, statement.text) for column in columns]
    if statement.format == "JSON":
        mapping = jsonrows.mapping(statement.text.json_mapping, columns, paths)
        rows = _json_rows(columns, readers, mapping)
        return TextReader(statement, columns, readers, jsonrows.complete, rows, bad)
    splitter = fields.csv(statement.text) if statement.format == "CSV" else fields.delimited(statement.text)
    rows = _delimited_rows(statement, columns, readers, splitter.split)
    return TextReader(statement, columns, readers, splitter.complete, rows, bad)


def _json_rows(
    columns: Sequence[Column], readers: list[Reader], mapping: jsonrows.Mapping
) -> Callable[[Record], Iterator[_Row]]:
    def rows(record: Record) -> Iterator[_Row]:
        for document in jsonrows.values(record.text):
            row: _Row = []
            for value, column, read in zip(mapping(document), columns, readers, strict=True):
                try:
                    row.append(jsonrows.field(value, column, read))
                except FieldError as problem:
                    raise _BadField(problem, column, "" if value is None else str(value), 0) from problem
            yield row

    return rows


def _delimited_rows(
    statement: CopyStatement,
    columns: Sequence[Column],
    readers: list[Reader],
    split: Callable[[str], list[fields.Field]],
) -> Callable[[Record], Iterator[_Row]]:
    def rows(record: Record) -> Iterator[_Row]:
        found = split(record.text)
        if len(found) > len(columns):
            raise FieldError(1202, "Extra column(s) found")
        if len(found) < len(columns):
            found += _filling(statement, columns[len(found) :])
        yield [_value(index, found, columns, readers) for index in range(len(columns))]

    return rows


def _filling(statement: CopyStatement, missing: Sequence[Column]) -> list[fields.Field]:
    """What FILLRECORD puts in place of fields that are missing at the end."""
    options = statement.text
    if not options.fill_record:
        raise FieldError(1214, "Delimiter not found")
    return ["" if column.base == "character varying" and not options.empty_as_null else None for column in missing]


def _value(index: int, found: list[fields.Field], columns: Sequence[Column], readers: list[Reader]) -> str | None:
    try:
        return readers[index](found[index])
    except FieldError as problem:
        position = sum(len(field or "") + 1 for field in found[:index])
        raise _BadField(problem, columns[index], found[index] or "", position) from problem


def _line(row: _Row, quoted: list[bool]) -> str:
    cells = (
        "" if value is None else '"' + value.replace('"', '""') + '"' if is_quoted else value
        for value, is_quoted in zip(row, quoted, strict=True)
    )
    return ",".join(cells) + "\n"


def _shown(text: str) -> str:
    return text[:_RAW].encode(errors="replace").decode().replace("\0", "?")
