"""A record of delimited text or CSV into its fields (DG/copy-parameters-data-format)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from infrastructure.local.redshift.copying.failures import FieldError
from infrastructure.local.redshift.dialect.transfers import TextOptions

# None is a field that stands for NULL whatever its column is
Field = str | None


@dataclass(frozen=True)
class Splitter:
    """How records of a format are found and split."""

    complete: Callable[[str], bool]
    split: Callable[[str], list[Field]]


def csv(options: TextOptions) -> Splitter:
    """CSV: a quoted field may hold delimiters and line feeds; blanks around the quotation marks are ignored."""
    delimiter, quote = re.escape(options.delimiter), re.escape(options.quote)
    blank = "[ ]*" if options.delimiter == "\t" else r"[ \t]*"
    quoted = re.compile(f"{blank}{quote}((?:[^{quote}]|{quote}{quote})*){quote}{blank}({delimiter}|$)", re.DOTALL)
    bare = re.compile(f"([^{delimiter}{quote}]*)({delimiter}|$)", re.DOTALL)
    begins = re.compile(f"{blank}{quote}")

    def split(text: str) -> list[Field]:
        if options.quote not in text:
            return list(text.split(options.delimiter))
        return [
            value.replace(options.quote * 2, options.quote) if is_quoted else value
            for value, is_quoted in _scan(text, begins, quoted, bare, "Invalid quote formatting for CSV")
        ]

    return Splitter(lambda text: text.count(options.quote) % 2 == 0, split)


def delimited(options: TextOptions) -> Splitter:
    """Delimited text, with ESCAPE and REMOVEQUOTES if they were given."""
    if not options.escape and not options.remove_quotes:
        return Splitter(lambda _text: True, lambda text: list(text.split(options.delimiter)))
    delimiter = re.escape(options.delimiter)
    plain = rf"(?:\\.|[^{delimiter}\\])*" if options.escape else f"[^{delimiter}]*"
    bare = re.compile(f"({plain})({delimiter}|$)", re.DOTALL)
    inside = r"(?:\\.|[^\\])*?" if options.escape else ".*?"
    quoted = re.compile(rf"(([\"']){inside}\2)({delimiter}|$)", re.DOTALL)
    begins = re.compile("[\"']") if options.remove_quotes else re.compile("(?!)")

    def value(field: str, *, is_quoted: bool) -> Field:
        if is_quoted:
            field = field[1:-1].replace(field[0] * 2, field[0])
        if not options.escape:
            return field
        return None if field == options.null_as else re.sub(r"\\(.)", r"\1", field, flags=re.DOTALL)

    def split(text: str) -> list[Field]:
        found = _scan(text, begins, quoted, bare, "Delimited value missing end quote")
        return [value(field, is_quoted=is_quoted) for field, is_quoted in found]

    return Splitter(_ends_unescaped if options.escape else lambda _text: True, split)


def _scan(
    text: str, begins: re.Pattern[str], quoted: re.Pattern[str], bare: re.Pattern[str], reason: str
) -> list[tuple[str, bool]]:
    """The fields one after the other, and whether each was in quotation marks."""
    fields: list[tuple[str, bool]] = []
    position = 0
    while True:
        is_quoted = begins.match(text, position) is not None
        found = (quoted if is_quoted else bare).match(text, position)
        if found is None:
            raise FieldError(1216, reason)
        fields.append((found.group(1), is_quoted))
        if not found.group(found.lastindex or 0):
            return fields
        position = found.end()


def _ends_unescaped(text: str) -> bool:
    body = text.removesuffix("\n").removesuffix("\r")
    return (len(body) - len(body.rstrip("\\"))) % 2 == 0
