"""What the process function reads of the warehouse has the time of one call, whatever its single statements take."""

import re
import time

import pytest

from lambdas.common.db.redshift import query
from lambdas.common.errors import StatementCancelled
from lambdas.process import reports

ENDLESS = "SELECT COUNT(*) FROM pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d"
SETTING = "SELECT current_setting('statement_timeout') AS left"


@pytest.fixture
def read(warehouse, monkeypatch):
    """Reads the deployed warehouse as the function does, within so many seconds."""
    monkeypatch.setattr(reports.Settings, "from_environment", lambda: None)
    monkeypatch.setattr(reports, "open_warehouse", lambda _settings: warehouse)
    return lambda work, seconds: reports.read_warehouse(work, "prove flights", time.monotonic() + seconds)


@pytest.mark.long
def test_a_slow_statement_gets_what_those_before_it_have_left(read):
    began = time.monotonic()

    def work(connection):
        time.sleep(2)  # as a statement that is nearly too slow
        query(connection, ENDLESS)

    with pytest.raises(
        StatementCancelled, match=r"^prove flights: .* after 3 s, .* fewer days \(start and end, --from"
    ):
        read(work, 3)
    assert time.monotonic() - began < 4.9, "it had three seconds of its own"


def test_each_statement_is_told_what_is_left(read):
    def work(connection):
        first = seconds_left(connection)
        time.sleep(0.5)
        return first, seconds_left(connection)

    first, second = read(work, 60)
    assert 0 < second <= first - 0.5 < 60


def seconds_left(connection):
    number, unit = re.fullmatch(r"(\d+)(ms|s|min)", query(connection, SETTING)[0]["left"]).groups()
    return int(number) * {"ms": 0.001, "s": 1, "min": 60}[unit]


def test_no_statement_is_begun_when_time_is_up(read):
    def work(connection):
        time.sleep(1.1)
        query(connection, SETTING)

    with pytest.raises(StatementCancelled, match="was not done after 1 s, which is all the time of a call"):
        read(work, 0)
