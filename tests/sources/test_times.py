"""Dates and times in the ways people write them, and the UTC day that a row then lies under."""

import datetime as dt

import pytest

from tests.ingest.test_postgresql import url
from tests.sources.pipeline import AT, ID, UTC, prop

__all__ = ["url"]

DAY = "2024-01-01"
WRONG = [
    "10/03/2024", "20240310", "2024-02-30", "epoch", "infinity", "now", "2024-03-10 10:00 CST", "1710064800",
    "24-03-10 10:00", "2024-03-10 10:00+16", "0044-03-10 10:00 BC", "12000-03-10 10:00",
]  # fmt: skip
# together with the rest of this folder they would take too long for `make test`
pytestmark = pytest.mark.long


def run(pipeline, texts, physical="timestamp", **more):
    """Rows that hold these texts in the column `t`, beside an event time that is well."""
    lines = "".join(f'{n},{DAY},"{text}"\n' for n, text in enumerate(texts))
    extract = pipeline.write("a.csv", f"id,at,t\n{lines}", "csv")
    done = pipeline.run(extract, [ID, AT, prop("t", physical, **more)], rows=len(texts))
    values = {row["id"]: row["t"] for row in done.accepted}
    return [values.get(n, "rejected") for n in range(len(texts))]


def at(*parts):
    return dt.datetime(*parts, tzinfo=UTC)


def test_iso_texts_and_nothing_else_are_times(pipeline):
    texts = {
        "2024-03-10T10:00:00+02:00": at(2024, 3, 10, 8),
        "2024-03-10 10:00:00.5": at(2024, 3, 10, 10, 0, 0, 500_000),
        "2024-03-10T10:00:00Z": at(2024, 3, 10, 10),
        "2024-03-10": at(2024, 3, 10),
        "": None,
    }
    assert run(pipeline, [*texts, *WRONG]) == [*texts.values(), *["rejected"] * len(WRONG)]


def test_several_date_formats_in_one_column(pipeline):
    options = {"format": "[dd/MM/yyyy][yyyy-MM-dd][d MMM yyyy][yyyyMMdd]"}
    texts = ["31/12/2024", "2024-12-31", "3 Mar 2024", "20241231", "3/1/2024", "31/12/24", "12/31/2024", "2024-12-31 x"]
    found = run(pipeline, texts, "date", logicalTypeOptions=options)
    assert found[:4] == [dt.date(2024, 12, 31), dt.date(2024, 12, 31), dt.date(2024, 3, 3), dt.date(2024, 12, 31)]
    assert found[4:] == ["rejected"] * 4


def test_format_with_offset_fraction_and_half_of_the_day(pipeline):
    options = {"format": "[yyyy-MM-dd'T'HH:mm:ss.SSSXXX][MM/dd/yyyy hh:mm a]"}
    texts = ["2024-03-10T10:00:00.250+01:00", "2024-03-10T10:00:00.250Z", "03/10/2024 01:05 PM", "03/10/2024 13:05 PM"]
    assert run(pipeline, texts, logicalTypeOptions=options) == [
        at(2024, 3, 10, 9, 0, 0, 250_000),
        at(2024, 3, 10, 10, 0, 0, 250_000),
        at(2024, 3, 10, 13, 5),
        "rejected",
    ]


def test_offsets_that_change_with_daylight_saving_are_each_their_own(pipeline):
    texts = ["2024-03-31T01:59:59+01:00", "2024-03-31T03:00:00+02:00", "2024-10-27T02:30:00+02:00"]
    texts.append("2024-10-27T02:30:00+01:00")
    assert run(pipeline, texts) == [
        at(2024, 3, 31, 0, 59, 59), at(2024, 3, 31, 1), at(2024, 10, 27, 0, 30), at(2024, 10, 27, 1, 30)
    ]  # fmt: skip


def test_texts_that_are_no_times_are_none_in_any_zone(pipeline):
    zone = {"defaultTimezone": "Asia/Tokyo"}
    found = run(pipeline, ["2024-03-10 10:00", *WRONG], logicalTypeOptions=zone)
    assert found == [at(2024, 3, 10, 1), *["rejected"] * len(WRONG)]


@pytest.mark.parametrize("form", [None, "yyyy-MM-dd HH:mm[XXX]"])
def test_local_times_of_a_zone_where_clocks_skip_or_repeat_none_is_guessed(pipeline, form):
    texts = {
        "2024-01-10 10:00": at(2024, 1, 10, 9),
        "2024-07-10 10:00": at(2024, 7, 10, 8),
        "2024-07-10 10:00Z": at(2024, 7, 10, 10),
        "2024-03-31 02:30": "rejected",  # clocks go from 2 to 3
        "2024-10-27 02:30": "rejected",  # shown twice
        "2024-10-27 03:30": at(2024, 10, 27, 2, 30),
    }
    options = {"defaultTimezone": "Europe/Berlin"} | ({"format": form} if form else {})
    assert run(pipeline, list(texts), logicalTypeOptions=options) == list(texts.values())


def test_a_night_in_which_clocks_show_two_hours_twice(pipeline):
    texts = {
        "2024-10-27 00:59": at(2024, 10, 26, 22, 59),
        "2024-10-27 01:30": "rejected",
        "2024-10-27 02:59": "rejected",
        "2024-10-27 03:00": at(2024, 10, 27, 3),
        "2024-03-31 02:30": "rejected",  # clocks go from 1 to 3
        "2024-03-31 03:00": at(2024, 3, 31, 1),
    }
    assert run(pipeline, list(texts), logicalTypeOptions={"defaultTimezone": "Antarctica/Troll"}) == list(
        texts.values()
    )


def test_local_event_time_decides_the_utc_day(pipeline):
    column = {**AT, "logicalTypeOptions": {"defaultTimezone": "America/New_York", "format": "M/d/yyyy HH:mm"}}
    text = "id,at\n1,1/1/2024 18:59\n2,1/1/2024 19:00\n3,never\n"
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, column], rows=3)
    assert done.days == {"2024-01-01": 2, "2024-01-02": 1}
    assert done.values("id") == [1, 2]
    assert done.reasons == [("at", "cast", "never")]


def test_epoch_seconds_and_milliseconds_by_an_expression(pipeline):
    seconds = {**AT, "transformLogic": "to_timestamp(CAST(s AS BIGINT))", "transformSourceObjects": ["s"]}
    millis = prop("m", "timestamp", transformLogic="make_timestamp(CAST(ms AS BIGINT) * 1000)")
    lines = '{"s": 1704067200, "ms": 1704153600001}\n{"s": 1704240000, "ms": null}\n{"s": "soon", "ms": 1}\n'
    extract = pipeline.write("a.ndjson", lines, "ndjson")
    done = pipeline.run(extract, [seconds, {**millis, "transformSourceObjects": ["ms"]}], rows=3)
    assert done.days == {"2024-01-01": 2, "2024-01-02": 0, "2024-01-03": 1}
    assert done.values("m") == [at(2024, 1, 2, 0, 0, 0, 1000), None]
    assert done.reasons == [("at", "cast", "soon")]


def test_limits_of_times(pipeline):
    options = {"minimum": "2024-01-01", "exclusiveMaximum": "2024-02-01T00:00:00Z"}
    texts = ["2023-12-31T23:59:59Z", "2024-01-01", "2024-01-31T23:59:59Z", "2024-02-01"]
    found = run(pipeline, texts, logicalTypeOptions=options)
    assert found == ["rejected", at(2024, 1, 1), at(2024, 1, 31, 23, 59, 59), "rejected"]


def test_late_rows_duplicates_and_rows_without_a_day(pipeline):
    text = "id,at\n1,2024-01-02\n1,2024-01-02\n2,2023-12-31\n3,\n4,2024-01-04\n"
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, AT], rows=5)
    assert done.days == {"2023-12-31": 1, "2024-01-01": 1, "2024-01-02": 2, "2024-01-03": 0, "2024-01-04": 1}
    assert sorted(done.values("id")) == [1, 1, 2, 4]
    assert done.reasons == [("at", "required", None)]
    assert done.late == 0


OF_POSTGRESQL = """
SELECT id, at, at AS t, at AS z, at AS f, at::date AS d FROM (VALUES
    (1, timestamp '2024-01-01 12:00'), (2, 'infinity'), (3, '-infinity'), (4, '12000-01-01'), (5, '0044-03-15 BC')
) AS t (id, at)
"""


def test_times_of_postgresql_that_are_in_no_calendar_are_rejected_and_not_another_day(pipeline, url):
    properties = [
        ID, AT, prop("t", "timestamptz"), prop("z", "timestamp", logicalTypeOptions={"defaultTimezone": "Asia/Tokyo"}),
        prop("f", "timestamp", logicalTypeOptions={"format": "yyyy-MM-dd'T'HH:mm:ss"}), prop("d", "date"),
    ]  # fmt: skip
    done = pipeline.run({"sql_database": {"url": url, "query": OF_POSTGRESQL}}, properties, rows=5)
    assert done.days == {DAY: 5}
    assert done.raw_values("d") == [DAY, "infinity", "-infinity", "12000-01-01", "0044-03-15 BC"]
    assert [row["id"] for row in done.accepted] == [1]
    said = ["infinity", "-infinity", "12000-01-01 00:00:00", "0044-03-15 00:00:00 BC"]
    assert done.reasons == [
        (name, "cast", day if name == "d" else time)
        for time, day in zip(said, done.raw_values("d")[1:], strict=True)
        for name in ("at", "t", "z", "f", "d")
    ]
