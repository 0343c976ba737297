"""How a CSV file is written, as defs.yaml says it, and Python's reader of it."""

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from lambdas.common.errors import SourceError

LONGEST_LINE = 32 << 20
QUOTES = "are csv.quote and csv.escape right?"
NO_END = f"a quote does not end; {QUOTES}"


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


def read_dialect(given: Mapping[str, Any]) -> Dialect:
    """The dialect that `csv` in defs.yaml says.

    Raises:
        SourceError: a key or a value is wrong.
    """
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


@contextmanager
def opened(path: Path, dialect: Dialect) -> Iterator[tuple[list[str], TextIO]]:
    """The lines that are passed over, and the file behind them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield [file.readline() for _ in range(dialect.skip)], file


def reader(file: Iterable[str], dialect: Dialect, *, strict: bool = False) -> Any:
    """Python's reader of the dialect, for what DuckDB does not tell."""
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(file, delimiter=dialect.delimiter, strict=strict, **quoting_of(dialect))


def quoting_of(dialect: Dialect) -> dict[str, Any]:
    """What Python's readers and writers are told of quotes."""
    escape = dialect.escape if dialect.escape != dialect.quote else ""
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    named = {"quotechar": dialect.quote or None, "escapechar": escape or None}
    return {"quoting": quoting, "doublequote": not escape, **named}
