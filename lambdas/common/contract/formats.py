"""Patterns of dates and times as contracts write them: those of JDK's DateTimeFormatter, as ODCS prescribes.

A pattern becomes what DuckDB's strptime reads, beside a regular expression that is as strict as the pattern:
strptime alone would take 3/1/24 for dd/MM/yyyy. Optional sections in brackets give alternatives, so that
`[dd/MM/yyyy][yyyy-MM-dd]` reads both.
"""

import itertools
import re
from dataclasses import dataclass

MOST_ALTERNATIVES, MOST_SECTIONS = 16, 8
LETTERS = {
    "yyyy": ("%Y", r"\d{4}"),
    "uuuu": ("%Y", r"\d{4}"),
    "yy": ("%y", r"\d{2}"),
    "MMMM": ("%B", r"\pL+"),
    "MMM": ("%b", r"\pL{3}"),
    "MM": ("%m", r"\d{2}"),
    "M": ("%-m", r"\d{1,2}"),
    "dd": ("%d", r"\d{2}"),
    "d": ("%-d", r"\d{1,2}"),
    "DDD": ("%j", r"\d{3}"),
    "HH": ("%H", r"\d{2}"),
    "H": ("%-H", r"\d{1,2}"),
    "hh": ("%I", r"\d{2}"),
    "h": ("%-I", r"\d{1,2}"),
    "mm": ("%M", r"\d{2}"),
    "m": ("%-M", r"\d{1,2}"),
    "ss": ("%S", r"\d{2}"),
    "s": ("%-S", r"\d{1,2}"),
    "a": ("%p", r"[AaPp][Mm]"),
    "XXX": ("%z", r"(?:Z|[+-]\d{2}:\d{2})"),
    "XX": ("%z", r"(?:Z|[+-]\d{4})"),
    "xxx": ("%z", r"[+-]\d{2}:\d{2}"),
    "xx": ("%z", r"[+-]\d{4}"),
    "Z": ("%z", r"[+-]\d{4}"),
} | {"S" * digits: ("%f", rf"\d{{{digits}}}") for digits in range(1, 7)}
# years, months and hours have several letters each
SAME_PART = str.maketrans("ybBI", "YmmH")
QUOTED = r"'(?:[^']|'')*'"
SECTION = re.compile(rf"\[(?:{QUOTED}|[^\[\]'])*\]|(?:{QUOTED}|[^\[\]'])+|[\[\]']")
# a text that begins so stands in the order of texts where its day stands in that of days
ORDERED = re.compile(r"%Y([-/.]?)%m\1%d")
NO_ORDER = (
    "window_column {column} holds texts of the format {format!r}, whose order is not that of time: rows would be "
    "missed; leave window_column out (the source is then read whole), or write a query that gives the time as a "
    "timestamp or as yyyy-MM-dd"
)
TOKEN = re.compile(rf"{QUOTED}|([A-Za-z])\1*|[^A-Za-z'\[\]]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One alternative: what strptime reads, and the regular expression that a text must match as a whole."""

    strptime: str
    regex: str

    @property
    def zoned(self) -> bool:
        """Whether the text itself names its offset."""
        return "%z" in self.strptime


def parse_format(text: str) -> list[Pattern]:
    """The alternatives of a pattern, the longest first.

    Raises:
        ValueError: a letter or a bracket that is not understood; names it and what is allowed.
    """
    found = dict.fromkeys(_joined(parts) for parts in itertools.product(*_sections(text)))
    kept = [pattern for pattern in found if pattern.strptime.strip() and _says_each_part_once(pattern.strptime)]
    if not kept:
        raise ValueError(f"format {text!r} reads nothing")
    if len(kept) > MOST_ALTERNATIVES:
        raise ValueError(f"format {text!r}: {len(kept)} alternatives, where {MOST_ALTERNATIVES} are the most")
    return sorted(kept, key=lambda pattern: len(pattern.strptime), reverse=True)


def sign_of_days(text: str | None) -> str | None:
    """The sign between year, month and day with which all texts of a format begin; None where they begin otherwise.

    Without a format texts are ISO 8601, and the sign is its own.
    """
    if text is None:
        return "-"
    begins = [ORDERED.match(pattern.strptime) for pattern in parse_format(text)]
    signs = {match[1] if match else None for match in begins}
    return signs.pop() if len(signs) == 1 else None


def _sections(text: str) -> list[list[Pattern]]:
    """The choices at each place of the pattern: a run of letters and signs, or an optional section and nothing."""
    choices = []
    for piece in SECTION.findall(text):
        if piece in ("[", "]", "'"):
            raise ValueError(f"format {text!r}: {piece!r} has no partner; sections in brackets cannot hold others")
        optional = piece.startswith("[")
        found = _pattern(piece[1:-1] if optional else piece, text)
        choices.append([found, Pattern("", "")] if optional else [found])
    if sum(len(choice) > 1 for choice in choices) > MOST_SECTIONS:
        raise ValueError(f"format {text!r}: more than {MOST_SECTIONS} sections in brackets")
    return choices


def _joined(parts: tuple[Pattern, ...]) -> Pattern:
    return Pattern("".join(part.strptime for part in parts), "".join(part.regex for part in parts))


def _pattern(option: str, whole: str) -> Pattern:
    strptime, regex = [], []
    for match in TOKEN.finditer(option):
        token = match[0]
        if match[1]:
            if token not in LETTERS:
                known = ", ".join(LETTERS)
                raise ValueError(f"format {whole!r}: {token!r} is not understood; known are {known}, 'literal' and []")
            reads, matches = LETTERS[token]
        else:
            literal = token[1:-1].replace("''", "'") or "'" if token.startswith("'") else token
            reads, matches = literal.replace("%", "%%"), re.escape(literal)
        strptime.append(reads)
        regex.append(matches)
    return Pattern("".join(strptime), "".join(regex))


def _says_each_part_once(strptime: str) -> bool:
    """False where two alternatives of a pattern stand one after the other: no text is meant by that."""
    parts = [part.translate(SAME_PART) for part in re.findall(r"%-?([A-Za-z])", strptime)]
    return len(parts) == len(set(parts))
