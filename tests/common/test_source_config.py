"""What a defs.yaml says of a source beside where its data comes from: which days it has, and whether it is paused."""

import datetime as dt

import pytest

from lambdas.common.source import parse_source_config

TODAY = dt.date(2024, 3, 10)


def config(**attributes):
    return parse_source_config("things", {"start": "2024-03-01", **attributes})


@pytest.mark.parametrize(
    ("end", "day", "has"),
    [
        (None, "2024-02-29", False),
        (None, "2024-03-01", True),
        (None, "2024-03-10", True),
        (None, "2024-03-11", False),
        ("2024-03-05", "2024-03-05", True),
        ("2024-03-05", "2024-03-06", False),
        ("2024-12-31", "2024-03-10", True),
        ("2024-12-31", "2024-03-11", False),
    ],
)
def test_a_source_has_the_days_from_its_start_to_its_end_that_have_begun(end, day, has):
    assert config(end=end).has_day(dt.date.fromisoformat(day), TODAY) is has


def test_a_source_is_paused_where_it_says_so():
    assert config(paused=True).paused
    assert not config().paused


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"end": "2024-02-29"}, "end 2024-02-29 lies before start"),
        ({"paused": "yes"}, "paused is 'yes'"),
        ({"stop": 1}, "allowed are start, end, schedule, paused, extract"),
    ],
)
def test_attributes_that_make_no_sense_are_refused(attributes, words):
    with pytest.raises(ValueError, match=words):
        config(**attributes)
