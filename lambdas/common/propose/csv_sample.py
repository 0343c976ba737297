"""The rows of a CSV file as ingest would keep them, and what defs.yaml has to say for it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from lambdas.common.errors import RequestError
from lambdas.common.names import distinct_names
from lambdas.common.propose.csv_dialect import EXCEL, Dialect, find_dialect

LOOKED_AT, LONGEST_PREAMBLE, LONGEST_SHOWN = 200, 20, 40
NUMBER = re.compile(r"\s*[+-]?[\d.,: /TZ-]*\d[\d.,: /TZ+-]*\s*")
YEAR = re.compile(r"(19|20)\d\d")
WIDE = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read(body: bytes, name: str, notes: list[str], most: int) -> tuple[Any, dict[str, Any], bool]:
    """The table of texts, the keys of `filesystem` that read it, and whether it is whole.

    Raises:
        RequestError: it is no text in columns.
    """
    import pyarrow as pa

    text, encoding = _decoded(body, name, notes)
    dialect = find_dialect(text)
    csv.field_size_limit(1 << 25)
    rows, lines = _rows(text, dialect, name, notes)
    if EXCEL.match(text):
        rows, lines = rows[1:], lines[1:]
    options: dict[str, Any] = {**dialect.options(), **({"encoding": encoding} if encoding != "utf-8" else {})}
    header, rows, skip = _header(rows, lines, options, notes)
    if skip:
        options["skip"] = skip
        first = text.lstrip().splitlines()[0][:LONGEST_SHOWN]
        notes.append(f"what stands before the table is passed over (csv.skip: {skip}): {first!r}")
    if any(len(row) != len(header) for row in rows):
        options["ragged"] = True
        notes.append(_why_ragged(header, rows))
        header += [""] * (max(map(len, rows)) - len(header))
    names, kept = list(distinct_names(header)), rows[:most]
    made = [name for name, given in zip(names, header, strict=True) if name != given]
    if made:
        notes.append(f"columns without a name, or with one that comes again, are called {', '.join(made)}")
    columns = [pa.array([row[n] if n < len(row) else None for row in kept], pa.string()) for n in range(len(names))]
    return pa.table(columns, names), {"format": "csv"} | ({"csv": options} if options else {}), len(rows) <= most


def _rows(text: str, dialect: Dialect, name: str, notes: list[str]) -> tuple[list[list[str]], list[int]]:
    """The rows that are not empty, and how many lines stand before each."""
    try:
        return _parsed(text, dialect, name, strict=True)
    except csv.Error as error:
        notes.append(f"{error}: signs that stand behind a closing quote; ingest refuses others than blanks")
        return _parsed(text, dialect, name, strict=False)


def _parsed(text: str, dialect: Dialect, name: str, *, strict: bool) -> tuple[list[list[str]], list[int]]:
    """The rows and the lines before each. Strict, csv.Error tells what stands behind a quote."""
    passed, begins_row = 0, True

    def lines() -> Iterator[str]:
        nonlocal passed, begins_row
        for line in io.StringIO(text, newline=""):
            if begins_row and dialect.comment and line.startswith(dialect.comment):
                passed += 1
                continue
            begins_row = False
            yield line

    reader = dialect.reader(lines(), strict=strict)
    rows, begins, line = [], [], 0
    try:
        for row in reader:
            if row:
                rows.append(row)
                begins.append(line)
            line, begins_row = reader.line_num + passed, True
    except csv.Error as error:
        if strict and "expected after" in str(error):
            raise csv.Error(f"line {line + 1}") from error
        told = "a quote does not end" if "unexpected end" in str(error) else f"cannot be read as CSV: {error}"
        raise RequestError(f"{name}: line {line + 1}: {told}") from error
    return rows, begins


def _decoded(body: bytes, name: str, notes: list[str]) -> tuple[str, str]:
    encoding = next((said for mark, said in WIDE.items() if body.startswith(mark)), _wide_without_mark(body))
    try:
        return body.decode(encoding or "utf-8-sig"), encoding or "utf-8"
    except UnicodeDecodeError:
        notes.append("the file is no UTF-8; it was read as cp1252: look whether accents are right (csv.encoding)")
    try:
        return body.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: the bytes are neither UTF-8, UTF-16 nor cp1252, nor another format") from error


def _wide_without_mark(body: bytes) -> str:
    """UTF-16 that does not say so: every second byte of most signs is 0."""
    start = body[:4096]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 < len(start) or len(body) % 2:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _header(
    rows: list[list[str]], lines: list[int], options: dict[str, Any], notes: list[str]
) -> tuple[list[str], list[list[str]], int]:
    """The columns, the rows below them, and how many lines stand before what is read.

    Without a header names are made up.
    """
    width = Counter(map(len, rows[:LOOKED_AT])).most_common(1)[0][0]
    first = next((n for n, row in enumerate(rows[:LONGEST_PREAMBLE]) if len(row) == width), 0) if width > 1 else 0
    if first and width > 2 and len(rows[first - 1]) == width - 1:
        # one value less than the rows: these end with a delimiter, or begin with what has no name
        header, below = rows[first - 1], rows[first:]
        if all(len(row) < width or not row[-1] for row in below):
            return list(header), below, lines[first - 1]
        options["names"] = ["row", *header]
        notes.append("the header has a name less than the rows have values: the first is called row (csv.names)")
        return ["row", *header], below, lines[first]
    if _is_header(rows[first], rows[first + 1 : first + LOOKED_AT]):
        return list(rows[first]), rows[first + 1 :], lines[first]
    names = [f"column{place}" for place in range(1, len(rows[first]) + 1)]
    options["names"] = names
    notes.append("the first row looks like data, so the columns got names (csv.names): write better ones")
    return list(names), rows[first:], lines[first]


def _is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether it names columns: no cell is a number or a time, or they are years, or one stands over numbers alone."""
    numbers = [cell for cell in row if NUMBER.fullmatch(cell)]
    if not numbers or not below:
        return not numbers
    if len(numbers) < len(row) and all(map(YEAR.fullmatch, numbers)):
        years = [int(cell) for cell in numbers]
        return len(years) > 1 and years == list(range(years[0], years[0] + len(years)))
    texts = [place for place, cell in enumerate(row) if cell and not NUMBER.fullmatch(cell)]
    return any(all(place < len(one) and NUMBER.fullmatch(one[place]) for one in below) for place in texts)


def _why_ragged(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """What to say of rows that are not as long as the header."""
    odd = [row for row in rows if len(row) != len(header)]
    if len(odd) == 1 and odd[0] is rows[-1]:
        shown = ", ".join(odd[0])[:LONGEST_SHOWN]
        return f"the last line, {shown!r}, has another length than the rows (csv.ragged): a footer? It is read as a row"
    if all(len(row) == len(header) + 1 and not row[-1] for row in odd):
        return "rows end with a delimiter, which makes one more column without values (csv.ragged)"
    return "rows differ in length (csv.ragged): is the delimiter right, and every quote closed?"
