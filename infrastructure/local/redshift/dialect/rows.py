"""INSERT with many rows of plain values: all rows but the first pass by the parser, which needs seconds for each MB.

A row is plain when PostgreSQL reads it as Redshift does: numbers, TRUE, FALSE, NULL, DEFAULT, parameters, strings, and
strings cast to a date or time. Strings with backslashes are written anew, because those are Redshift's escapes.
"""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect.lexer import literal, unquote_string

_STRING = r"[eE]?+'[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+'"
_NUMBER = r"[-+]?+(?:\d{1,19}+(?:\.\d{0,18}+)?+|\.\d{1,18}+)(?:[eE][-+]?+\d{1,2}+)?+"
_VALUE = (
    rf"(?>{_STRING}(?:::(?:timestamptz|timestamp|date|timetz|time)\b)?+|{_NUMBER}|\$\d++"
    r"|null\b|true\b|false\b|default\b)"
)
_ROW = rf"\(\s*+{_VALUE}\s*+(?:,\s*+{_VALUE}\s*+)*+\)"
_NAME = r'(?:"[^"]++"|[^\W\d][\w$]*+)'
_HEAD = re.compile(
    rf"\s*+insert\s++into\s++{_NAME}(?:\.{_NAME}){{0,2}}\s*+(?:\(\s*+{_NAME}\s*+(?:,\s*+{_NAME}\s*+)*+\)\s*+)?values\b",
    re.IGNORECASE,
)
# one row, the rows behind it, and then nothing
_ROWS = re.compile(rf"\s*+{_ROW}(?P<further>(?:\s*+,\s*+{_ROW})++)\s*+(?=;|\Z)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(_STRING, re.DOTALL)
_LONG = 20_000


def further(sql: str) -> tuple[str, str]:
    """A statement without the plain rows behind its first one, and those rows for the backend.

    Args:
        sql: One statement, or a script.

    Returns:
        The text as it is and nothing, unless this is a single long INSERT of plain rows.
    """
    head = _HEAD.match(sql) if len(sql) > _LONG else None
    found = _ROWS.match(sql, head.end()) if head else None
    if not found or sql[found.end() :].strip(" \t\r\n;"):
        return sql, ""
    begin, end = found.span("further")
    return sql[:begin], _translated(sql[begin:end])


def _translated(rows: str) -> str:
    if "\\" not in rows:
        return rows
    return _LITERAL.sub(lambda found: literal(unquote_string(found[0])) if "\\" in found[0] else found[0], rows)
