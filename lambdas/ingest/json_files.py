"""JSON files to records, one in memory at a time: of an array, of the list in an envelope, or one after the other."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from lambdas.common.errors import SourceError
from lambdas.ingest.exact_json import parse

CHUNK = 1 << 20
# signs of a value that is read at once: a record, or a name or a scalar of the envelope
LARGEST = 64 << 20
# where a text is cut, what stops the parser lies so far from its end at most
CUT = 16
# the most of a number that is no part of it yet, as in 1e+ or 1.
NUMBER_CUT = 2
BLANKS = re.compile(r"[ \t\n\r]*")


def read_json(path: Path, selector: str | None) -> Iterator[Any]:
    """The records of the list at a path of names joined by dots; without one of the array that the file is.

    A file that is neither has one record, or several one after the other.

    Raises:
        SourceError: it is no JSON, or has no list there, or a record is too large; says where.
    """
    with path.open("rb") as file:
        encoding = json.detect_encoding(file.read(4))
    # as json.loads reads bytes
    with path.open(encoding=encoding, errors="surrogatepass", newline="") as text:
        reader = _Reader(text, path.name)
        try:
            if selector is not None:
                names = selector.removeprefix("$.").split(".")
                yield from _selected(reader, names, f"json.data_selector {selector!r}")
            elif reader.peek() == "[":
                yield from _records(reader)
            else:
                while reader.peek():
                    yield reader.value()
            reader.require_end()
        except UnicodeError as error:
            raise SourceError(f"filesystem: {path.name}: no JSON: {error}") from error


class _Reader:
    """The values of a JSON text, of which no more is held than the next one needs."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._file, self._name = file, name
        self._text, self._at, self._passed = "", 0, 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next sign that is no blank, or nothing at the end."""
        while True:
            blanks = BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text) or not self._read_more():
                return self._text[self._at : self._at + 1]

    def take(self, signs: str) -> str:
        """The next sign, which must be one of these."""
        found = self.peek()
        if not found or found not in signs:
            raise self.broken(f"no JSON: {' or '.join(signs)} must stand there, not {found or 'the end'}")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, with exact numbers."""
        self.peek()
        end = self._end()
        text, self._at = self._text[self._at : end], end
        try:
            return parse(text)
        except ValueError as error:
            raise self.broken(f"no JSON: {error}") from error

    def require_end(self) -> None:
        """Raise SourceError where anything follows."""
        if self.peek():
            raise self.broken("no JSON: more follows behind the end")

    def broken(self, told: str, at: int | None = None) -> SourceError:
        """What is wrong, and where."""
        place = self._passed + (self._at if at is None else at)
        return SourceError(f"filesystem: {self._name}: character {place + 1:,}: {told}")

    def _end(self) -> int:
        """Where the value ends that begins here; a number may go on behind what has been read."""
        while True:
            try:
                end = self._decoder.raw_decode(self._text, self._at)[1]
                if len(self._text) - end > NUMBER_CUT or not self._read_more():
                    return int(end)
            except json.JSONDecodeError as error:
                told, place = f"no JSON: {error.msg}", error.pos
                cut = place > len(self._text) - CUT or error.msg.startswith("Unterminated string")
                if not cut or not self._read_more():
                    raise self.broken(told, place) from error
            except RecursionError as error:
                raise self.broken("no JSON: nested too deep") from error
            except ValueError as error:
                raise self.broken(f"no JSON: {error}") from error

    def _read_more(self) -> bool:
        """As much again as is held of the value; False at the end of the file."""
        held = len(self._text) - self._at
        if held > LARGEST:
            limit = f"a value has more than {LARGEST:,} signs, or does not end"
            raise self.broken(f"{limit}; say by json.data_selector where the list of the records is")
        piece = self._file.read(max(CHUNK, held))
        if piece:
            self._passed += self._at
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


def _selected(reader: _Reader, names: Sequence[str], selector: str) -> Iterator[Any]:
    """The records of the list at these names; what else the envelope has is passed over."""
    if not names:
        if reader.peek() != "[":
            raise reader.broken(f"{selector} is no list")
        yield from _records(reader)
        return
    found = False
    for name in _members(reader) if reader.peek() == "{" else ():
        if name != names[0]:
            _skip(reader)
        elif found:
            raise reader.broken(f"{name!r} of {selector} comes twice")
        else:
            found = True
            yield from _selected(reader, names[1:], selector)
    if not found:
        raise reader.broken(f"nothing at {names[0]!r} of {selector}")


def _records(reader: _Reader) -> Iterator[Any]:
    for _ in _elements(reader):
        yield reader.value()


def _elements(reader: _Reader) -> Iterator[None]:
    """Stop before each element of the array, which then must be read."""
    reader.take("[")
    if reader.peek() == "]":
        reader.take("]")
        return
    while True:
        yield
        if reader.take(",]") == "]":
            return


def _members(reader: _Reader) -> Iterator[str]:
    """The names of the object's members; the value of each must be read before the next."""
    reader.take("{")
    if reader.peek() == "}":
        reader.take("}")
        return
    while True:
        if reader.peek() != '"':
            reader.take('"')
        name = reader.value()
        reader.take(":")
        yield str(name)
        if reader.take(",}") == "}":
            return


def _skip(reader: _Reader) -> None:
    """Pass over a value, however large; only one of its scalars is held."""
    sign = reader.peek()
    if sign not in ("{", "["):
        reader.value()
        return
    for _ in _members(reader) if sign == "{" else _elements(reader):
        _skip(reader)
