"""Tokens of Redshift SQL, for the statements that are parsed by hand and for splitting scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error
from infrastructure.local.redshift.settings import DATABASE

# Statements whose strings may be keys or passwords: a message must not repeat them.
_WITH_SECRETS = {"copy", "unload", "create", "alter"}
_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<string>[eE]?'(?:[^'\\]|\\.|'')*')
  | (?P<dollar>\$(?P<label>[A-Za-z_]\w*)?\$.*?\$(?P=label)\$|\$\$.*?\$\$)
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<parameter>\$\d+)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d][\w$]*|\#[^\W\d]\w*)
  | (?P<symbol>::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# words that have to be quoted to be a name: DG/r_pg_keywords, without START and CONNECT, which it takes back
RESERVED = frozenset(Path(__file__).with_name("reserved.txt").read_text().split())
LONGEST_NAME = 63
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """A piece of SQL: its kind, its text, and where it starts and ends."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The text in capitals if this is a bare word or symbol, else nothing."""
        return self.text.upper() if self.kind in {"word", "symbol"} else ""


def tokenize(sql: str) -> list[Token]:
    """The tokens of `sql` without blanks and comments.

    Raises:
        RedshiftError: 42601 for an unterminated string or comment.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(sql):
        found = _PATTERN.match(sql, position)
        assert found is not None and found.lastgroup  # noqa: S101, PT018 - the last alternative takes anything
        kind = "dollar" if found.group("dollar") else found.lastgroup
        if kind == "comment":
            position = _comment_end(sql, found.end())
            continue
        if kind == "symbol" and found.group() in "'\"":
            raise RedshiftError("42601", f"unterminated quoted string, begun at character {position + 1}")
        position = found.end()
        if kind == "string" and tokens and tokens[-1].kind == "string":
            hidden = tokens[0].text.lower() in _WITH_SECRETS
            _check_continued(sql[tokens[-1].end : found.start()], "'...'" if hidden else found.group())
        if kind != "space":
            tokens.append(Token(kind, found.group(), found.start(), found.end()))
    return tokens


def _check_continued(between: str, text: str) -> None:
    """A string goes on in a second literal only on another line."""
    if "\n" not in between:
        raise syntax_error(text)


def _comment_end(sql: str, position: int) -> int:
    depth = 1
    while depth:
        found = _COMMENT_EDGE.search(sql, position)
        if not found:
            raise RedshiftError("42601", "unterminated /* comment")
        depth += 1 if found.group() == "/*" else -1
        position = found.end()
    return position


def split(sql: str) -> list[list[Token]]:
    """The statements of a script as token lists; empty statements are left out."""
    statements: list[list[Token]] = [[]]
    for token in tokenize(sql):
        if token.kind == "symbol" and token.text == ";":
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def without_catalog_prefix(sql: str) -> str:
    """The text without the schema of built-in functions, types and operators, as `pg_catalog.version()` has it."""
    tokens = tokenize(sql) if "pg_catalog" in sql.lower() else []
    cuts: list[tuple[int, int]] = []
    for index, token in enumerate(tokens):
        before = [t.upper for t in tokens[max(index - 2, 0) : index]]
        after = [t.upper for t in tokens[index + 1 : index + 6]]
        if token.text.strip('"').lower() != "pg_catalog" or after[:1] != ["."]:
            continue
        if before == ["OPERATOR", "("] and ")" in after:
            closing = tokens[index + 1 + after.index(")")]
            cuts += [(tokens[index - 2].start, tokens[index + 2].start), (closing.start, closing.end)]
        elif after[2:3] == ["("] or before[-1:] == ["::"]:
            cuts.append((token.start, tokens[index + 2].start))
    for start, end in reversed(cuts):
        sql = f"{sql[:start]} {sql[end:]}"
    return sql


def quote(name: str) -> str:
    """An identifier for the backend."""
    return '"' + name.replace('"', '""') + '"'


def check_length(name: str) -> None:
    """Refuse a name that the backend would cut.

    Raises:
        RedshiftError: 0A000; Redshift itself takes 127 bytes.
    """
    if len(name.encode()) > LONGEST_NAME:
        raise not_covered(f'names of more than {LONGEST_NAME} bytes: "{name}"')


def require_here(database: str) -> None:
    """Refuse a name that begins with a database other than the one that is here.

    Raises:
        RedshiftError: 3D000.
    """
    if database and database.lower() != DATABASE:
        raise RedshiftError("3D000", f'database "{database.lower()}" does not exist')


def literal(value: str) -> str:
    """A string literal for the backend."""
    escaped = value.replace("'", "''")
    return f"E'{escaped.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{escaped}'"


def unquote_string(text: str) -> str:
    """The value of a string token; Redshift's strings know backslash escapes."""
    body = text[text.index("'") + 1 : -1].replace("''", "'")
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body, flags=re.DOTALL)


class Tokens:
    """A cursor over the tokens of one statement."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self._tokens = tokens
        self._position = 0

    @property
    def current(self) -> Token | None:
        """The next token, or None at the end."""
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    @property
    def done(self) -> bool:
        """Whether all tokens are used."""
        return self._position >= len(self._tokens)

    def peek(self, ahead: int = 0) -> str:
        """The word or symbol `ahead` tokens further on, in capitals; nothing for other kinds."""
        index = self._position + ahead
        return self._tokens[index].upper if index < len(self._tokens) else ""

    def take(self) -> Token:
        """The next token, used up."""
        token = self.current
        if token is None:
            raise syntax_error("")
        self._position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Use up the given words if all of them come next."""
        if all(self.peek(offset) == word for offset, word in enumerate(words)):
            self._position += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str:
        """Use up one of the given words if it comes next, and return it; else nothing."""
        word = self.peek()
        if word in words:
            self._position += 1
            return word
        return ""

    def expect(self, *words: str) -> None:
        """Use up the given words or fail at the first that is missing."""
        for word in words:
            if not self.accept(word):
                raise self.error()

    def end(self) -> None:
        """Fail unless everything is used up."""
        if not self.done:
            raise self.error()

    def error(self) -> RedshiftError:
        """A syntax error at the next token."""
        return syntax_error(self.current.text if self.current else "")

    def name(self) -> str:
        """An identifier, folded to lower case."""
        token = self.take()
        if token.kind not in {"quoted", "word"}:
            raise syntax_error(token.text)
        text = token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text
        check_length(text)
        return text.lower()

    def column_name(self) -> str:
        """An identifier that is no reserved word unless it is quoted."""
        if self.peek() in RESERVED:
            raise self.error()
        return self.name()

    def qualified(self) -> str:
        """A name with up to three parts, quoted for the backend; the database part is checked and left out."""
        parts = [self.column_name()]
        while self.accept("."):
            parts.append(self.column_name())
        if len(parts) > 3:
            raise syntax_error(parts[3])
        require_here("".join(parts[:-2]))
        return ".".join(quote(part) for part in parts[-2:])

    def string(self) -> str:
        """The value of a string literal, between quotation marks or between $mark$ and $mark$."""
        token = self.take()
        if token.kind == "dollar":
            mark = token.text[: token.text.index("$", 1) + 1]
            return token.text[len(mark) : -len(mark)]
        if token.kind != "string":
            raise syntax_error(token.text)
        return unquote_string(token.text)

    def integer(self) -> int:
        """An unsigned integer."""
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise syntax_error(token.text)
        return int(token.text)

    def names(self) -> list[str]:
        """A list like `a, b`."""
        found = [self.column_name()]
        while self.accept(","):
            found.append(self.column_name())
        return found

    def names_in_parentheses(self) -> list[str]:
        """A list like `(a, b)`."""
        self.expect("(")
        names = self.names()
        self.expect(")")
        return names

    def balanced(self, *stop: str) -> str:
        """Source text up to a stop word, a comma or a closing parenthesis outside of parentheses."""
        begin = self.current
        depth = 0
        last = begin
        while self.current is not None:
            word = self.peek()
            if depth == 0 and (word in {",", ")"} or (word in stop and self.current is not begin)):
                break
            depth += {"(": 1, ")": -1}.get(word, 0)
            last = self.take()
        if begin is None or last is None or begin is self.current:
            raise self.error()
        return self.sql[begin.start : last.end]

    def rest(self) -> str:
        """The source text from here to the end of the statement, all used up."""
        if self.current is None:
            raise syntax_error("")
        text = self.sql[self.current.start : self._tokens[-1].end]
        self._position = len(self._tokens)
        return text
