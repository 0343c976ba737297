"""Records to an Arrow table as ingest keeps them: a type where all values agree, else text; nested values are JSON."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lambdas.common.errors import RequestError
from lambdas.common.names import UNNAMED, find_twins

SMALLEST, EXACT = -(2**63), 2**53


def table_of_records(records: Sequence[Mapping[str, Any]]) -> Any:
    """The table of all keys that occur, in the order of their first appearance; an empty one is UNNAMED.

    Raises:
        RequestError: two keys differ in case alone, which ingest refuses.
    """
    import pyarrow as pa

    names = list(dict.fromkeys(name for record in records for name in record))
    if twins := find_twins(name or UNNAMED for name in names):
        raise RequestError(
            f"two keys {twins[0]!r} and {twins[1]!r} differ in case alone, and ingest refuses such records: tables "
            "know no case. Let the sender write one of them, or read them by a query or a file that does"
        )
    columns = {name or UNNAMED: [record.get(name) for record in records] for name in names}
    return pa.table({name: _array(values) for name, values in columns.items()})


def _array(values: list[Any]) -> Any:
    import pyarrow as pa

    kinds = {_kind(value) for value in values if value is not None}
    if kinds == {"boolean"}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {"integer", "large"}:
        return pa.array(values, pa.int64())
    if kinds in ({"number"}, {"integer", "number"}):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _kind(value: Any) -> str:
    """As ingest tells them apart: a large integer is one that a double would round."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if abs(value) <= EXACT else "large" if SMALLEST <= value < -SMALLEST else "text"
    return "number" if isinstance(value, float) else "text"


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    text = str(value) if isinstance(value, str | Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    # halves of surrogate pairs, as ingest keeps them
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
