"""What becomes of awkward values: exactly what was said, or a rejection; never a neighbour of it."""

import duckdb
import pytest

from lambdas.common.contract.casts import cast

# physical type, text, and what arrives as DuckDB shows it; None is a rejection
TEXTS = {
    "integer": {
        "1e3": "1000",
        "1.000000000000000000e+02": "100",
        " 12 ": "12",
        "00012": "12",
        "-0": "0",
        "+5": "5",
        "1.": "1",
        "1.0": "1",
        "10e-1": "1",
        "1e-1": None,
        "1e-400": None,
        "1.5": None,
        "1.0000000000000000001": None,
        "0.99999999999999999999": None,
        "١٢": None,
        "\uff11\uff12": None,
        "\xa012": None,
        "0x10": None,
        "0b11": None,
        "NaN": None,
        "Infinity": None,
        "1_000": None,
        "1,5": None,
        "1 2": None,
        "": None,
        ".": None,
        "-": None,
        "2147483647": "2147483647",
        "2147483648": None,
    },
    "bigint": {
        "9223372036854775807": "9223372036854775807",
        "9223372036854775808": None,
        "9007199254740993.0": "9007199254740993",
        "9007199254740992.4": None,
        "90071992547409935e-1": None,
        "1234567890123456785e-1": None,
    },
    "decimal(10,2)": {
        "1.50": "1.50",
        "1.5000000000000000000000": "1.50",
        ".5": "0.50",
        "5.": "5.00",
        "1e3": "1000.00",
        "1.5e-1": "0.15",
        "1e-3": None,
        "1e-30": None,
        "1.005": None,
        "1.000000000000000001": None,
        "1.00000000000000000000000000001": None,
        "99999999.995": None,
        "123456789.00": None,
        "1_0": None,
        "0x10": None,
        "NaN": None,
        "1,5": None,
    },
    "decimal(38,10)": {"1.00000000001": None, "1.0000000001": "1.0000000001"},
    "double precision": {
        "1e3": "1000.0",
        " 1.5 ": "1.5",
        "NaN": None,
        "-inf": None,
        "1e400": None,
        "1_0": None,
        "1,5": None,
        "0.30000000000000004": "0.30000000000000004",
        "9007199254740992": "9007199254740992.0",
        "9007199254740993": None,
        "340282366920938463463374607431768211456": "3.402823669209385e+38",
        "340282366920938463463374607431768211457": None,
        "1e-400": None,
        "1e-320": "1e-320",
        "0e-400": "0.0",
        "0.0000": "0.0",
    },
    "real": {
        "1e-46": None,
        "16777216": "16777216.0",
        "16777217": None,
        "-16777217": None,
        " 5 ": "5.0",
        "0.1": "0.1",
        "1e10": "10000000000.0",
    },
    "boolean": {"t": "true", "YES": "true", "0": "false", "2": None, "1.0": None, "tr": None, " true ": None},
    "date": {
        "2024-02-29": "2024-02-29",
        "2024-02-30": None,
        "2023-02-29": None,
        "0001-01-01": "0001-01-01",
        "9999-12-31": "9999-12-31",
        "10000-01-01": None,
        "0000-12-31": None,
        "0044-03-15 (BC)": None,
        "24-01-01": None,
        "924-01-01": None,
        "1704067200": None,
        "epoch": None,
        "infinity": None,
        "2024-01-01 10:00": None,
        "01/02/2024": None,
    },
    "timestamptz": {
        "2024-01-01T24:00:00Z": "2024-01-02 00:00:00+00",
        "2024-01-01T24:00:01Z": None,
        "2016-12-31T23:59:60Z": None,
        "2024-01-01T00:00:00+14:00": "2023-12-31 10:00:00+00",
        "2024-01-01T10:00:00+0530": "2024-01-01 04:30:00+00",
        "2024-01-01T00:00:00+16:00": None,
        "2024-01-01T00:00:00+99:00": None,
        "2024-01-01T00:00:00-99": None,
        "2024-01-01T00:00:00+05:60": None,
        "2024-01-01T00:00:00.5+0599": None,
        "2024-01-01T00:00:00.123456999Z": "2024-01-01 00:00:00.123456+00",
        "24-01-01T00:00:00Z": None,
        "0001-01-01T00:00:00+01:00": None,
        "9999-12-31T23:59:59-01:00": None,
        "1704067200": None,
        "1704067200000": None,
        "-1": None,
        "now": None,
        "2024-01-01T10:00:00 CST": None,
        "2024-01-01 10:00 PM": None,
    },
    "super": {
        '{"a":1}': '{"a":1}',
        '{"A":1,"a":2}': '{"A":1,"a":2}',
        '[{"x":1},{"x":1}]': '[{"x":1},{"x":1}]',
        '"NaN, or inf,]"': '"NaN, or inf,]"',
        '{"a":1,"a":2}': None,
        '{"q":[[{"z":{"x":1,"x":3}}]]}': None,
        '{"a":1,"\\u0061":2}': None,
        '{"a":NaN}': None,
        "Infinity": None,
        "[1,]": None,
        '"\\u0000"': None,
        '"\\ud800"': None,
        "{a:1}": None,
    },
}
# DuckDB's raw type, a literal of it, physical type, and what arrives
TYPED = [
    ("DOUBLE", "1.5", "integer", None),
    ("DOUBLE", "9223372036854775808", "bigint", None),
    ("DOUBLE", "'nan'", "decimal(10,2)", None),
    ("DOUBLE", "'nan'", "super", None),
    ("DOUBLE", "0.5", "boolean", None),
    ("DOUBLE", "1e39", "real", None),
    ("DOUBLE", "1e-46", "real", None),
    ("DOUBLE", "0", "real", "0.0"),
    ("INTEGER", "2", "boolean", None),
    ("INTEGER", "16777217", "real", None),
    ("BIGINT", "9007199254740993", "double precision", None),
    ("BIGINT", "1704067200", "timestamptz", None),
    ("BOOLEAN", "true", "integer", None),
    ("UBIGINT", "18446744073709551615", "bigint", None),
    ("TIMESTAMP", "'infinity'", "timestamptz", None),
    ("TIMESTAMP_NS", "'2024-01-01 23:59:59.999999999'", "timestamptz", "2024-01-01 23:59:59.999999+00"),
    ("TIMESTAMP_NS", "'1969-12-31 23:59:59.999999999'", "timestamptz", "1969-12-31 23:59:59.999999+00"),
    ("STRUCT(a VARCHAR)", "{'a': 'x'}", "super", '{"a":"x"}'),
    ("VARCHAR[]", "['x']", "super", '["x"]'),
]


@pytest.fixture(scope="module")
def shown():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def show(literal: str, raw_type: str, physical_type: str) -> str | None:
            expression = cast("v", raw_type, physical_type)
            sql = f"SELECT CAST(({expression}) AS VARCHAR) FROM (SELECT CAST({literal} AS {raw_type}) AS v)"
            return connection.execute(sql).fetchall()[0][0]

        yield show


@pytest.mark.parametrize("physical_type", TEXTS)
def test_a_text_is_read_exactly_or_not_at_all(shown, physical_type):
    expected = TEXTS[physical_type]
    quoted = {text: "'" + text.replace("'", "''") + "'" for text in expected}
    assert {text: shown(quoted[text], "VARCHAR", physical_type) for text in expected} == expected


@pytest.mark.parametrize(("raw_type", "literal", "physical_type", "expected"), TYPED)
def test_a_typed_value_is_read_exactly_or_not_at_all(shown, raw_type, literal, physical_type, expected):
    assert shown(literal, raw_type, physical_type) == expected
