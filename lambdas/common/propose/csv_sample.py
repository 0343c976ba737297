"""How a CSV is written: encoding, delimiter, header. Ingest guesses nothing, so that a proposal has to say it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lambdas.common.errors import RequestError

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 200
LONGEST_PREAMBLE = 20
NUMBER = re.compile(r"\s*[+-]?[\d.,: /-]*\d[\d.,: /-]*\s*")


def read(body: bytes, name: str, notes: list[str], most: int) -> tuple[Any, dict[str, Any], bool]:
    """The table of texts, the keys of `filesystem` that read it, and whether it is whole.

    Raises:
        RequestError: it is no text in columns.
    """
    import pyarrow as pa

    text, encoding = _decoded(body, name, notes)
    delimiter = _delimiter(text)
    csv.field_size_limit(1 << 25)
    rows, skip = _rows(text, delimiter, name, notes)
    options: dict[str, Any] = {"delimiter": delimiter} if delimiter != "," else {}
    options |= {"encoding": encoding} if encoding != "utf-8" else {}
    if skip:
        options["skip"] = skip
        notes.append(f"the first {skip} lines are no table and are passed over (csv.skip)")
    header, rows = _header(rows, options, notes)
    if any(len(row) != len(header) for row in rows):
        options["ragged"] = True
        notes.append("rows differ in length (csv.ragged): is the delimiter right, and every quote closed?")
        header += [""] * (max(map(len, rows)) - len(header))
    names, kept = _distinct(header), rows[:most]
    made = [name for name, given in zip(names, header, strict=True) if name != given]
    if made:
        notes.append(f"columns without a name, or with one that comes again, are called {', '.join(made)}")
    columns = [pa.array([row[n] if n < len(row) else None for row in kept], pa.string()) for n in range(len(names))]
    return pa.table(columns, names), {"format": "csv"} | ({"csv": options} if options else {}), len(rows) <= most


def _rows(text: str, delimiter: str, name: str, notes: list[str]) -> tuple[list[list[str]], int]:
    """The rows from the header on, without empty lines, and how many lines stand before it."""
    try:
        rows, begins = _parsed(text, delimiter, name, strict=True)
    except csv.Error as error:
        notes.append(f"{error}: signs that stand behind a closing quote; ingest refuses others than blanks")
        rows, begins = _parsed(text, delimiter, name, strict=False)
    width = Counter(map(len, rows[:LOOKED_AT])).most_common(1)[0][0]
    first = next((n for n, row in enumerate(rows[:LONGEST_PREAMBLE]) if len(row) == width), 0) if width > 1 else 0
    return rows[first:], begins[first]


def _parsed(text: str, delimiter: str, name: str, *, strict: bool) -> tuple[list[list[str]], list[int]]:
    """The rows that are not empty, and the line before each. Strict, csv.Error tells what stands behind a quote."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    rows, begins, line = [], [], 0
    try:
        for row in reader:
            if row:
                rows.append(row)
                begins.append(line)
            line = reader.line_num
    except csv.Error as error:
        if strict and "expected after" in str(error):
            raise csv.Error(f"line {line + 1}") from error
        told = "a quote does not end" if "unexpected end" in str(error) else f"cannot be read as CSV: {error}"
        raise RequestError(f"{name}: line {line + 1}: {told}") from error
    return rows, begins


def _decoded(body: bytes, name: str, notes: list[str]) -> tuple[str, str]:
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = marks.get(body[:2], "utf-8")
    try:
        return body.decode("utf-8-sig" if encoding == "utf-8" else encoding).replace("\x00", ""), encoding
    except UnicodeDecodeError:
        notes.append("the file is no UTF-8; it was read as cp1252: look whether accents are right (csv.encoding)")
    try:
        return body.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: the bytes are neither UTF-8, UTF-16 nor cp1252, nor another format") from error


def _delimiter(text: str) -> str:
    """The one that gives most rows the same number of columns, and the most of these."""
    lines = text[: 1 << 20].splitlines()[:LOOKED_AT]

    def score(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        width, times = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
        return (times / max(widths.total(), 1) if width > 1 else 0.0, width)

    return max(DELIMITERS, key=score)


def _header(rows: list[list[str]], options: dict[str, Any], notes: list[str]) -> tuple[list[str], list[list[str]]]:
    """The first row, unless it holds a number: then the file has no header and names are made up."""
    if not any(NUMBER.fullmatch(cell) for cell in rows[0]):
        return list(rows[0]), rows[1:]
    names = [f"column{place}" for place in range(1, len(rows[0]) + 1)]
    options["names"] = names
    notes.append("the first row looks like data, so the columns got names (csv.names): write better ones")
    return list(names), rows


def _distinct(names: Sequence[str]) -> list[str]:
    """As ingest names columns whose header is empty or comes again."""
    seen: set[str] = set()
    found = []
    for place, name in enumerate(names):
        base = name or f"column{place}"
        candidate, number = base, 0
        while candidate.lower() in seen:
            number += 1
            candidate = f"{base}_{number}"
        seen.add(candidate.lower())
        found.append(candidate)
    return found
