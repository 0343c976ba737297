"""Casts from a raw value to a contract's type in DuckDB that never guess: no rounding, no `1_000`, no infinity.

A cast gives NULL where the value does not fit; the caller tells that apart from a value that is not there.
"""

from collections.abc import Iterator

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
NUMBERS = INTEGERS | FLOATS
SIMPLE = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    # Redshift reads a timestamp from Parquet right only as UTC microseconds, whatever the column's type.
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "super": "VARCHAR",
}


def duckdb_type(physical_type: str) -> str:
    """DuckDB's type for Redshift's: what the curated Parquet column is written as."""
    if physical_type.startswith("decimal"):
        return physical_type.upper().replace(" ", "")
    return SIMPLE.get(physical_type, "VARCHAR")


def is_text(physical_type: str) -> bool:
    """Whether a value of that type is text, so that an empty text is a value."""
    return physical_type == "super" or duckdb_type(physical_type) == "VARCHAR"


def cast(value: str, raw_type: str, physical_type: str) -> str:
    """SQL that turns the SQL `value` of DuckDB's `raw_type` into the contract's type, NULL where it does not fit."""
    target = duckdb_type(physical_type)
    if physical_type == "super":
        return f"CASE WHEN json_valid(CAST({value} AS VARCHAR)) THEN CAST({value} AS VARCHAR) END"
    if target == "VARCHAR":
        return value if raw_type == target else f"CAST({value} AS VARCHAR)"
    checked = value if raw_type == target else f"TRY_CAST({value} AS {target})"
    condition = " AND ".join(_conditions(value, raw_type, target, checked=checked))
    return f"CASE WHEN {condition} THEN {checked} END" if condition else checked


def _conditions(value: str, raw_type: str, target: str, *, checked: str) -> Iterator[str]:
    """SQL conditions under which the cast loses nothing."""
    if target.startswith("TIMESTAMP") or target == "DATE":
        yield from _time_conditions(value, raw_type, target, checked=checked)
    elif raw_type == target:
        return
    elif raw_type == "VARCHAR":
        yield f"NOT contains({value}, '_')"
        yield from _text_conditions(value, target, checked=checked)
    elif raw_type in NUMBERS or raw_type.startswith("DECIMAL"):
        yield from _number_conditions(value, raw_type, target, checked=checked)
    else:
        yield "false"


def _text_conditions(value: str, target: str, *, checked: str) -> Iterator[str]:
    if target in FLOATS:
        yield f"isfinite({checked})"
    elif target in INTEGERS:
        # Beyond 2^53 a double no longer tells neighbours apart, so a fraction could hide.
        yield f"CAST({checked} AS DOUBLE) = TRY_CAST({value} AS DOUBLE)"
        yield f"(abs(CAST({checked} AS HUGEINT)) < 9007199254740992 OR NOT contains({value}, '.'))"
    elif target.startswith("DECIMAL"):
        finer = _finer(target)
        yield f"CAST({checked} AS {finer}) = TRY_CAST({value} AS {finer})"


def _number_conditions(value: str, raw_type: str, target: str, *, checked: str) -> Iterator[str]:
    if target == "BOOLEAN":
        yield f"{value} IN (0, 1)"
    elif target in FLOATS and raw_type in INTEGERS:
        yield f"TRY_CAST({checked} AS HUGEINT) = {value}"
    elif target not in FLOATS:
        yield f"{checked} = {value}"


def _time_conditions(value: str, raw_type: str, target: str, *, checked: str) -> Iterator[str]:
    """Years 1 to 9999: what Redshift's clients can read. Numbers are no times unless an expression makes them so."""
    if raw_type not in ("VARCHAR", "DATE") and not raw_type.startswith("TIMESTAMP"):
        yield "false"
        return
    yield f"{checked} >= CAST('0001-01-01' AS {target}) AND {checked} < CAST('10000-01-01' AS {target})"
    if target == "DATE" and raw_type == "VARCHAR":
        yield f"{checked} = TRY_CAST({value} AS TIMESTAMP)"
    elif target == "DATE" and raw_type != "DATE":
        yield f"{value} = date_trunc('day', {value})"


def _finer(target: str) -> str:
    """A decimal type with as many digits before the point and up to nine more behind it."""
    precision, scale = (int(part) for part in target[len("DECIMAL(") : -1].split(","))
    return f"DECIMAL(38,{min(scale + 9, 38 - (precision - scale))})"
