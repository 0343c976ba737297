"""The type that values get which agree on it: the bits come from statements/kinds.sql."""

from typing import Any

BOOLEAN, SMALL, DOUBLE, LARGE = 1, 2, 4, 8


def duckdb_type(kinds: int) -> str:
    """BOOLEAN, BIGINT or DOUBLE where all values agree, else VARCHAR.

    Integers beside doubles become doubles only while a double holds them exactly.
    """
    if kinds == BOOLEAN:
        return "BOOLEAN"
    if kinds in (SMALL, LARGE, SMALL | LARGE):
        return "BIGINT"
    return "DOUBLE" if kinds in (DOUBLE, SMALL | DOUBLE) else "VARCHAR"


def arrow_type(kinds: int) -> Any:
    """The same as Arrow's type."""
    import pyarrow as pa

    types = {"BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "VARCHAR": pa.string()}
    return types[duckdb_type(kinds)]
