"""A column of several files keeps a type only where it holds all their values unchanged; else it is text."""

import datetime as dt
import random
from decimal import Decimal
from itertools import permutations
from types import SimpleNamespace

import pyarrow as pa
import pytest

from lambdas.ingest import slices
from lambdas.ingest.formats import read_files
from lambdas.ingest.spool import Spool
from tests.ingest.conftest import key
from tests.ingest.test_several_files import AT, read, write

NOON, OLD = dt.datetime(2024, 2, 1, 12), dt.datetime(1600, 2, 1, 12)
DAY, NOON_TEXT = dt.date(2024, 2, 1), "2024-02-01 12:00:00"
NANOSECONDS = 1706781600123456789
LONG = Decimal("12345678901234567890123456789012345678")


def of(kind, *values):
    return pa.array(values, kind)


def decimal(digits, scale, *values):
    return pa.array([Decimal(value) for value in values], pa.decimal128(digits, scale))


# the column of each file, the type that it gets, and the values as texts
CASES = {
    "integers widen": ([of(pa.int8(), 1), of(pa.uint8(), 200), of(pa.int32(), 3)], "int32", "1 200 3"),
    "unsigned": ([of(pa.uint8(), 1), of(pa.uint32(), 2**32 - 1)], "uint32", f"1 {2**32 - 1}"),
    "beyond 64 bits": ([of(pa.int64(), -1), of(pa.uint64(), 2**64 - 1)], "string", f"-1 {2**64 - 1}"),
    "floats": ([of(pa.float32(), 0.5), of(pa.float64(), 0.1)], "double", "0.5 0.1"),
    "exact in a float": ([of(pa.int64(), 2**53), of(pa.float64(), 1.5)], "double", f"{float(2**53)} 1.5"),
    "rounded by a float": ([of(pa.int64(), 2**53 + 1), of(pa.float64(), 1.5)], "string", f"{2**53 + 1} 1.5"),
    "rounded by a short float": ([of(pa.int32(), 2**24 + 1), of(pa.float32(), 0.1)], "string", f"{2**24 + 1} 0.1"),
    "decimals": ([decimal(5, 2, "1.25"), decimal(9, 4, "0.0001")], "decimal128(9, 4)", "1.2500 0.0001"),
    "of 38 digits": ([decimal(38, 0, 10), decimal(38, 10, "1.5")], "string", "10 1.5000000000"),
    "long": ([of(pa.decimal128(38, 0), LONG), decimal(38, 10, "1.5")], "string", f"{LONG} 1.5000000000"),
    "decimal and integer": ([decimal(5, 2, "0.10"), of(pa.int64(), 10**15)], "decimal128(21, 2)", f"0.10 {10**15}.00"),
    "decimal and float": ([decimal(5, 1, "0.1"), of(pa.float64(), 1.5)], "string", "0.1 1.5"),
    "boolean and integer": ([of(pa.bool_(), True), of(pa.int64(), 5)], "string", "true 5"),
    "boolean and text": ([of(pa.bool_(), True), of(pa.string(), "x")], "string", "true x"),
    "day and time": ([of(pa.date32(), DAY), of(pa.timestamp("us"), NOON)], "string", f"2024-02-01|{NOON_TEXT}"),
    "day and integer": ([of(pa.date32(), DAY), of(pa.int64(), 5)], "string", "2024-02-01 5"),
    "zone and none": (
        [of(pa.timestamp("us"), NOON), of(pa.timestamp("us", "Europe/Berlin"), NOON)],
        "string",
        f"{NOON_TEXT}|{NOON_TEXT}+00",
    ),
    "long ago": (
        [of(pa.timestamp("us"), OLD), of(pa.timestamp("ns"), NANOSECONDS)],
        "string",
        "1600-02-01 12:00:00|2024-02-01 10:00:00.123456789",
    ),
    "bytes and text": ([of(pa.binary(), "é".encode()), of(pa.string(), "ü")], "string", "é ü"),
    "bytes and integer": ([of(pa.binary(), b"x"), of(pa.int64(), 5)], "string", "x 5"),
    "no text": ([of(pa.binary(), b"\xff"), of(pa.string(), "ü")], "binary", "b'\\xff' b'\\xc3\\xbc'"),
    "structs": ([pa.array([{"a": 1}]), pa.array([{"b": "x"}]), of(pa.int8(), 5)], "string", '{"a":1} {"b":"x"} 5'),
    "list and text": ([pa.array([[1, 2]]), of(pa.string(), "y")], "string", "[1,2] y"),
    "no value": ([of(pa.int8(), None), of(pa.date32(), DAY), of(pa.null(), None)], "date32[day]", f"None {DAY} None"),
    "no value at all": ([of(pa.float64(), None), of(pa.int8(), None)], "double", "None None"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_of_several_files_stay_what_they_are(bench, name):
    columns, kind, texts = CASES[name]
    wanted = texts.split("|" if "|" in texts else " ")
    for order in permutations(range(len(columns))):
        for place, number in enumerate(order):
            write(bench.folder, f"{place}.parquet", {"id": [number], "at": [AT], "x": columns[number]})
        read(bench, "parquet")
        column = bench.table(key("2024-01-01"))["x"]
        assert str(column.type) == kind
        assert [str(value) for value in column.to_pylist()] == [wanted[number] for number in order]


def test_nanoseconds_stay_beside_microseconds(bench):
    write(bench.folder, "1.parquet", {"id": [1], "at": [AT], "x": of(pa.timestamp("us"), NOON)})
    write(bench.folder, "2.parquet", {"id": [2], "at": [AT], "x": of(pa.timestamp("ns"), NANOSECONDS)})
    read(bench, "parquet")
    column = bench.table(key("2024-01-01"))["x"]
    assert str(column.type) == "timestamp[ns]"
    assert column.cast(pa.int64()).to_pylist()[1] == NANOSECONDS


def test_the_zone_of_the_contract_is_that_of_the_times_without_one(bench):
    bench.reading, night = {"defaultTimezone": "Europe/Berlin"}, dt.datetime(2024, 1, 2, 0, 30)
    write(bench.folder, "1.parquet", {"id": [1], "at": of(pa.timestamp("us"), night)})
    write(bench.folder, "2.parquet", {"id": [2], "at": of(pa.timestamp("us", "UTC"), night)})
    read(bench, "parquet")
    assert [row["id"] for row in bench.rows("2024-01-01")] == [1]
    assert [row["id"] for row in bench.rows("2024-01-02")] == [2]


# types, each with values and the texts that they are where the column is text
MOMENT = dt.datetime(2024, 2, 1, 12, 0, 0, 250_000)
TYPES = {
    pa.int8(): {-128: "-128", 7: "7"},
    pa.uint16(): {0: "0", 65535: "65535"},
    pa.int64(): {2**62: str(2**62), -(2**53) - 1: str(-(2**53) - 1), 12: "12"},
    pa.uint64(): {2**64 - 1: str(2**64 - 1), 3: "3"},
    pa.float32(): {0.5: "0.5", -2.0: "-2.0"},
    pa.float64(): {0.1: "0.1", 3.0: "3.0"},
    pa.decimal128(5, 2): {Decimal("1.25"): "1.25", Decimal("-0.10"): "-0.10"},
    pa.decimal128(38, 10): {Decimal("1.5"): "1.5000000000"},
    pa.decimal128(38, 0): {LONG: str(LONG), Decimal(4): "4"},
    pa.bool_(): {True: "true", False: "false"},
    pa.string(): {"x": "x", "": "", "5": "5"},
    pa.binary(): {b"y": "y", "é".encode(): "é"},
    pa.date32(): {DAY: "2024-02-01"},
    pa.timestamp("us"): {MOMENT: "2024-02-01 12:00:00.25", OLD: "1600-02-01 12:00:00"},
    pa.timestamp("us", "UTC"): {MOMENT.replace(tzinfo=dt.UTC): "2024-02-01 12:00:00.25+00"},
}
FAMILIES = [list(TYPES)[:4], list(TYPES)[:6], list(TYPES)[6:9], list(TYPES)]


def capitals(made, name):
    return "".join(made.choice([sign.lower(), sign.upper()]) for sign in name)


def made_files(made, folder, kind):
    """Files of random columns, types and capitals, and their rows: for each column a value and its text."""
    paths, rows, families = [], [], {name: made.choice(FAMILIES) for name in ("amount", "länge", "n")}
    for place in range(made.randint(1, 4)):
        names = ["row", *made.sample(list(families), made.randint(0, 3))]
        types = {name: made.choice(families[name]) if name in families else pa.int32() for name in names}
        held = [{"row": (len(rows) + n, None)} for n in range(made.randint(0, 4))]
        for name, row in ((name, row) for name in names[1:] for row in held):
            row[name] = made.choice([*TYPES[types[name]].items(), (None, None)])
        columns = {capitals(made, name): of(types[name], *(row[name][0] for row in held)) for name in names}
        paths.append(folder / f"{place}{made.choice(['[0]', '*', '?', ''])}.{kind}")
        write(folder, paths[-1].name, columns)
        rows += held
    return paths, rows


def is_same(found, value, text):
    """Whether a value is what the file has: as its text, or as a number or a time that is equal to it."""
    if isinstance(found, str) or found is None:
        return found == text
    return found == value and isinstance(found, bool) == isinstance(value, bool)


def read_slices(spool, kind, paths):
    """The rows of all slices, as values by lower-case name."""
    skip, job = 0, SimpleNamespace(spool=spool, config={"format": kind})
    while True:
        rows, stopped = read_files(job, paths, skip)
        for values in spool.connection.execute("SELECT * FROM extracted").fetchall():
            yield dict(zip(map(str.lower, rows.names), values, strict=True))
        spool.connection.execute("DROP TABLE extracted")
        if stopped is None:
            return
        paths, skip = paths[stopped[0] :], stopped[1]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 9))])
def test_made_up_files_are_one_table_of_their_values(tmp_path, monkeypatch, seed):
    for number in range(seed * 15, (seed + 1) * 15):
        made = random.Random(number)
        monkeypatch.setattr(slices, "SLICE_ROWS", made.choice([2, 3, 1000]))
        kind = made.choice(["parquet", "arrow"])
        (tmp_path / str(number)).mkdir()
        paths, rows = made_files(made, tmp_path / str(number), kind)
        with Spool() as spool:
            found = list(read_slices(spool, kind, paths))
        assert [row["row"] for row in found] == list(range(len(rows)))
        for got, wanted in zip(found, rows, strict=True):
            for name in (got.keys() | wanted.keys()) - {"row"}:
                assert is_same(got.get(name), *wanted.get(name, (None, None))), (number, name, got, wanted)
