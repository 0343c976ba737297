"""How a text is written as CSV: delimiter, quotes, comments. Ingest guesses nothing: a proposal has to say it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
# taken only where they stand in every line alike
SELDOM = ("^", "~", "\x01", "\x1f", ":", " ")
EXCEL = re.compile(r"sep=(.)\r?\n", re.I)
LOOKED_AT, LOOKED_AT_SIGNS = 200, 1 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """The keys of `csv` in defs.yaml that are not what they are there without being said."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    comment: str = ""

    def options(self) -> dict[str, str]:
        """The keys that have to be said."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != getattr(PLAIN, name)}

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> Any:
        """Python's reader of these lines, comments not among them."""
        escape = self.escape if self.escape != self.quote else None
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=escape, doublequote=not escape,
            strict=strict,
        )  # fmt: skip


PLAIN = Dialect()


def find_dialect(text: str) -> Dialect:
    """The dialect under which most rows have one number of columns, and the most of these."""
    lines = list(_some_lines(text))
    if excel := EXCEL.match(text):
        return Dialect(delimiter=excel[1])
    bare = [line for line in lines if not line.startswith("#")] or lines
    best = max(_dialects(bare, DELIMITERS), key=lambda dialect: _score(bare, dialect))
    if _score(bare, best)[0] == 0:
        best = next((one for one in _dialects(bare, SELDOM) if _score(bare, one)[0] == 1), best)
    return replace(best, comment="#") if _has_comments(text, lines, bare, best) else best


def _some_lines(text: str) -> Iterator[str]:
    file = io.StringIO(text[:LOOKED_AT_SIGNS], newline="")
    for line, _ in zip(file, range(LOOKED_AT), strict=False):
        yield line


def _dialects(lines: list[str], delimiters: Iterable[str]) -> Iterator[Dialect]:
    """All that could be: the usual ones first, which stay where others are not better."""
    text = "".join(lines)
    for delimiter in delimiters:
        yield Dialect(delimiter)
        if '\\"' in text:
            yield Dialect(delimiter, escape="\\")
        if re.search(rf"(?:^|{re.escape(delimiter)})'", text, re.M):
            yield Dialect(delimiter, quote="'", escape="'")


def _score(lines: list[str], dialect: Dialect) -> tuple[float, bool, int]:
    """How many rows have one number of columns, whether quotes are taken off, and the columns."""
    try:
        rows = [row for row in dialect.reader(lines, strict=True) if row]
    except csv.Error:
        try:
            rows = [row for row in dialect.reader(lines) if row] + [[]]
        except csv.Error:
            return 0.0, False, 1
    widths = Counter(map(len, rows))
    width, times = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
    bare = not any(len(cell) > 1 and cell[0] == cell[-1] == "'" for row in rows[:1] for cell in row)
    return (times / widths.total() if width > 1 else 0.0, bare, width)


def _has_comments(text: str, lines: list[str], bare: list[str], dialect: Dialect) -> bool:
    """Whether lines with # in front are comments, and not a header or rows of it."""
    if not re.search("^#", text, re.M) or not bare:
        return False
    widths = Counter(len(row) for row in dialect.reader(bare) if row)
    width = widths.most_common(1)[0][0] if widths else 1
    signed = [line for line in lines if line.startswith("#")]
    return bool(signed) and any(len(row) != width for row in dialect.reader(signed) if row)
