"""Casts from a raw value to a contract's type in DuckDB that never guess: no rounding, no `1_000`, no infinity.

A cast gives NULL where the value does not fit; the caller tells that apart from a value that is not there.
"""

from collections.abc import Iterator

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
# every integer of so many digits is one
SAFE_DIGITS = {"FLOAT": 7, "DOUBLE": 15, "HUGEINT": 38}
# the shortest text of a number that a float has no trace of: 1e-46
LEAST_TRACE = 5
NUMBERS = INTEGERS | FLOATS
# an escape that JSON allows and that no VARCHAR can hold; an escaped backslash before u0000 is not one
NUL_IN_JSON = r"(^|[^\\])(\\\\)*\\u0000"
# the last character of a time: a digit, Z, or a blank that is passed over
ENDS = ", ".join(str(ord(sign)) for sign in "0123456789Zz ")
# an offset of 16 hours or more, or of 60 minutes: DuckDB would reckon with it
NO_OFFSET = r":\d+(\.\d*)?\s*[+-]((1[6-9]|[2-9]\d)(:?\d\d)*|\d\d:?[6-9]\d(:?\d\d)?|\d\d:?\d\d:?[6-9]\d)\s*$"
# `2024-01-31 12:00:00` as ISO 8601 has it, of a year from 1000 on: in UTC or without its clock, or with an offset
PLAIN_DAY, PLAIN_CLOCK = r"[1-9]\d{3}-\d\d-\d\d", r"[ T](?:[01]\d|2[0-3]):\d\d(?::\d\d(?:\.\d+)?)?"
PLAIN_TIME = rf"{PLAIN_DAY}(?:{PLAIN_CLOCK}Z?)?"
TIME_WITH_OFFSET = rf"{PLAIN_DAY}{PLAIN_CLOCK}[+-](?:0\d|1[0-5])(?::?[0-5]\d)?"
# what json_valid lets pass although JSON has no such thing: NaN, Infinity, a comma before a bracket
STRINGS_IN_JSON = r'"([^"\\]|\\.)*"'
NO_JSON = r"(?i)nan|inf|,\s*[\]}]"
# JSON allows an attribute twice in one object, Redshift does not
DOUBLED = "len(json_keys(x)) <> len(list_distinct(json_keys(x)))"
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
    """Whether a value of that type is text to the warehouse, be it JSON."""
    return duckdb_type(physical_type) == "VARCHAR"


def keeps_empty_text(physical_type: str) -> bool:
    """Whether an empty text is a value of that type: it is no number, no time, and no JSON."""
    return is_text(physical_type) and physical_type != "super"


def cast(value: str, raw_type: str, physical_type: str) -> str:
    """SQL that turns the SQL `value` of DuckDB's `raw_type` into the contract's type, NULL where it does not fit."""
    target = duckdb_type(physical_type)
    if physical_type == "super":
        return _json(value, raw_type)
    if target == "VARCHAR":
        return value if raw_type == target else f"CAST({value} AS VARCHAR)"
    if raw_type == "VARCHAR" and target.startswith("TIMESTAMP"):
        return _time_of_text(value, target)
    if raw_type == "VARCHAR" and target == "DATE":
        return _date_of_text(value)
    checked = value if raw_type == target else f"TRY_CAST({value} AS {target})"
    if raw_type == "TIMESTAMP_NS" and target.startswith("TIMESTAMP"):
        # cut to microseconds as a text is: rounded up, the last one of a day would be of the next
        whole = f"epoch_ns({value}) // 1000 - CAST(epoch_ns({value}) % 1000 < 0 AS BIGINT)"
        checked = f"timezone('UTC', make_timestamp({whole}))"
    condition = " AND ".join(_conditions(value, raw_type, target, checked=checked))
    return f"CASE WHEN {condition} THEN {checked} END" if condition else checked


def _time_of_text(value: str, target: str) -> str:
    """The instant of a text; one without an offset is UTC.

    Three spellings need no look at zone, year and end: that in which DuckDB itself would write the time, the plain
    one, and that with an offset in digits. The first two go through the cast that knows no zones and passes over every
    offset: it takes a third of the time. It also stands in front, where DuckDB works it out once for all that follows.
    """
    local, known = f"TRY_CAST({value} AS TIMESTAMP)", f"TRY_CAST({value} AS {target})"
    instant = f"make_timestamptz(epoch_us({local}))"
    condition = " AND ".join(_time_conditions(value, "VARCHAR", target, checked=known))
    return (
        f"CASE WHEN {_between(local, 'TIMESTAMP', '1000-01-01', '10000-01-01')} AND NOT contains({value}, 'T') "
        f"AND CAST({local} AS VARCHAR) = {value} THEN {instant} "
        f"WHEN regexp_full_match({value}, '{PLAIN_TIME}') THEN {instant} "
        # an offset reaches less than a day beyond the years of four digits
        f"WHEN {_between(local, 'TIMESTAMP', '1000-01-02', '9999-12-31')} "
        f"AND regexp_full_match({value}, '{TIME_WITH_OFFSET}') THEN {known} "
        f"WHEN {condition} THEN {known} END"
    )


def _date_of_text(value: str) -> str:
    """The day of a text, which mostly is as DuckDB itself would write it."""
    known = f"TRY_CAST({value} AS DATE)"
    condition = " AND ".join(_time_conditions(value, "VARCHAR", "DATE", checked=known))
    return (
        f"CASE WHEN {_between(known, 'DATE', '1000-01-01', '10000-01-01')} AND CAST({known} AS VARCHAR) = {value} "
        f"THEN {known} WHEN {condition} THEN {known} END"
    )


def _between(checked: str, target: str, first: str, beyond: str) -> str:
    return f"{checked} >= CAST('{first}' AS {target}) AND {checked} < CAST('{beyond}' AS {target})"


def _json(value: str, raw_type: str) -> str:
    """The value as JSON text that Redshift can parse; nested values of a Parquet file become it."""
    nested = raw_type.endswith("]") or raw_type.startswith(("STRUCT", "MAP"))
    text = f"CAST({f'to_json({value})' if nested else value} AS VARCHAR)"
    inner = f"list_prepend(CAST({text} AS JSON), json_extract({text}, '$..*'))"
    bare = f"regexp_replace({text}, '{STRINGS_IN_JSON}', '', 'g')"
    return (
        f"CASE WHEN json_valid({text}) AND NOT regexp_matches({text}, '{NUL_IN_JSON}') "
        f"AND (NOT regexp_matches({text}, '{NO_JSON}') OR NOT regexp_matches({bare}, '{NO_JSON}')) "
        f"AND len(list_filter({inner}, lambda x: {DOUBLED})) = 0 THEN {text} END"
    )


def says_time(value: str, checked: str) -> str:
    """SQL: the text `value` is a time as contracts have them, and not only to DuckDB; `checked` is its TIMESTAMP."""
    return " AND ".join(_time_conditions(value, "VARCHAR", "TIMESTAMP", checked=checked))


def _conditions(value: str, raw_type: str, target: str, *, checked: str) -> Iterator[str]:
    """SQL conditions under which the cast loses nothing."""
    if target.startswith("TIMESTAMP") or target == "DATE":
        yield from _time_conditions(value, raw_type, target, checked=checked)
    elif target in FLOATS and raw_type in FLOATS:
        yield f"isfinite({checked})"
        if raw_type != target:
            yield f"({checked} <> 0 OR {value} = 0)"
    elif raw_type == target:
        return
    elif raw_type == "VARCHAR":
        yield from _text_conditions(value, target, checked=checked)
    elif raw_type in NUMBERS or raw_type.startswith("DECIMAL"):
        yield from _number_conditions(value, raw_type, target, checked=checked)
    else:
        yield "false"


def _text_conditions(value: str, target: str, *, checked: str) -> Iterator[str]:
    if target in FLOATS:
        yield f"NOT contains({value}, '_')"
        yield f"isfinite({checked})"
        yield _holds_integer(value, target, checked=checked)
        yield _leaves_trace(value, checked=checked)
    elif target in INTEGERS:
        yield _says_exactly(value, 0, checked=checked)
    elif target.startswith("DECIMAL"):
        yield _says_exactly(value, int(target[target.index(",") + 1 : -1]), checked=checked)


def _holds_integer(value: str, target: str, *, checked: str) -> str:
    """SQL: a text that is an integer is the float itself; of few digits any is, and a fraction may be rounded."""
    equal = {kind: f"TRY_CAST({checked} AS {kind}) = TRY_CAST({value} AS {kind})" for kind in ("HUGEINT", "BIGNUM")}
    return (
        f"(strlen({value}) <= {SAFE_DIGITS[target]} OR contains({value}, '.') OR contains(lower({value}), 'e') "
        f"OR {equal['HUGEINT']} OR (strlen({value}) > {SAFE_DIGITS['HUGEINT']} AND {equal['BIGNUM']}))"
    )


def _leaves_trace(value: str, *, checked: str) -> str:
    """SQL: the float is 0 only where the text says 0: of `1e-400` nothing would be left."""
    return f"({checked} <> 0 OR strlen({value}) < {LEAST_TRACE} OR NOT regexp_matches({value}, '^[^eE]*[1-9]'))"


def _says_exactly(value: str, scale: int, *, checked: str) -> str:
    """SQL: the text is that number and no neighbour of it, which a cast would round to.

    Most texts are as the number itself would be written, which is told without a regular expression. A text with an
    exponent is compared as a double, where its digits are so few that no two such texts are one double.
    """
    plain = rf"\s*[+-]?(?:\d+\.?\d{{0,{scale}}}0*|\.\d{{0,{scale}}}0*)\s*"
    power = r"\s*[+-]?[\d.]+[eE][+-]?\d{1,2}\s*"
    return (
        f"(CAST({checked} AS VARCHAR) = {value} OR regexp_full_match({value}, '{plain}') "
        f"OR (regexp_full_match({value}, '{power}') AND length(regexp_replace({value}, '0*[eE].*', '')) < 17 "
        f"AND CAST({checked} AS DOUBLE) = TRY_CAST({value} AS DOUBLE)))"
    )


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
    yield _between(checked, target, "0001-01-01", "10000-01-01")
    if raw_type == "VARCHAR":
        # `epoch` is a time to DuckDB, and the C in `10:00 CST` one of several zones
        yield f"ascii({value}) < 58 AND ascii(right({value}, 1)) IN ({ENDS})"
        # 24-01-01 is the year 24 to DuckDB
        yield f"({checked} >= CAST('1000-01-01' AS {target}) OR regexp_matches({value}, '^\\s*0\\d{{3}}[-/]'))"
        # an offset has its sign among the last nine characters: most texts have none and are spared the expression
        end = f"right({value}, 9)"
        yield (f"(NOT (contains({end}, '+') OR contains({end}, '-')) OR NOT regexp_matches({value}, '{NO_OFFSET}'))")
    if target == "DATE" and raw_type == "VARCHAR":
        yield f"{checked} = TRY_CAST({value} AS TIMESTAMP)"
    elif target == "DATE" and raw_type != "DATE":
        yield f"{value} = date_trunc('day', {value})"
