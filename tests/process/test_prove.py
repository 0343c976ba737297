"""The proof: silent on what was loaded, and each broken equation is named with its raw key."""

import datetime as dt
from dataclasses import replace
from functools import partial

import pytest

from lambdas.common.db import prove
from lambdas.common.db.prove import EVER, Proof
from lambdas.common.db.redshift import execute
from lambdas.process.reports import list_lake

DAY, NEXT = dt.date(2024, 3, 1), dt.date(2024, 3, 2)
A, B, C = "20240301T000000000000Z", "20240301T000000000001Z", "20240302T000000000000Z"


def row(name: str, n: int = 1, v: int | None = 1) -> dict:
    return {"id": name, "n": n, "v": v, "at": "2024-03-01T10:00:00Z"}


def proof_of(source, *corruption: str, days=EVER, listing=None) -> Proof:
    """The proof after these statements, which go with the snapshot that it is read in."""
    name = source.contract.name
    lake = listing or partial(list_lake, source.s3, source.bucket, name, days)
    with source.warehouse.session("tests") as connection:
        for sql in corruption:
            execute(connection, sql.format(core=f"core.{name}", history=f"history.{name}", name=name))
        return prove.prove(connection, source.contract, days, lake)


def findings(source, *corruption: str, days=EVER) -> set[tuple[str, str]]:
    """Equation and stem of the raw key of each finding."""
    found = proof_of(source, *corruption, days=days).findings
    return {(f.equation, f.raw_key.rpartition("data_")[2].removesuffix(".parquet")) for f in found}


def load_two_keys(make_source):
    """Two keys in three objects: of `a` the version of B is the greatest; C has a rejected row."""
    keyed = make_source(version=True)
    keyed.put(DAY, A, [row("a", v=1), row("b", v=1)])
    keyed.put(DAY, B, [row("a", n=2, v=5)])
    keyed.put(NEXT, C, [row("a", n=3, v=2), row("c", n=101)])
    keyed.load(DAY, dt.date(2024, 3, 3))
    return keyed


@pytest.fixture(scope="module")
def loaded(make_source):
    return load_two_keys(make_source)


@pytest.fixture(scope="module")
def keyless(make_source):
    """Equal rows in two objects of a source without a key."""
    source = make_source(keyed=False)
    source.put(DAY, A, [row("a"), row("a")])
    source.put(NEXT, C, [row("a")])
    source.load(DAY, dt.date(2024, 3, 3))
    return source


def test_loaded_source_holds(loaded):
    proof = proof_of(loaded)
    assert proof.findings == ()
    assert (proof.objects, proof.rows_in, proof.rows_accepted, proof.rows_rejected) == (3, 5, 4, 1)
    assert (proof.pending, proof.gone) == ((), ())


def test_keyless_source_holds(keyless):
    assert proof_of(keyless).findings == ()


ONE = "WHERE source = '{name}' AND raw_key LIKE"
ALL = "id, at, n, v, _raw_key, _raw_row, _loaded_at"
FIRST = "(SELECT MIN(_raw_key) FROM {history})"
EQUATIONS = [
    (f"UPDATE ops.load_ledger SET rows_in = 9 {ONE} '%0001Z%'", prove.ROWS_IN, B),
    (f"UPDATE ops.load_ledger SET rows_rejected = 0 {ONE} '%0302T%'", prove.ROWS_IN, C),
    ("DELETE FROM {history} WHERE id = 'b'", prove.ACCEPTED, A),
    ("INSERT INTO {history} SELECT * FROM {history} WHERE v = 2", prove.ONCE, C),
    ("UPDATE {history} SET _raw_row = 0 WHERE id = 'b'", prove.ONCE, A),
    ("INSERT INTO {core} SELECT * FROM {core} WHERE id = 'b'", prove.SUPERSEDED, A),
    ("INSERT INTO {core} SELECT * FROM {core} WHERE id = 'b'", prove.KEYS, A),
    ("UPDATE {core} SET _raw_row = 7 WHERE id = 'b'", prove.SUPERSEDED, A),
    ("DELETE FROM {core} WHERE id = 'b'", prove.KEYS, A),
    ("UPDATE {core} SET id = 'x' WHERE id = 'b'", prove.KEYS, A),
    (f"INSERT INTO {{core}} ({ALL}) SELECT 'x', {ALL[4:]} FROM {{core}} WHERE id = 'b'", prove.KEYS, A),
    ("UPDATE {core} SET _raw_row = 7 WHERE id = 'b'", prove.NEWEST, A),
    ("UPDATE {history} SET v = 9 WHERE v = 2", prove.NEWEST, C),
    (f"UPDATE {{core}} SET _raw_row = 0, _raw_key = {FIRST} WHERE id = 'a'", prove.NEWEST, B),
    (f"DELETE FROM ops.load_ledger {ONE} '%0001Z%'", prove.KNOWN, B),
    ("UPDATE {history} SET _raw_key = 'no raw key' WHERE v = 2", prove.KNOWN, "no raw key"),
]


@pytest.mark.parametrize(("sql", "equation", "stem"), EQUATIONS)
def test_broken_equation_of_a_keyed_source_is_named_with_its_raw_key(loaded, sql, equation, stem):
    assert (equation, stem) in findings(loaded, sql)


@pytest.mark.parametrize(
    ("sql", "equation", "stem"),
    [
        ("DELETE FROM {core} WHERE _raw_row = 1", prove.ACCEPTED, A),
        ("UPDATE {core} SET _raw_row = 0", prove.ONCE, A),
        (f"DELETE FROM ops.load_ledger {ONE} '%0302T%'", prove.KNOWN, C),
    ],
)
def test_broken_equation_of_a_keyless_source_is_named_with_its_raw_key(keyless, sql, equation, stem):
    assert findings(keyless, sql) == {(equation, stem)}


def test_days_bound_what_is_held_against_the_ledger(keyless):
    sql = "DELETE FROM {core} WHERE _raw_row = 1"
    assert findings(keyless, sql, days=(NEXT, dt.date(2024, 3, 3))) == set()
    assert findings(keyless, sql, days=(DAY, NEXT)) == {(prove.ACCEPTED, A)}


def lake_of(source) -> prove.Lake:
    return list_lake(source.s3, source.bucket, source.contract.name, EVER)


@pytest.mark.parametrize("kind", ["curated_key", "rejected_key"])
def test_file_of_an_entry_in_force_that_is_gone_is_named(loaded, kind):
    entry, lake = next(e for e in loaded.ledger() if e[kind]), lake_of(loaded)
    left = replace(lake, files=set(lake.files) - {entry[kind]})
    assert len(left.files) < len(lake.files)
    (finding,) = proof_of(loaded, listing=lambda: left).findings
    assert (finding.equation, finding.raw_key) == (prove.FILES, entry["raw_key"])
    assert entry[kind] in str(finding)


def test_objects_not_loaded_yet_and_objects_gone_are_reported_and_break_nothing(loaded):
    raw = dict(lake_of(loaded).raw)
    first, second, third = sorted(raw)
    changed = {second: "another", third: raw[third], third + "x": "new"}
    proof = proof_of(loaded, listing=lambda: replace(lake_of(loaded), raw=changed))
    assert (proof.findings, proof.gone, proof.pending) == ((), (first,), (second, third + "x"))


def test_forgotten_object_is_neither_gone_nor_proved_and_waits_where_it_lies_again(loaded):
    key = next(e["raw_key"] for e in loaded.ledger() if C in e["raw_key"])
    zero = "status = 'forgotten', rows_in = 0, rows_accepted = 0, rows_rejected = 0"
    forgotten = (f"UPDATE ops.load_ledger SET {zero} {ONE} '%0302T%'", "DELETE FROM {history} WHERE v = 2")
    proof = proof_of(loaded, *forgotten)
    assert (proof.findings, proof.gone, proof.pending) == ((), (), (key,))


def test_no_value_of_a_row_is_shown(loaded):
    said = " ".join(map(str, proof_of(loaded, "UPDATE {core} SET id = '4711X' WHERE id = 'b'").findings))
    assert said
    assert "4711X" not in said


class Counting:
    """A connection that counts its statements."""

    def __init__(self, connection):
        self.connection, self.statements = connection, 0

    def cursor(self):
        self.statements += 1
        return self.connection.cursor()

    def __getattr__(self, name):
        return getattr(self.connection, name)


@pytest.fixture
def listed(loaded):
    """The prefixes that are listed."""
    prefixes: list[str] = []

    def note(params, **_):
        prefixes.append(params["Prefix"])

    loaded.s3.meta.events.register("before-parameter-build.s3.ListObjectsV2", note)
    yield prefixes
    loaded.s3.meta.events.unregister("before-parameter-build.s3.ListObjectsV2", note)


def test_three_years_are_listed_without_a_day_twice_and_ask_the_warehouse_no_more_than_a_day_does(loaded, listed):
    asked = []
    for days in ((DAY, NEXT), (dt.date(2021, 6, 15), dt.date(2024, 6, 16)), EVER):
        listed.clear()
        listing = partial(list_lake, loaded.s3, loaded.bucket, loaded.contract.name, days)
        with loaded.warehouse.session("tests") as connection:
            counting = Counting(connection)
            assert prove.prove(counting, loaded.contract, days, listing).objects in (2, 3)
        asked.append(counting.statements)
        assert len(set(listed)) == len(listed)
        assert not [p for p in listed if any(p != other and p.startswith(other) for other in listed)]
        assert len(listed) <= 50
    assert asked == [asked[0]] * 3
    assert asked[0] > 0
