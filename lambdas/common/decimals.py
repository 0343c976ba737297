"""Numbers of more digits than a double holds, and decimals of more than DuckDB and Redshift hold."""

from collections.abc import Iterator
from decimal import Decimal
from math import isfinite
from typing import Any

MOST_DIGITS = 38


def exact_number(digits: str) -> float | Decimal:
    """A number with a fraction; as a decimal where a double would lose digits."""
    value, exact = float(digits), Decimal(digits)
    return value if isfinite(value) and Decimal(repr(value)) == exact else exact


def wide_decimals(schema: Any) -> list[str]:
    """The columns of an Arrow schema that hold such decimals, also in lists and structs, by name."""
    return [field.name for field in schema if any(_is_wide(kind) for kind in _kinds(field.type))]


def as_digits(table: Any) -> Any:
    """The Arrow table or record batch with its decimals of 256 bits as decimals of 128 bits, wide ones as their digits.

    Raises:
        ValueError: a list or a struct holds wide ones; names the column.
    """
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if not pa.types.is_decimal256(field.type):
            if any(_is_wide(kind) for kind in _kinds(field.type)):
                raise ValueError(f"{field.name} holds decimals of more than {MOST_DIGITS} digits in a list or struct")
            continue
        column = table.column(place)
        if _is_wide(field.type):
            # Arrow's own cast writes small ones with an exponent
            made = pa.array([None if value is None else f"{value:f}" for value in column.to_pylist()], pa.string())
        else:
            made = column.cast(pa.decimal128(field.type.precision, field.type.scale))
        table = table.set_column(place, field.name, made)
    return table


def _kinds(kind: Any) -> Iterator[Any]:
    """The type and those of all that it holds."""
    yield kind
    for number in range(kind.num_fields):
        yield from _kinds(kind.field(number).type)


def _is_wide(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_decimal256(kind)) and kind.precision > MOST_DIGITS
