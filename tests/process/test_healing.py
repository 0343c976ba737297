"""What a proof asks for: days to load and days to rebuild; and what was broken holds again after a rebuild."""

import datetime as dt
import time

import pytest

from lambdas.common.db import prove
from lambdas.common.db.prove import Finding, Proof
from lambdas.common.db.redshift import execute
from lambdas.process.healing import damaged_days, missing_days, outside_days, split_outside, wrong_days
from lambdas.process.work import Request
from tests.process.test_prove import EQUATIONS, load_two_keys, proof_of

UNKNOWN = prove.KNOWN


def key(day: str, stamp: str = "1") -> str:
    return f"raw/things/{day.replace('-', '/')}/data_{stamp}.parquet"


def proof(*, pending=(), gone=(), findings=()) -> Proof:
    return Proof(0, 0, 0, 0, tuple(pending), tuple(gone), tuple(findings))


def test_missing_days_are_ranges_with_both_ends():
    days = ("2024-02-28", "2024-02-29", "2024-03-01", "2024-03-04")
    assert missing_days(proof(pending=map(key, days))) == ["2024-02-28/2024-03-01", "2024-03-04/2024-03-04"]


def test_many_gaps_are_joined_and_no_day_is_left_out():
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=n * n) for n in range(40)]
    found = missing_days(proof(pending=[key(str(day)) for day in days]))
    ranges = [tuple(map(dt.date.fromisoformat, text.split("/"))) for text in found]
    assert len(ranges) == 6
    assert all(any(first <= day <= last for first, last in ranges) for day in days)
    assert ranges[-1][0] == ranges[-1][1] == days[-1], "the widest gap stays one"


def test_objects_of_days_that_the_source_does_not_have_are_told_apart():
    pending = [key(day) for day in ("2023-12-30", "2023-12-31", "2024-01-01", "2030-01-01")]
    inside, outside = split_outside(proof(pending=pending), lambda day: day.year == 2024)
    assert missing_days(inside) == ["2024-01-01/2024-01-01"]
    assert outside == (pending[0], pending[1], pending[3])
    assert outside_days(outside) == ["2023-12-30/2023-12-31", "2030-01-01/2030-01-01"]


def test_only_what_a_rebuild_mends_is_damaged():
    findings = [
        Finding(prove.ACCEPTED, key("2024-01-01"), ""),
        Finding(prove.ACCEPTED, key("2024-01-02"), ""),
        Finding(UNKNOWN, key("2024-01-03"), ""),
        Finding(prove.ACCEPTED, key("2024-01-05"), ""),
        Finding(prove.KEYS, "no raw key", ""),
    ]
    assert damaged_days(proof(findings=findings, gone=[key("2024-01-05")])) == ["2024-01-01/2024-01-02"]


def test_what_is_wrong_is_of_days_from_the_first_to_the_last():
    found = [Finding(prove.ACCEPTED, key("2024-01-02"), "")]
    assert wrong_days(proof()) == []
    assert wrong_days(proof(findings=found)) == ["2024-01-02/2024-01-02"]
    apart = proof(findings=found, gone=[key("2018-02-01")], pending=[key("2030-01-01")])
    assert wrong_days(apart) == ["2018-02-01/2030-01-01"]


def test_what_is_of_no_day_or_too_much_to_be_told_may_be_of_any_day():
    everything = ["0001-01-01/9999-12-30"]
    assert wrong_days(proof(findings=[Finding(prove.KEYS, "no raw key", "")])) == everything
    assert wrong_days(proof(findings=[Finding(prove.ACCEPTED, key("2024-01-02"), "")] * prove.MOST)) == everything


@pytest.fixture(scope="module")
def loaded(make_source):
    """The source of the proof's tests, of its own, because here it is really broken."""
    return load_two_keys(make_source)


def rebuild(source, text: str) -> None:
    first, last = map(dt.date.fromisoformat, text.split("/"))
    after = last + dt.timedelta(days=1)
    source.loader.load(Request(first, after, "tests", "", time.monotonic() + 60, anew=True))


@pytest.mark.parametrize(("sql", "equation"), [(s, e) for s, e, _ in EQUATIONS if e != prove.KNOWN])
def test_rebuild_of_the_damaged_days_mends_them(loaded, sql, equation):
    before = loaded.rows()
    name = loaded.contract.name
    with loaded.warehouse.session("tests") as connection:
        execute(connection, sql.format(core=f"core.{name}", history=f"history.{name}", name=name))
        execute(connection, "COMMIT")
    broken = proof_of(loaded)
    assert equation in {f.equation for f in broken.findings}
    for text in damaged_days(broken):
        rebuild(loaded, text)
    assert [str(f) for f in proof_of(loaded).findings] == []
    assert loaded.rows() == before
