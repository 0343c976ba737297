"""Options of COPY and UNLOAD as they are written: words with or without a value, each at most once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from infrastructure.local.redshift.dialect import authorization
from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.errors import INVALID_PARAMETER, RedshiftError, not_covered, syntax_error

Value = str | int | bool | tuple[str, ...]
Given = dict[str, Value]
Reader = Callable[[Tokens], Value]

_FORMATS = {"PARQUET", "CSV", "JSON", "DELIMITER", "ORC", "AVRO", "SHAPEFILE", "FIXEDWIDTH", "TEXT"}
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "N": "\\N"}


def redundant(name: str) -> RedshiftError:
    """A 42601 for an option that is given twice or against another."""
    return RedshiftError("42601", f"conflicting or redundant options: {name}")


def read(tokens: Tokens, known: Mapping[str, Reader], not_here: frozenset[str]) -> Given:
    """All options up to the end of the statement, by name; AUTHORIZATION is among them if it was given.

    FORMAT [AS] before the name of a format adds nothing to it.

    Args:
        tokens: Stands at the first option.
        known: How the value of each option is read.
        not_here: Options of Redshift that this endpoint refuses by name.

    Raises:
        RedshiftError: 42601 for what is no option or comes twice, 0A000 for what is not covered.
    """
    given: Given = {}
    name: str
    value: Value
    while not tokens.done:
        formatted = tokens.accept("FORMAT") and (tokens.accept("AS") or True)
        word = tokens.peek()
        if formatted and word not in _FORMATS:
            raise _unknown(tokens)
        if authorization.starts(tokens):
            name, value = "AUTHORIZATION", authorization.read(tokens)
        elif word in not_here:
            raise not_covered(f"the option {word}")
        elif word in known:
            tokens.take()
            name, value = word, known[word](tokens)
        else:
            raise _unknown(tokens)
        if name in given:
            raise redundant(name)
        given[name] = value
    return given


def _unknown(tokens: Tokens) -> RedshiftError:
    # a string out of place may be a secret: it is not repeated
    token = tokens.current
    return syntax_error("'...'" if token and token.kind == "string" else token.text if token else "")


def flag(_tokens: Tokens) -> bool:
    """An option without a value."""
    return True


def text(tokens: Tokens) -> str:
    """[AS] 'value'; a backslash and three octal digits are a character, a backslash and N stay as they are."""
    tokens.accept("AS")
    token = tokens.current
    if token is None or token.kind != "string":
        raise tokens.error()
    tokens.take()
    body = token.text[token.text.index("'") + 1 : -1].replace("''", "'")
    return _ESCAPE.sub(_unescaped, body)


def _unescaped(found: re.Match[str]) -> str:
    mark = found.group(1)
    return chr(int(mark, 8)) if len(mark) == 3 else _ESCAPED.get(mark, mark)


def optional_text(default: str) -> Reader:
    """A reader of [AS] ['value']."""

    def read_text(tokens: Tokens) -> str:
        tokens.accept("AS")
        return text(tokens) if tokens.current and tokens.current.kind == "string" else default

    return read_text


def character(tokens: Tokens) -> str:
    """[AS] 'c': one ASCII character."""
    value = text(tokens)
    if len(value) != 1 or not value.isascii():
        raise RedshiftError(INVALID_PARAMETER, "the delimiter or quote must be a single ASCII character")
    return value


def number(tokens: Tokens) -> int:
    """[AS] n."""
    tokens.accept("AS")
    return tokens.integer()


def switch(tokens: Tokens) -> bool:
    """[ON | TRUE | OFF | FALSE]; nothing is ON."""
    return tokens.accept_any("ON", "TRUE", "OFF", "FALSE") not in {"OFF", "FALSE"}


def one_of(*words: str) -> Reader:
    """A reader of [AS] word, one of the given ones, bare or in quotes."""

    def read_word(tokens: Tokens) -> str:
        tokens.accept("AS")
        quoted = tokens.current is not None and tokens.current.kind == "string"
        word = tokens.string().upper() if quoted else tokens.take().upper
        if word not in words:
            raise syntax_error(word)
        return word

    return read_word


def check_url(url: str) -> str:
    """The URL, if it is s3://bucket/key.

    Raises:
        RedshiftError: It is not.
    """
    if not re.match(r"^s3://[^/]+/.+", url, re.DOTALL):
        raise RedshiftError("XX000", f"Invalid S3 path '{url}': it must be s3://bucket/key")
    return url
