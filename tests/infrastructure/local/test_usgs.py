"""The replay of the USGS catalogue: every parameter is honoured or refused."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cloud import Cloud

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def base(cloud: Cloud) -> str:
    return cloud.env["EARTHQUAKES_URL"]


def query(base: str, parameters: str) -> list[dict[str, Any]]:
    with OPENER.open(f"{base}query?format=geojson&{parameters}", timeout=10) as answer:
        body = json.load(answer)
    assert body["metadata"]["count"] == len(body["features"])
    return body["features"]


def times(events: list[dict[str, Any]]) -> list[int]:
    return [event["properties"]["time"] for event in events]


def magnitudes(events: list[dict[str, Any]]) -> list[float]:
    return [event["properties"]["mag"] for event in events]


def instant(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp() * 1000  # type: ignore[arg-type]


def test_all_recorded_events_come_newest_first(base: str) -> None:
    events = query(base, "")
    assert len(events) == 1707
    assert times(events) == sorted(times(events), reverse=True)


def test_a_day_begins_and_ends_where_asked(base: str) -> None:
    events = query(base, "starttime=2018-01-31&endtime=2018-01-31T23:59:59.999Z")
    assert len(events) == 198
    assert min(times(events)) >= instant(2018, 1, 31)
    assert max(times(events)) < instant(2018, 2, 1)


def test_endtime_is_inclusive(base: str) -> None:
    newest = query(base, "limit=1")[0]
    exact = datetime.fromtimestamp(newest["properties"]["time"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    events = query(base, f"starttime={exact}&endtime={exact}")
    assert [event["id"] for event in events] == [newest["id"]]


def test_a_time_with_a_zone_is_that_instant(base: str) -> None:
    there = query(base, "starttime=2018-02-01T02:00:00%2B02:00")
    assert [e["id"] for e in there] == [e["id"] for e in query(base, "starttime=2018-02-01T00:00:00Z")]


def test_pages_cover_the_whole_without_overlap(base: str) -> None:
    pages = [query(base, f"orderby=time-asc&limit=500&offset={offset}") for offset in (1, 501, 1001, 1501, 2001)]
    assert [len(page) for page in pages] == [500, 500, 500, 207, 0]
    joined = [event for page in pages for event in page]
    assert len({event["id"] for event in joined}) == 1707
    assert times(joined) == sorted(times(joined))


def test_magnitude_orders_and_limits(base: str) -> None:
    strong = query(base, "minmagnitude=5&orderby=magnitude")
    assert magnitudes(strong) == sorted(magnitudes(strong), reverse=True)
    assert magnitudes(query(base, "minmagnitude=5&orderby=magnitude-asc")) == magnitudes(strong)[::-1]
    assert min(magnitudes(strong)) >= 5
    assert max(magnitudes(query(base, "maxmagnitude=1&limit=9"))) <= 1


def test_a_rectangle_and_a_depth_select(base: str) -> None:
    box = "minlatitude=30&maxlatitude=42&minlongitude=-125&maxlongitude=-114&mindepth=5&maxdepth=10"
    events = query(base, box)
    assert 0 < len(events) < 1707
    for event in events:
        longitude, latitude, depth = event["geometry"]["coordinates"]
        assert 30 <= latitude <= 42
        assert -125 <= longitude <= -114
        assert 5 <= depth <= 10


def test_updatedafter_selects_by_the_update(base: str) -> None:
    events = query(base, "updatedafter=2018-02-06T12:00:00")
    assert 0 < len(events) < 1707
    assert min(event["properties"]["updated"] for event in events) >= instant(2018, 2, 6, 12)


def test_count_answers_the_number_alone(base: str) -> None:
    with OPENER.open(f"{base}count?starttime=2018-02-07", timeout=10) as answer:
        assert answer.read() == b"14"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ("limit=20001", "limit"),
        ("limit=0", "limit"),
        ("offset=0", "offset"),
        ("offset=one", "offset"),
        ("orderby=place", "orderby"),
        ("starttime=yesterday", "starttime"),
        ("starttime=%7Bstart%7D", "starttime"),
        ("endtime=2018-02-30", "endtime"),
        ("minmagnitude=big", "minmagnitude"),
        ("minmagnitude=nan", "minmagnitude"),
        ("format=csv", "format"),
        ("colour=red", "colour"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_bad_input_is_refused_with_a_text(base: str, parameters: str, named: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        OPENER.open(f"{base}query?{parameters}", timeout=10)
    with refused.value as answer:
        assert answer.status == 400
        assert named in answer.read().decode()
