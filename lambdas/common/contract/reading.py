"""A raw value as its column's contract reads it: formats, time zones, separators, words for true and false.

Each function takes the SQL of a value with its DuckDB type and gives both anew; what does not fit becomes NULL.
"""

from lambdas.common.contract.casts import says_time
from lambdas.common.contract.formats import Pattern, parse_format
from lambdas.common.contract.model import Column
from lambdas.common.contract.sql import literal

OFFSET = r":\d{2}(?:\.\d+)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
UTC = "UTC"
# by how many minutes clocks are set back: two hours in Antarctica/Troll, three in years of war
CHANGES = (30, 60, 120, 180)
LONGEST_CHANGE = "INTERVAL 180 MINUTE"


def read_value(column: Column, value: str, raw_type: str) -> tuple[str, str]:
    """The SQL `value` of DuckDB's `raw_type` as the column reads it, and the type that it then has."""
    reading = column.reading
    if raw_type == "BLOB":  # a text whose writer did not say so; cast as it is, bytes beyond ASCII would be escaped
        value, raw_type = f"TRY(decode({value}))", "VARCHAR"
    if reading.true_words or reading.false_words:
        return _truth(column, value, raw_type)
    if reading.format and raw_type in ("VARCHAR", "BIGINT", "INTEGER"):
        text = value if raw_type == "VARCHAR" else f"CAST({value} AS VARCHAR)"
        return _by_format(text, parse_format(reading.format), reading.zone or UTC)
    if reading.zone and raw_type in ("VARCHAR", "TIMESTAMP"):
        return _in_zone(value, raw_type, reading.zone)
    if raw_type == "VARCHAR" and (reading.thousands_separator or reading.decimal_separator != "."):
        return _number(value, reading.decimal_separator, reading.thousands_separator), "VARCHAR"
    return value, raw_type


def _truth(column: Column, value: str, raw_type: str) -> tuple[str, str]:
    if raw_type == "BOOLEAN":
        return value, raw_type
    words = {"true": column.reading.true_words, "false": column.reading.false_words}
    cases = " ".join(
        f"WHEN CAST({value} AS VARCHAR) IN ({', '.join(literal(word) for word in said)}) THEN {truth}"
        for truth, said in words.items()
        if said
    )
    return f"CASE {cases} END", "BOOLEAN"


def _by_format(text: str, patterns: list[Pattern], zone: str) -> tuple[str, str]:
    """The first alternative that the whole text matches."""
    zoned = zone != UTC or any(pattern.zoned for pattern in patterns)
    cases = []
    for pattern in patterns:
        read = text
        if pattern.zoned:  # strptime knows no Z
            read = f"regexp_replace({text}, 'Z$', '+0000')"
        parsed = f"try_strptime({read}, {literal(pattern.strptime)})"
        if zoned and not pattern.zoned:
            parsed = _instant(parsed, zone)
        cases.append(f"WHEN regexp_full_match({text}, {literal(pattern.regex)}) THEN {parsed}")
    return f"CASE {' '.join(cases)} END", "TIMESTAMP WITH TIME ZONE" if zoned else "TIMESTAMP"


def _in_zone(value: str, raw_type: str, zone: str) -> tuple[str, str]:
    local = value if raw_type == "TIMESTAMP" else f"TRY_CAST({value} AS TIMESTAMP)"
    instant = _instant(local, zone)
    if raw_type == "VARCHAR":
        aware = f"TRY_CAST({value} AS TIMESTAMP WITH TIME ZONE)"
        known = f"CASE WHEN regexp_matches({value}, {literal(OFFSET)}) THEN {aware} ELSE {instant} END"
        # DuckDB reads `10:00 CST` and `10:00 BC` as 10:00
        instant = f"CASE WHEN {says_time(value, local)} THEN {known} END"
    return instant, "TIMESTAMP WITH TIME ZONE"


def _instant(local: str, zone: str) -> str:
    """The instant of a local time; NULL where clocks skip it or show it twice: none knows which one is meant."""
    if zone == UTC:
        return f"timezone('UTC', {local})"
    name = literal(zone)
    instant = f"timezone({name}, {local})"
    # far from any change of the clocks, as nearly all times are, two looks tell that there is none
    still = " AND ".join(
        f"timezone({name}, {instant} {sign} {LONGEST_CHANGE}) = {local} {sign} {LONGEST_CHANGE}" for sign in "-+"
    )
    once = " AND ".join(
        f"timezone({name}, {instant} {sign} INTERVAL {minutes} MINUTE) <> {local}"
        for sign in "-+"
        for minutes in CHANGES
    )
    return f"CASE WHEN {still} THEN {instant} WHEN timezone({name}, {instant}) = {local} AND {once} THEN {instant} END"


def _number(value: str, decimal: str, thousands: str | None) -> str:
    """The text with a point and without separators, where those stand between groups of three digits."""
    whole = r"\d+"
    if thousands:
        whole = rf"(?:\d+|\d{{1,3}}(?:{_escaped(thousands)}\d{{3}})+)"
    regex = rf"\s*[+-]?{whole}(?:{_escaped(decimal)}\d*)?(?:[eE][+-]?\d+)?\s*|\s*[+-]?{_escaped(decimal)}\d+\s*"
    bare = f"replace({value}, {literal(thousands)}, '')" if thousands else value
    return f"CASE WHEN regexp_full_match({value}, {literal(regex)}) THEN replace({bare}, {literal(decimal)}, '.') END"


def _escaped(separator: str) -> str:
    return rf"\x{{{ord(separator):x}}}"
