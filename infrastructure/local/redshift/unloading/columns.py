"""The columns of an unloaded query: their types here, in Parquet, and in a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from infrastructure.local.redshift.dialect.lexer import quote
from infrastructure.local.redshift.errors import RedshiftError, not_covered

_NAMES = {
    16: "boolean", 20: "bigint", 21: "smallint", 23: "integer", 700: "real", 701: "double precision",
    1082: "date", 1083: "time without time zone", 1266: "time with time zone", 1114: "timestamp without time zone",
    1184: "timestamp with time zone", 114: "super", 1700: "numeric", 1042: "character", 1043: "character varying",
    25: "character varying", 19: "character varying",
}  # fmt: skip
# both kinds of TIMESTAMP become instants in UTC: the annotation that Parquet 1.0 has
_ARROW = {
    "boolean": pa.bool_(), "bigint": pa.int64(), "smallint": pa.int16(), "integer": pa.int32(), "real": pa.float32(),
    "double precision": pa.float64(), "date": pa.date32(), "timestamp without time zone": pa.timestamp("us", tz="UTC"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"), "super": pa.json_(), "character": pa.string(),
    "character varying": pa.string(),
}  # fmt: skip
# DG/r_UNLOAD, usage notes
_PARTITION_KEYS = {
    "smallint", "integer", "bigint", "numeric", "real", "boolean", "character", "character varying", "date",
    "timestamp without time zone",
}  # fmt: skip
_LONGEST = 65_535


@dataclass(frozen=True)
class Column:
    """A column of the result: its name, its type's name, and the type's numbers."""

    name: str
    base: str
    sizes: tuple[int, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether this is a character type."""
        return self.base in {"character", "character varying"}

    @property
    def arrow(self) -> pa.DataType | None:
        """The type in Parquet; None for a NUMERIC whose precision is not known."""
        if self.base == "numeric":
            return pa.decimal128(*self.sizes) if self.sizes else None
        if self.base not in _ARROW:
            raise not_covered(f"UNLOAD of type {self.base.upper()} to PARQUET")
        return _ARROW[self.base]

    @property
    def described(self) -> dict[str, object]:
        """The entry in a manifest's schema."""
        kind: dict[str, object] = {"base": self.base}
        if self.is_text:
            kind["max_length"] = self.sizes[0] if self.sizes else _LONGEST
        elif self.sizes:
            kind["precision"], kind["scale"] = self.sizes
        return {"name": self.name, "type": kind}


def column(name: str, oid: int, modifier: int) -> Column:
    """A column out of what the backend says of it.

    Raises:
        RedshiftError: The type can not be unloaded.
    """
    base = _NAMES.get(oid)
    if base is None:
        raise not_covered(f"UNLOAD of column {name}: its type")
    if modifier < 4:
        return Column(name, base)
    if base == "numeric":
        return Column(name, base, (((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF))
    return Column(name, base, (modifier - 4,))


def check_names(columns: Sequence[Column]) -> None:
    """Refuse two columns of one name.

    Raises:
        RedshiftError: There are two.
    """
    names = [item.name for item in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RedshiftError("42701", f'column name "{twice}" is not unique in the UNLOAD query')


def partition_indexes(columns: Sequence[Column], names: Sequence[str], *, include: bool) -> list[int]:
    """Where the columns of PARTITION BY are.

    Raises:
        RedshiftError: One is missing or of a type that can not be a key, or no column is left.
    """
    places = {item.name: index for index, item in enumerate(columns)}
    for name in names:
        if name not in places:
            raise RedshiftError("42703", f"column {quote(name)} of PARTITION BY is not in the UNLOAD query")
        if columns[places[name]].base not in _PARTITION_KEYS:
            raise RedshiftError("0A000", f"PARTITION BY a column of type {columns[places[name]].base} is not supported")
    if names and not include and len(set(names)) >= len(columns):
        raise RedshiftError("0A000", "at least one column must not be in PARTITION BY")
    return [places[name] for name in names]
