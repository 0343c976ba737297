"""Names in the lake."""

import datetime as dt

import pytest

from lambdas.common.lake import hull, list_days, list_raw, parse_range, parse_raw_key, range_texts, raw_key


class Listing:
    """S3 that answers with nothing and keeps what it was asked for."""

    def __init__(self) -> None:
        self.prefixes: list[str] = []

    def get_paginator(self, _name: str) -> "Listing":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict]:  # noqa: N803 - boto3's names
        self.prefixes.append(Prefix)
        return [{}]


@pytest.mark.parametrize("day", [dt.date(1, 2, 3), dt.date(999, 12, 31), dt.date(2024, 1, 1)])
def test_day_of_any_year_is_found_where_its_key_lies(day: dt.date):
    key = raw_key("quakes", day, "x")
    assert parse_raw_key(key).day == day
    s3 = Listing()
    for days in (1, 8, 400):
        list_raw(s3, "lake", "quakes", day, day + dt.timedelta(days=days))
    list_days(s3, "lake", "quakes", [day])
    list_days(s3, "lake", "quakes", [day + dt.timedelta(days=n) for n in range(8)])
    for prefix in (s3.prefixes[0], s3.prefixes[1], key[: len("raw/quakes/YYYY/")]):
        assert key.startswith(prefix)
    assert all(len(prefix.split("/")[2]) == 4 for prefix in s3.prefixes)


def test_ranges_of_days_are_said_and_read_with_both_ends_in_them():
    first, last = dt.date(2024, 2, 28), dt.date(2024, 2, 29)
    said = range_texts([(first, last), (first, dt.date(2024, 3, 1))])
    assert said == ["2024-02-28/2024-02-28", "2024-02-28/2024-02-29"]
    assert [parse_range(text) for text in said] == [(first, last), (first, dt.date(2024, 3, 1))]
    assert (hull([last, first, last]), hull(["2024-02-28"]), hull([])) == (said[1:], said[:1], [])
