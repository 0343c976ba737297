"""Casts from a raw value to a contract's type in DuckDB that never guess: no rounding, no `1_000`, no infinity.

A cast gives NULL where the value does not fit; the caller tells that apart from a value that is not there.
"""

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
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
    if raw_type == target and physical_type != "super":
        return value
    if physical_type == "super":
        return f"CASE WHEN json_valid(CAST({value} AS VARCHAR)) THEN CAST({value} AS VARCHAR) END"
    if target == "VARCHAR":
        return f"CAST({value} AS VARCHAR)"
    checked = f"TRY_CAST({value} AS {target})"
    condition = _lossless(value, raw_type, target, checked)
    return f"CASE WHEN {condition} THEN {checked} END" if condition else checked


def _lossless(value: str, raw_type: str, target: str, checked: str) -> str:
    """SQL that is true where the cast loses nothing; empty where it cannot."""
    if target in INTEGERS or target.startswith("DECIMAL"):
        return _lossless_exact(value, raw_type, checked)
    if target in FLOATS:
        return f"NOT contains({value}, '_') AND isfinite({checked})" if raw_type == "VARCHAR" else ""
    if target == "BOOLEAN" and raw_type in INTEGERS | FLOATS:
        return f"{value} IN (0, 1)"
    if target == "DATE" and raw_type.startswith("TIMESTAMP"):
        return f"{value} = date_trunc('day', {value})"
    if target.startswith("TIMESTAMP") or target == "DATE":
        return "" if raw_type == "VARCHAR" or raw_type == "DATE" or raw_type.startswith("TIMESTAMP") else "false"
    return ""


def _lossless_exact(value: str, raw_type: str, checked: str) -> str:
    if raw_type == "VARCHAR":
        return f"NOT contains({value}, '_') AND CAST({checked} AS DOUBLE) = TRY_CAST({value} AS DOUBLE)"
    if raw_type in FLOATS or raw_type.startswith("DECIMAL"):
        return f"{checked} = {value}"
    return ""
