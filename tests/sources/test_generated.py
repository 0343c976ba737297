"""Contracts, files that fit them and files that break them in one known place, all made by hypothesis.

What must come out is worked out in plain Python from the values that the files were made of.
"""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_contract
from lambdas.process.engine import Engine, Split, open_engine
from tests.sources.pipeline import prop

KEY, DAY = "raw/things/2024/01/01/data_x.parquet", dt.date(2024, 1, 1)
NULL_WORDS = ["-", "none"]
# pattern of the contract, the same for strftime, zone of times without one
MOMENTS = [
    (None, "%Y-%m-%dT%H:%M:%S%z", None),
    (None, "%Y-%m-%d %H:%M", "America/New_York"),
    ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M", "Europe/Berlin"),
    ("yyyyMMddHHmm", "%Y%m%d%H%M", None),
]
DAYS = [(None, "%Y-%m-%d"), ("dd/MM/yyyy", "%d/%m/%Y"), ("d.M.yyyy", "%-d.%-m.%Y")]


@dataclass(frozen=True)
class Kind:
    """A column: its property, texts that fit with the value of each, and texts that break one rule each."""

    name: str
    property: dict[str, Any]
    fits: st.SearchStrategy[tuple[str | None, Any]]
    breaks: st.SearchStrategy[tuple[str | None, str]]


def nullable(values: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str | None, Any]]:
    """The same, and what stands for no value."""
    nothing: st.SearchStrategy[tuple[str | None, Any]] = st.sampled_from(
        [(None, None), *((w, None) for w in NULL_WORDS)]
    )
    return st.one_of(values, nothing)


@st.composite
def whole(draw: st.DrawFn, name: str) -> Kind:
    low = draw(st.integers(-1000, 1000))
    high = low + draw(st.integers(0, 1000))
    values = st.integers(low, high).map(lambda n: (str(n), n))
    breaks = st.one_of(
        st.integers(low - 99, low - 1).map(lambda n: (str(n), "minimum")),
        st.integers(high + 1, high + 99).map(lambda n: (str(n), "maximum")),
        st.sampled_from(["x1", "1_0", "0x1", str(2**31), "1,5"]).map(lambda text: (text, "cast")),
    )
    options = {"minimum": low, "maximum": high}
    return Kind(name, prop(name, "integer", logicalTypeOptions=options), nullable(values), breaks)


@st.composite
def exact(draw: st.DrawFn, name: str) -> Kind:
    scale = draw(st.integers(1, 6))
    places = st.decimals(-(10**6), 10**6, places=scale, allow_nan=False)
    values = places.map(lambda d: (f"{d:,f}".replace(",", "'"), d))
    breaks = st.sampled_from(["1'0", "ten", "1" + "0" * 20]).map(lambda text: (text, "cast"))
    marks = {"thousandsSeparator": "'"}
    return Kind(name, prop(name, f"decimal(18,{scale})", custom=marks), nullable(values), breaks)


@st.composite
def text(draw: st.DrawFn, name: str) -> Kind:
    size = draw(st.integers(4, 12))
    letters = st.text(st.sampled_from("aZ é€😀'\"\n,"), min_size=1, max_size=size // 4).map(
        lambda t: t.rstrip(" ") + "x"
    )
    values = letters.filter(lambda t: len(t.encode()) <= size).map(lambda t: (t, t))
    breaks = st.one_of(st.just(("😀" * (size // 4 + 1), "bytes")), st.just((None, "required")))
    return Kind(name, prop(name, f"varchar({size})", required=True), values, breaks)


@st.composite
def code(draw: st.DrawFn, name: str) -> Kind:
    codes = draw(st.lists(st.text("ABN", min_size=1, max_size=3), min_size=1, max_size=5, unique=True))
    column = prop(name, "varchar(4)", enum=[{"value": c} for c in codes])
    return Kind(name, column, nullable(st.sampled_from(codes).map(lambda c: (c, c))), st.just(("zz", "enum")))


@st.composite
def word(draw: st.DrawFn, name: str) -> Kind:
    yes, no = draw(st.sampled_from([("ja", "nein"), ("on", "off"), ("1", "2")]))
    column = prop(name, "boolean", custom={"trueWords": [yes], "falseWords": [no]})
    values = st.sampled_from([(yes, True), (no, False)])
    return Kind(name, column, nullable(values), st.sampled_from(["true", "JA", "3"]).map(lambda t: (t, "cast")))


@st.composite
def moment(draw: st.DrawFn, name: str) -> Kind:
    form, spelled, zone = draw(st.sampled_from(MOMENTS))
    options = {key: value for key, value in (("format", form), ("defaultTimezone", zone)) if value}
    clock = ZoneInfo(zone or "UTC")
    minutes = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)).map(to_minute)
    column = prop(name, "timestamp", **({"logicalTypeOptions": options} if options else {}))
    told = minutes.map(lambda m: m.astimezone(clock)).filter(is_told_once)
    fits = told.map(lambda m: (m.strftime(spelled), m.astimezone(dt.UTC)))
    breaks = st.sampled_from(["soon", "2024-02-30 00:00", "31.04.2024 00:00", "1"]).map(cast)
    return Kind(name, column, nullable(fits), breaks)


@st.composite
def day(draw: st.DrawFn, name: str) -> Kind:
    form, spelled = draw(st.sampled_from(DAYS))
    column = prop(name, "date", **({"logicalTypeOptions": {"format": form}} if form else {}))
    fits = st.dates(dt.date(1000, 1, 1)).map(lambda d: (d.strftime(spelled), d))
    return Kind(name, column, nullable(fits), st.sampled_from(["today", "2023-02-29", "29/02/2023", "0"]).map(cast))


def real(name: str) -> st.SearchStrategy[Kind]:
    column = prop(name, "double precision", logicalTypeOptions={"maximum": 1e300})
    values = st.floats(max_value=1e300, allow_nan=False, allow_infinity=False).map(lambda f: (repr(f), f))
    breaks = st.one_of(st.just(("2e300", "maximum")), st.sampled_from(["one", "1,5", "0x1"]).map(cast))
    return st.just(Kind(name, column, nullable(values), breaks))


@st.composite
def pattern(draw: st.DrawFn, name: str) -> Kind:
    wanted = draw(st.sampled_from(["[A-Z]{2}[0-9]{1,3}", "(a|bc)+", "[0-9]{4}"]))
    column = prop(name, "varchar(40)", logicalTypeOptions={"pattern": f"^{wanted}$"})
    values = (
        st.from_regex(re.compile(wanted, re.ASCII), fullmatch=True).filter(lambda t: len(t) <= 40).map(lambda t: (t, t))
    )
    return Kind(name, column, nullable(values), st.sampled_from(["?", "A", "bb", "12"]).map(lambda t: (t, "pattern")))


def cast(text: str) -> tuple[str, str]:
    """A text of which the column's type can make nothing."""
    return text, "cast"


def to_minute(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)


def is_told_once(moment: dt.datetime) -> bool:
    """Whether clocks show that time once: one that they show twice cannot be read."""
    return moment.replace(fold=0).utcoffset() == moment.replace(fold=1).utcoffset()


MAKERS = [whole, exact, text, code, word, moment, day, real, pattern]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Kind], list[list[tuple[str | None, Any]]]]:
    """Columns, and the rows of a file that fits them."""
    makers = draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=4))
    kinds = [draw(maker(f"c{number}")) for number, maker in enumerate(makers)]
    return kinds, draw(st.lists(st.tuples(*(k.fits for k in kinds)).map(list), min_size=1, max_size=12))


def split(
    kinds: list[Kind], texts: list[list[str | None]], ids: Sequence[int] = ()
) -> tuple[Split, list[dict], list[dict]]:
    """What the engine makes of a file of texts: its counts, the accepted rows and the rejected ones."""
    names = ["id", "at", *(kind.name for kind in kinds)]
    rows = [[str(number), "2024-01-01", *row] for number, row in zip(ids or range(len(texts)), texts, strict=True)]
    with TemporaryDirectory() as made, open_engine(Path(made)) as connection:
        folder = Path(made)
        columns = [[row[place] for row in rows] for place in range(len(names))]
        pq.write_table(
            pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)}), folder / "raw"
        )
        contract = write_contract(folder, kinds)
        engine, curated, rejected = Engine(connection, load_contract(contract)), folder / "curated", folder / "rejected"
        done = engine.split(folder / "raw", KEY, DAY, curated=curated, rejected=rejected)
        bad = pq.read_table(rejected).to_pylist() if rejected.exists() else []
        return done, pq.read_table(curated).to_pylist(), bad


def write_contract(folder: Path, kinds: list[Kind]) -> Path:
    """The contract in a folder named as contracts want it; it passes the check."""
    path = folder / "things" / "contract.yaml"
    path.parent.mkdir()
    at = prop("at", "timestamp", required=True, partitioned=True)
    unique = prop("id", "bigint", required=True, unique=True)
    words = [{"property": "nullWords", "value": NULL_WORDS}]
    table = {"name": "things", "customProperties": words, "properties": [unique, at, *(k.property for k in kinds)]}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "things", "version": "1.0.0", "status": "active"}
    path.write_text(yaml.safe_dump({**head, "schema": [table]}, allow_unicode=True))
    assert check_contract(path, "source") == []
    return path


def check_fits(kinds: list[Kind], rows: list[list[tuple[str | None, Any]]]) -> None:
    """All rows of a file that fits are accepted with the values of which it was made."""
    done, accepted, rejected = split(kinds, [[t for t, _ in row] for row in rows])
    assert (done.rows_in, done.rows_accepted, done.rows_rejected) == (len(rows), len(rows), 0)
    assert rejected == []
    assert values_of(kinds, accepted) == {n: [v for _, v in row] for n, row in enumerate(rows)}


def check_break(kinds: list[Kind], rows: list[list[tuple[str | None, Any]]], data: st.DataObject) -> None:
    """One value is broken: its row alone is rejected, for that reason alone, with the row as it was."""
    at = data.draw(st.integers(0, len(rows) - 1), label="row")
    place = data.draw(st.integers(0, len(kinds) - 1), label="column")
    broken, rule = data.draw(kinds[place].breaks, label="broken")
    texts = [[t for t, _ in row] for row in rows]
    texts[at][place] = broken
    done, accepted, rejected = split(kinds, texts)
    assert (done.rows_in, done.rows_accepted, done.rows_rejected) == (len(rows), len(rows) - 1, 1)
    [row] = rejected
    assert (row["raw_key"], row["raw_row"]) == (KEY, at)
    assert row["reasons"] == [{"column": kinds[place].name, "rule": rule, "value": broken}]
    assert json.loads(row["raw"]) == {"id": str(at), "at": "2024-01-01"} | {
        k.name: t for k, t in zip(kinds, texts[at], strict=True)
    }
    assert values_of(kinds, accepted) == {n: [v for _, v in r] for n, r in enumerate(rows) if n != at}


def check_repeat(kinds: list[Kind], rows: list[list[tuple[str | None, Any]]], data: st.DataObject) -> None:
    """A value that has to be unique stands again: the later row is rejected, the first one stays."""
    first = data.draw(st.integers(0, len(rows) - 1), label="first")
    ids = [*range(len(rows)), first]
    done, accepted, rejected = split(kinds, [[t for t, _ in row] for row in [*rows, rows[first]]], ids)
    assert (done.rows_in, done.rows_accepted, done.rows_rejected) == (len(rows) + 1, len(rows), 1)
    assert [(row["raw_row"], row["reasons"]) for row in rejected] == [
        (len(rows), [{"column": "id", "rule": "unique", "value": str(first)}])
    ]
    assert values_of(kinds, accepted) == {n: [v for _, v in row] for n, row in enumerate(rows)}


def values_of(kinds: list[Kind], accepted: list[dict]) -> dict[int, list[Any]]:
    """Values of the accepted rows by the number of their raw row."""
    assert all(row["id"] == row["_raw_row"] and row["_raw_key"] == KEY for row in accepted)
    return {row["_raw_row"]: [row[kind.name] for kind in kinds] for row in accepted}


COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@settings(max_examples=6, derandomize=True, **COMMON)
@given(cases(), st.data())
def test_a_broken_value_is_found_and_named_and_nothing_else_is_touched(case, data):
    check_fits(*case)
    check_break(*case, data)
    check_repeat(*case, data)


@pytest.mark.long
@settings(max_examples=60, **COMMON)
@given(cases(), st.data())
def test_many_generated_contracts(case, data):
    check_fits(*case)
    check_break(*case, data)
    check_repeat(*case, data)
