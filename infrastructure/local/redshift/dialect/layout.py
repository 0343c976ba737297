"""How a table is laid out: DISTSTYLE, DISTKEY, SORTKEY and ENCODE, from the words to the catalog's own record of them.

Nothing here changes where a row lies; it is checked as Redshift checks it and shown by the catalog
(catalog/attributes.sql). The rules are those of CREATE TABLE (DG/r_CREATE_TABLE_NEW).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from infrastructure.local.redshift.dialect.lexer import Tokens, literal
from infrastructure.local.redshift.errors import RedshiftError

ENCODINGS = {
    "AUTO", "AZ64", "BYTEDICT", "DELTA", "DELTA32K", "LZO", "MOSTLY8", "MOSTLY16", "MOSTLY32", "RAW", "RUNLENGTH",
    "TEXT255", "TEXT32K", "ZSTD",
}  # fmt: skip
_MOST_SORT_KEYS = {"COMPOUND": 400, "INTERLEAVED": 8}


@dataclass
class Layout:
    """What a statement says about a table's layout.

    Attributes:
        diststyle: AUTO, EVEN, KEY, ALL or nothing.
        distkey: The distribution key's column or nothing.
        sortstyle: AUTO, COMPOUND, INTERLEAVED or nothing.
        sortkeys: The sort key's columns in order.
        encodings: Encoding by column.
        seen: The attributes of the table that were named.
    """

    diststyle: str = ""
    distkey: str = ""
    sortstyle: str = ""
    sortkeys: list[str] = field(default_factory=list)
    encodings: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def check(self) -> None:
        """Refuse attributes that contradict each other.

        Raises:
            RedshiftError: 42601 or 42P16, naming what does not go together.
        """
        if self.diststyle == "KEY" and not self.distkey:
            raise RedshiftError("42P16", "DISTSTYLE KEY requires a DISTKEY column")
        if self.distkey and self.diststyle not in {"", "KEY", "AUTO"}:
            raise RedshiftError("42P16", f"Cannot specify a DISTKEY column with DISTSTYLE {self.diststyle}")
        most = _MOST_SORT_KEYS.get(self.sortstyle, 0)
        if len(self.sortkeys) > most:
            raise RedshiftError("54011", f"a {self.sortstyle.lower()} sort key has at most {most} columns")
        if len(set(self.sortkeys)) < len(self.sortkeys):
            raise RedshiftError("42701", "a column is named twice in the SORTKEY")

    def statements(self, table: str) -> tuple[str, ...]:
        """What records the layout of `table` once it exists."""
        target = f"{literal(table)}::pg_catalog.regclass"
        found = []
        if self.diststyle or self.distkey:
            style = "KEY" if self.distkey else self.diststyle
            key = literal(self.distkey) if self.distkey else "NULL"
            found.append(f"SELECT pg_catalog.rs_distribute({target}, {literal(style)}, {key})")
        if self.sortstyle:
            keys = ", ".join(map(literal, self.sortkeys))
            found.append(f"SELECT pg_catalog.rs_sort({target}, {literal(self.sortstyle)}, ARRAY[{keys}]::name[])")
        for column, encoding in self.encodings.items():
            if encoding != "AUTO":
                words = f"{target}, {literal(column)}, {literal(encoding.lower())}"
                found.append(f"SELECT pg_catalog.rs_encode({words})")
        return tuple(found)

    def distribute_by(self, column: str) -> None:
        """A column says that it is the DISTKEY."""
        if self.distkey:
            raise RedshiftError("42P16", "a table has at most one DISTKEY column")
        self.distkey = column

    def sort_by(self, column: str) -> None:
        """A column says that it is the SORTKEY."""
        if self.sortkeys:
            raise RedshiftError("42P16", "a table has at most one SORTKEY")
        self.sortstyle, self.sortkeys = "COMPOUND", [column]


def read_attributes(tokens: Tokens, layout: Layout) -> None:
    """Use up DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO and BACKUP in any order, each at most once."""
    while True:
        word = tokens.peek()
        kind = "SORTKEY" if word in {"COMPOUND", "INTERLEAVED"} else word
        if kind not in _ATTRIBUTES:
            return
        if kind in layout.seen:
            raise RedshiftError("42601", f"conflicting or redundant options: {kind}")
        layout.seen.add(kind)
        _ATTRIBUTES[kind](tokens, layout)


def read_diststyle(tokens: Tokens, layout: Layout) -> None:
    """DISTSTYLE with its style."""
    tokens.expect("DISTSTYLE")
    layout.diststyle = tokens.accept_any("AUTO", "EVEN", "KEY", "ALL")
    if not layout.diststyle:
        raise tokens.error()


def _distkey(tokens: Tokens, layout: Layout) -> None:
    tokens.expect("DISTKEY")
    for column in tokens.names_in_parentheses():
        layout.distribute_by(column)


def read_sortkey(tokens: Tokens, layout: Layout) -> None:
    """[COMPOUND | INTERLEAVED] SORTKEY (columns) or SORTKEY AUTO."""
    style = tokens.accept_any("COMPOUND", "INTERLEAVED")
    tokens.expect("SORTKEY")
    if not style and tokens.accept("AUTO"):
        layout.sortstyle = "AUTO"
        return
    if layout.sortkeys:
        raise RedshiftError("42P16", "a table has at most one SORTKEY")
    layout.sortkeys = tokens.names_in_parentheses()
    layout.sortstyle = style or "COMPOUND"


def read_encoding(tokens: Tokens) -> str:
    """The name of an encoding."""
    found = tokens.accept_any(*ENCODINGS)
    if not found:
        raise RedshiftError("42601", f"encoding type {tokens.peek() or 'missing'} is not known")
    return found


def _encode(tokens: Tokens, _layout: Layout) -> None:
    tokens.expect("ENCODE", "AUTO")


def _backup(tokens: Tokens, _layout: Layout) -> None:
    tokens.expect("BACKUP")
    if not tokens.accept_any("YES", "NO"):
        raise tokens.error()


def copy_layout(parent: str, table: str) -> str:
    """The statement that gives a table made LIKE another one its layout."""
    names = f"{literal(parent)}::pg_catalog.regclass, {literal(table)}::pg_catalog.regclass"
    return f"SELECT pg_catalog.rs_copy_layout({names})"


_ATTRIBUTES = {
    "DISTSTYLE": read_diststyle,
    "DISTKEY": _distkey,
    "SORTKEY": read_sortkey,
    "ENCODE": _encode,
    "BACKUP": _backup,
}
