"""The types of numeric expressions, by Redshift's rules (DG/r_numeric_computations201).

PostgreSQL keeps no precision and scale for expressions, but the scale of a decimal quotient follows from them. So they
are worked out from the tree: from casts, literals, functions, and the columns of tables, which the session looks up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from infrastructure.local.redshift.dialect.lexer import Tokens, tokenize
from infrastructure.local.redshift.dialect.types import parse_type
from infrastructure.local.redshift.errors import RedshiftError

MOST = 38


@dataclass(frozen=True)
class Number:
    """A numeric type: int2, int4, int8, float, or decimal with precision and scale."""

    kind: str
    precision: int = 0
    scale: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether this is an integer type."""
        return self.kind.startswith("int")

    def as_decimal(self) -> Number:
        """The decimal that an integer counts as in a computation with one."""
        return Number("decimal", _WHOLE[self.kind]) if self.is_whole else self


_WHOLE = {"int2": 5, "int4": 10, "int8": 19}
INT4, INT8, FLOAT = Number("int4"), Number("int8"), Number("float")
_NAMES = {
    "smallint": Number("int2"), "integer": INT4, "bigint": INT8, "real": FLOAT, "double precision": FLOAT,
}  # fmt: skip
_DECIMAL = re.compile(r"numeric\((\d+),(\d+)\)")


def named(name: str) -> Number | None:
    """The type that the backend calls so, if it is a numeric one of known precision."""
    found = _DECIMAL.fullmatch(name)
    return Number("decimal", int(found[1]), int(found[2])) if found else _NAMES.get(name)


def cast_type(node: exp.DataType) -> Number | None:
    """The type in a cast."""
    text = node.meta.get("text") or node.sql(dialect="redshift")
    try:
        return named(parse_type(Tokens(text, tokenize(text)), column=False))
    except RedshiftError:
        return None


def literal(text: str) -> Number | None:
    """The type of a numeric literal; None for one with an exponent."""
    whole, point, fraction = text.partition(".")
    if not (whole + fraction).isdigit():
        return None
    if not point:
        value = int(whole)
        return INT4 if value < 2**31 else INT8 if value < 2**63 else Number("decimal", len(whole))
    return Number("decimal", len(whole or "0") + len(fraction), len(fraction))


def sum_type(a: Number, b: Number) -> Number:
    """The type of a sum or difference."""
    if _stays_binary(a, b):
        return _wider(a, b)
    a, b = a.as_decimal(), b.as_decimal()
    scale = max(a.scale, b.scale)
    return Number("decimal", min(max(a.precision - a.scale, b.precision - b.scale) + scale + 1, MOST), scale)


def product_type(a: Number, b: Number) -> Number:
    """The type of a product."""
    if _stays_binary(a, b):
        return _wider(a, b)
    a, b = a.as_decimal(), b.as_decimal()
    return Number("decimal", min(a.precision + b.precision + 1, MOST), min(a.scale + b.scale, MOST))


def quotient_type(a: Number, b: Number) -> Number:
    """The type of a quotient: at least four places, fewer than exact ones where 38 digits would not do."""
    if _stays_binary(a, b):
        return _wider(a, b)
    a, b = a.as_decimal(), b.as_decimal()
    scale = max(4, a.scale + b.precision - b.scale + 1)
    precision = a.precision - a.scale + b.scale + scale
    if precision > MOST:
        precision, scale = MOST, max(MOST + scale - precision, 4)
    return Number("decimal", precision, scale)


def common_type(found: list[Number | None]) -> Number | None:
    """The type of CASE, COALESCE or a set operation over these; None where the rule for wide decimals is not clear."""
    known = [number for number in found if number is not None]
    if len(known) != len(found) or not known:
        return None
    if FLOAT in known:
        return FLOAT
    if all(number.is_whole for number in known):
        return max(known, key=lambda number: _WHOLE[number.kind])
    decimals = [number.as_decimal() for number in known]
    if len(set(decimals)) == 1:
        return decimals[0]
    scale = max(number.scale for number in decimals)
    precision = max(number.precision - number.scale for number in decimals) + scale
    return Number("decimal", precision, scale) if precision <= 19 else None


def _stays_binary(a: Number, b: Number) -> bool:
    return "float" in {a.kind, b.kind} or "decimal" not in {a.kind, b.kind}


def _wider(a: Number, b: Number) -> Number:
    if "float" in {a.kind, b.kind}:
        return FLOAT
    return max(a, b, key=lambda number: _WHOLE[number.kind])
