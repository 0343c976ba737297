"""Redshift's data types and what stands for them in the backend."""

from __future__ import annotations

from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported

_PLAIN = {
    "SMALLINT": "smallint", "INT2": "smallint",
    "INTEGER": "integer", "INT": "integer", "INT4": "integer",
    "BIGINT": "bigint", "INT8": "bigint",
    "REAL": "real", "FLOAT4": "real",
    "FLOAT8": "double precision", "FLOAT": "double precision",
    "BOOLEAN": "boolean", "BOOL": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp with time zone", "TIMETZ": "time with time zone",
    "SUPER": "super",
    "OID": "oid", "NAME": "name", "REGCLASS": "regclass",
}  # fmt: skip
_FOREIGN = {
    "JSON", "JSONB", "UUID", "BYTEA", "SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "MONEY", "XML",
    "INET", "CIDR", "MACADDR", "POINT", "LINE", "BOX", "PATH", "POLYGON", "CIRCLE", "BIT", "TSVECTOR", "TSQUERY",
    "CITEXT", "HSTORE", "ENUM", "INT4RANGE", "INT8RANGE", "NUMRANGE", "TSRANGE", "TSTZRANGE", "DATERANGE",
}  # fmt: skip
_UNCOVERED = {"GEOMETRY", "GEOGRAPHY", "HLLSKETCH", "VARBYTE", "VARBINARY", "BINARY"}
_STRING_LIMITS = {"varchar": 65535, "char": 4096}


def parse_type(tokens: Tokens, *, column: bool) -> str:
    """The backend's name of the type that comes next.

    Args:
        tokens: Stands at the first word of the type.
        column: Whether a column is declared: there a bare VARCHAR has 256 bytes and a bare CHAR one.

    Raises:
        RedshiftError: The type is not Redshift's, not covered here, or its length is out of bounds.
    """
    found = _parse(tokens, column=column)
    if tokens.peek() == "[" or tokens.peek() == "ARRAY":
        raise not_supported("array data type")
    return found


def _parse(tokens: Tokens, *, column: bool) -> str:
    token = tokens.take()
    word = token.text[1:-1].upper() if token.kind == "quoted" else token.upper
    if word == "FLOAT" and tokens.peek() == "(":
        return "real" if _numbers(tokens)[0] <= 24 else "double precision"
    if word in _PLAIN:
        return _PLAIN[word]
    if word == "DOUBLE":
        tokens.expect("PRECISION")
        return "double precision"
    if word in {"DECIMAL", "NUMERIC"}:
        return _decimal(tokens)
    if word in {"VARCHAR", "NVARCHAR", "CHARACTER", "NCHAR", "CHAR", "BPCHAR", "TEXT"}:
        return _string(tokens, word, column=column)
    if word in {"TIMESTAMP", "TIME"} or (word == "DATETIME" and not column):
        return _time(tokens, "time" if word == "TIME" else "timestamp")
    if word in _UNCOVERED:
        raise not_covered(f"type {word}")
    if word == "INTERVAL":
        return _interval(tokens, column=column)
    if word in _FOREIGN:
        raise RedshiftError("42704", f'type "{word.lower()}" does not exist or is not supported')
    raise RedshiftError("42704", f'type "{token.text.lower()}" does not exist')


def _interval(tokens: Tokens, *, column: bool) -> str:
    """INTERVAL in a cast; tables do not have it."""
    if column or not tokens.done:
        raise not_covered("INTERVAL columns and qualified INTERVAL types")
    return "interval"


def _numbers(tokens: Tokens) -> list[int]:
    tokens.expect("(")
    found = [tokens.integer()]
    while tokens.accept(","):
        found.append(tokens.integer())
    tokens.expect(")")
    return found


def _decimal(tokens: Tokens) -> str:
    sizes = _numbers(tokens) if tokens.peek() == "(" else [18, 0]
    precision, scale = (*sizes, 0)[:2]
    if not 1 <= precision <= 38:
        raise RedshiftError("22023", f"NUMERIC precision {precision} must be between 1 and 38")
    if not 0 <= scale <= min(precision, 37):
        raise RedshiftError("22023", f"NUMERIC scale {scale} must be between 0 and precision {precision}")
    return f"numeric({precision},{scale})"


def _string(tokens: Tokens, word: str, *, column: bool) -> str:
    fixed = word in {"CHAR", "CHARACTER", "NCHAR", "BPCHAR"} and not tokens.accept("VARYING")
    name = "char" if fixed else "varchar"
    if tokens.peek() != "(" or word == "TEXT":
        if not column and word not in {"CHAR", "CHARACTER", "NCHAR"}:
            return "varchar"
        size = 1 if fixed and word != "BPCHAR" else 256
        return f"{name}({size})"
    return f"{name}({_length(tokens, name)})"


def _length(tokens: Tokens, name: str) -> int:
    limit = _STRING_LIMITS[name]
    tokens.expect("(")
    size = limit if tokens.accept("MAX") else tokens.integer()
    tokens.expect(")")
    if not 1 <= size <= limit:
        raise RedshiftError("22023", f"length for type {name} must be between 1 and {limit}")
    return size


def _time(tokens: Tokens, name: str) -> str:
    if tokens.peek() == "(":
        raise not_supported(f"a precision for {name}")
    if tokens.accept("WITH", "TIME", "ZONE"):
        return f"{name} with time zone"
    tokens.accept("WITHOUT", "TIME", "ZONE")
    return f"{name} without time zone"
