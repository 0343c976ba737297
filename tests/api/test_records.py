"""Rows: selected, ordered, and walked page by page so that each comes once."""

import base64
import json
from typing import Any

import pytest

from tests.api.conftest import Api

RECORDS = "/v1/datasets/earthquakes/records"
READINGS = "/v1/datasets/readings/records"


def walk(api: Api, path: str, **params: str) -> tuple[list[dict[str, Any]], int]:
    """All rows of a walk, and how many pages it took."""
    rows: list[dict[str, Any]] = []
    pages, cursor = 0, None
    while pages == 0 or cursor:
        answer = api(path, **params, **({"cursor": cursor} if cursor else {}))
        rows += answer["data"]
        cursor, pages = answer["meta"]["next"], pages + 1
        assert answer["meta"]["truncated"] is False
    return rows, pages


@pytest.mark.parametrize("sort", ["event_time", "-event_time", "longitude", "-longitude", "-status"])
def test_a_walk_through_ties_equals_the_whole_set(api: Api, sort: str) -> None:
    whole = api(RECORDS, sort=sort, limit="10000", columns="event_id")["data"]
    walked, pages = walk(api, RECORDS, sort=sort, limit="47", columns="event_id")
    assert pages == 6
    assert walked == whole
    assert len({row["event_id"] for row in walked}) == 240


@pytest.mark.parametrize("sort", ["day", "-station"])
def test_a_keyless_source_is_walked_by_raw_key_and_row(api: Api, sort: str) -> None:
    walked, _ = walk(api, READINGS, sort=sort, limit="1", columns="limit")
    assert sorted(row["limit"] for row in walked) == list(range(12))
    assert list(walked[0]) == ["limit"], "what the walk needs itself does not show"


def test_the_last_page_that_is_exactly_full_has_no_next(api: Api) -> None:
    assert api(RECORDS, limit="240")["meta"]["next"] is None
    assert api(RECORDS, limit="239")["meta"]["next"]


def test_a_cursor_is_bound_to_its_query(api: Api) -> None:
    cursor = api(RECORDS, limit="5", status="reviewed")["meta"]["next"]
    assert api(RECORDS, limit="9", status="reviewed", cursor=cursor)["data"], "the limit may change on the way"
    for other in ({"status": "automatic"}, {}, {"status": "reviewed", "sort": "-event_time"}):
        assert set(api.refused(RECORDS, cursor=cursor, **other)) == {"cursor"}
    assert set(api.refused("/v1/datasets/flights/records", cursor=cursor)) == {"cursor"}


def forged(cursor: str, values: Any) -> str:
    """The cursor with other values behind its digest."""
    digest, version, _ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(json.dumps([digest, version, values]).encode()).decode().rstrip("=")


def test_forged_cursors_are_refused(api: Api) -> None:
    cursor = api(RECORDS, limit="5")["meta"]["next"]
    wrong: list[Any] = [
        [],
        ["x", "y"],
        ["2018-02-01"],
        [1, 2],
        {"a": 1},
        None,
        ["2018-02-01", ["ev1"]],
        ["2018-02-01", "a\x00"],
    ]
    texts = [*(forged(cursor, values) for values in wrong), "", "....", cursor[:-3], "W10", "bnVsbA", "é", "1" * 5000]
    for text in texts:
        assert set(api.refused(RECORDS, cursor=text)) == {"cursor"}, text
    assert "'; --" not in json.dumps(api(RECORDS, cursor=forged(cursor, ["2018-02-01", "'; --"]))["data"][0])


def test_from_belongs_to_the_range_and_to_does_not(api: Api) -> None:
    found = api(RECORDS, from_="2018-02-01T06:00", to="2018-02-01T18:00:00Z", limit="1000", columns="event_time")
    assert {row["event_time"] for row in found["data"]} == {"2018-02-01T06:00:00Z", "2018-02-01T12:00:00Z"}
    assert (found["meta"]["from"], found["meta"]["to"]) == ("2018-02-01T06:00:00Z", "2018-02-01T18:00:00Z")


def test_a_date_column_is_cut_at_its_midnights(api: Api) -> None:
    found = api(READINGS, from_="2018-01-01T00:01", to="2018-01-02T00:01", columns="day")
    assert {row["day"] for row in found["data"]} == {"2018-01-02"}


@pytest.mark.parametrize(
    ("params", "condition"),
    [
        ([("status", "reviewed")], "status = 'reviewed'"),
        ([("place", "place 1"), ("place", "place 2")], "place IN ('place 1', 'place 2')"),
        ([("place__ne", "place 1"), ("place__ne", "place 2")], "place NOT IN ('place 1', 'place 2')"),
        ([("magnitude__null", "true")], "magnitude IS NULL"),
        ([("magnitude__gte", "1.5"), ("magnitude__lt", "3.4")], "magnitude >= 1.5 AND magnitude < 3.4"),
        ([("felt__gt", "2"), ("felt__lte", "+4")], "felt > 2 AND felt <= 4"),
        ([("event_time__eq", "2018-02-01T06:00")], "event_time = '2018-02-01 06:00'"),
        ([("place", "")], "place = ''"),
    ],
)
def test_filters_select_what_their_sql_selects(
    api: Api, admin: Any, params: list[tuple[str, str]], condition: str
) -> None:
    from lambdas.common.db.redshift import query, rollback

    expected = query(admin, f"SELECT event_id FROM core.earthquakes WHERE {condition} ORDER BY event_time, event_id")
    rollback(admin)
    found = api(RECORDS, *params, limit="1000", columns="event_id")
    assert found["data"] == expected
    assert expected or condition == "place = ''"


def test_every_type_can_be_filtered_and_is_written_without_loss(api: Api) -> None:
    found = api(
        READINGS, ("level", "0.1"), ("price", "1234567890.1"), ("open", "false"), ("seen_at", "2018-01-01T12:00Z")
    )
    assert found["data"] == [
        {
            "day": "2018-01-01", "station": "s0", "price": "1234567890.10", "level": pytest.approx(0.1), "open": False,
            "seen_at": "2018-01-01T12:00:00Z", "details": {"a": [1, 2]}, "limit": 1,
        }
    ]  # fmt: skip
    assert len(api(READINGS, ("limit__eq", "3"), ("limit", "5"))["data"]) == 1


def test_columns_come_in_the_order_that_was_asked_for(api: Api) -> None:
    row = api(RECORDS, ("columns", "place,event_id"), ("columns", "magnitude"), limit="1")["data"][0]
    assert list(row) == ["place", "event_id", "magnitude"]


def test_restricted_columns_are_in_no_answer(api: Api) -> None:
    for path in (READINGS, "/v1/datasets", "/v1/datasets/readings"):
        body = api.raw(path).body.decode()
        assert "classified" not in body
        assert "secret_note" not in body


def test_a_flood_of_mistakes_is_told_in_an_answer_of_bounded_size(api: Api) -> None:
    found = api.raw(RECORDS, columns=",".join(f"c{number}" for number in range(3000)))
    document = json.loads(found.body)
    assert found.status_code == 400
    assert document["detail"].startswith("3000 mistakes")
    assert len(document["errors"]) == 50
