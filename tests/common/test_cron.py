"""Cron lines: which there are, and that they tick when Dagster's schedules do."""

import datetime as dt
import random

import pytest
from dagster._utils.schedules import reverse_cron_string_iterator

from lambdas.common.cron import BOUNDS, is_cron, last_tick_day

LINES = [
    "15 2 * * *", "0 0 * * *", "59 23 * * *", "*/20 */6 * * *", "30 4 1 * *", "0 12 31 * *", "0 0 29 2 *",
    "0 3 * * 1-5", "0 3 * * fri-sun", "0 3 * * 5-7", "0 3 13 * fri", "0 3 */2 * mon",
    "5/20 3/10 3/9 nov-feb *", "0 0 * jan,JUL SUN", "0 3 24 * *,tue-fri/5",
]  # fmt: skip


def made_up(chance: random.Random) -> str:
    """A line of numbers, lists, ranges and steps."""
    fields = []
    for low, high in BOUNDS:
        first, last = sorted(chance.sample(range(low, high + 1), k=2))
        step = chance.randint(2, 7)
        fields.append(chance.choice(["*", "*", f"*/{step}", f"{first}", f"{first},{last}", f"{first}-{last}/{step}"]))
    return " ".join(fields)


@pytest.mark.parametrize("line", [*LINES, *(made_up(random.Random(seed)) for seed in range(30))])
def test_the_last_tick_is_that_of_the_schedule(line):
    assert is_cron(line)
    chance = random.Random(line)
    for _ in range(8):
        moment = dt.datetime(2023, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=chance.randint(0, 3 * 366 * 1440))
        found = next(reverse_cron_string_iterator(moment.timestamp(), line, "UTC"))
        assert last_tick_day(line, moment) == found.date(), (line, moment)


def test_a_line_ticks_from_its_minute_on_and_in_utc():
    at = dt.datetime(2024, 3, 11, 2, 14, tzinfo=dt.UTC)
    assert last_tick_day("15 2 * * *", at + dt.timedelta(seconds=59.999999)) == dt.date(2024, 3, 10)
    assert last_tick_day("15 2 * * *", at + dt.timedelta(minutes=1)) == dt.date(2024, 3, 11)
    west = at.astimezone(dt.timezone(dt.timedelta(hours=-8)))
    assert last_tick_day("0 0 * * *", west) == dt.date(2024, 3, 11)


def test_a_day_that_no_year_has_never_ticks():
    assert last_tick_day("0 0 30 2 *", dt.datetime(2024, 3, 11, tzinfo=dt.UTC)) is None


@pytest.mark.parametrize(
    "text", ["", "15 2 * *", "60 2 * * *", "x 2 * * *", "0 0 * * foo", "mon 0 * * *", "5-3 0 * * *"]
)
def test_what_is_no_such_line_is_refused(text):
    assert not is_cron(text)
