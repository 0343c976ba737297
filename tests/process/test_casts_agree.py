"""The quick ways to read a time or a day give what the careful one gives, whatever the text."""

import itertools

import duckdb
import pyarrow as pa
import pytest

from lambdas.common.contract.casts import _time_conditions, cast, duckdb_type

DAYS = (
    "2024-03-31", "1000-01-01", "0999-12-31", "9999-12-31", "9999-12-30", "10000-01-01", "2024-02-30", "2024-2-3",
    "24-01-01", "0024-01-01", " 2024-01-01", "2024/01/01", "-2024-01-01", "2024-01-01 (BC)", "infinity", "-infinity",
    "epoch", "20240101", "2024-01", "1000-01-02",
)  # fmt: skip
CLOCKS = (
    "", "10:00", "00:00:00", "24:00:00", "23:59:60", "23:59:59.999999", "12:00:00.1", "12:00:00.10",
    "12:00:00.123456789", "1:2:3", "01:02:03.", "12", "25:00", "10:00:0", "10:60:00",
)  # fmt: skip
ENDS = (
    "", "Z", "z", " Z", "+00", "-00:00", "+0000", "+01:00", "-0530", "+16:00", "-16:00", "+15:59", "-15:59", "+05:60",
    "+5", " +01:00", " Europe/Berlin", " NZ", "NZ", " GMT0", " CST", " BC", "+01:00:00", "+24:00", " ", "Z ", "é",
)  # fmt: skip
TEXTS = ["".join(parts) for parts in itertools.product(DAYS, ("T", " ", "  ", "", "t"), CLOCKS, ENDS)]


@pytest.mark.parametrize("physical", ["timestamp", "timestamptz", "date"])
def test_each_text_is_the_same_time_in_every_way(physical):
    kind = duckdb_type(physical)
    known = f"TRY_CAST(v AS {kind})"
    careful = f"CASE WHEN {' AND '.join(_time_conditions('v', 'VARCHAR', kind, checked=known))} THEN {known} END"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("texts", pa.table({"v": TEXTS}))
    both = f"SELECT v, {careful} AS slow, {cast('v', 'VARCHAR', physical)} AS quick FROM texts"
    differ = f"SELECT v, CAST(slow AS VARCHAR), CAST(quick AS VARCHAR) FROM ({both}) WHERE slow IS DISTINCT FROM quick"
    assert connection.execute(differ).fetchall() == []
    read = connection.execute(f"SELECT count(quick) FROM ({both})").fetchall()[0][0]
    assert 0 < read < len(TEXTS) / 5
