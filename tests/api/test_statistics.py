"""Statistics, frequent values, days and loads: each equals its SQL or the ledger."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_aggregate import direct
from tests.api.test_records import walk

QUAKES = "/v1/datasets/earthquakes"


def test_statistics_equal_their_sql(api: Api, admin: Any) -> None:
    found = api(f"{QUAKES}/stats", columns="magnitude,place,event_time", status="reviewed")
    assert found["meta"]["rows"] == 120
    magnitude, place, moment = found["data"]
    (row,) = direct(
        admin,
        "SELECT COUNT(magnitude) AS count, 120 - COUNT(magnitude) AS nulls, MIN(magnitude) AS min, "
        "MAX(magnitude) AS max, AVG(magnitude) AS avg, STDDEV_SAMP(magnitude) AS stddev, "
        "APPROXIMATE COUNT(DISTINCT magnitude) AS approx_distinct, "
        "APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY magnitude) AS p50, "
        "APPROXIMATE PERCENTILE_DISC(0.95) WITHIN GROUP (ORDER BY magnitude) AS p95 "
        "FROM core.earthquakes WHERE status = 'reviewed'",
    )
    assert {name: magnitude[name] for name in row} == row
    assert (place["min"], place["max"], place["avg"], place["nulls"]) == ("place 1", "place 3", None, 0)
    assert moment["max"] == "2018-02-02T18:00:00Z"


def test_statistics_of_every_type(api: Api) -> None:
    found = {row["column"]: row for row in api("/v1/datasets/readings/stats")["data"]}
    assert set(found) == {"day", "station", "price", "level", "open", "seen_at", "details", "limit"}
    assert (found["details"]["count"], found["details"]["approx_distinct"]) == (12, None)
    assert (found["limit"]["min"], found["limit"]["p50"], found["open"]["approx_distinct"]) == (0, 5, 2)
    assert found["price"]["max"] == "1234567890.10"


@pytest.mark.parametrize("name", ["p50", "p99", "approx_distinct", "stddev", "count", "min", "max", "avg"])
def test_every_metric_equals_its_sql(api: Api, admin: Any, name: str) -> None:
    sql = {
        "p50": "APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY felt)",
        "p99": "APPROXIMATE PERCENTILE_DISC(0.99) WITHIN GROUP (ORDER BY felt)",
        "approx_distinct": "APPROXIMATE COUNT(DISTINCT felt)",
        "stddev": "STDDEV_SAMP(CAST(felt AS double precision))",
        "avg": "AVG(CAST(felt AS double precision))",
    }.get(name, f"{name}(felt)")
    found = api(f"{QUAKES}/aggregate", by="place", metrics=f"{name}:felt", bucket="day")["data"]
    assert found == direct(
        admin,
        f"SELECT DATE_TRUNC('day', event_time) AS bucket, place, {sql} AS \"{name}:felt\" "
        "FROM core.earthquakes GROUP BY 1, 2 ORDER BY 1, 2",
    )


def test_the_most_frequent_values_come_first_and_no_value_is_one_too(api: Api, admin: Any) -> None:
    found = api(f"{QUAKES}/values/magnitude", limit="3", place="place 1")
    sql = "SELECT magnitude AS value, COUNT(*) AS count FROM core.earthquakes WHERE place = 'place 1'"
    assert found["data"] == direct(admin, f"{sql} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3")
    assert found["meta"]["truncated"] is True
    assert None in [row["value"] for row in api(f"{QUAKES}/values/magnitude", limit="1000")["data"]]
    assert api(f"{QUAKES}/values/status")["meta"]["truncated"] is False


@pytest.mark.parametrize(
    ("dataset", "column"), [("earthquakes", "x"), ("readings", "secret_note"), ("readings", "details")]
)
def test_values_of_a_column_that_there_is_not_are_404(api: Api, dataset: str, column: str) -> None:
    found = api.raw(f"/v1/datasets/{dataset}/values/{column}")
    assert found.status_code == 404
    assert b"secret_note" not in found.body.replace(f"no column '{column}'".encode(), b"")


def test_days_say_their_state_and_its_reason(api: Api) -> None:
    found = {row["day"]: row for row in api(f"{QUAKES}/days", from_="2018-01-31", to="2018-02-07")["data"]}
    assert [row["state"] for row in found.values()] == [
        "missing", "loaded", "loaded", "empty", "missing", "missing", "missing",
    ]  # fmt: skip
    assert found["2018-02-01"]["reason"] == "2 of 10 rows broke a rule"
    assert found["2018-01-31"]["reason"] == "no object of this day is loaded"
    assert found["2018-02-05"]["objects_bad"] == 1
    assert set(api.refused(f"{QUAKES}/days", place="place 1")) == {"place"}


def test_the_ledger_is_asked_like_any_dataset(api: Api, admin: Any) -> None:
    found = api("/v1/loads", source="earthquakes", in_force="true", columns="raw_day,status,rows_rejected")["data"]
    assert [(row["raw_day"], row["status"]) for row in found] == [
        ("2018-02-06", "forgotten"), ("2018-02-05", "bad"), ("2018-02-03", "loaded"),
        ("2018-02-02", "loaded"), ("2018-02-01", "loaded"),
    ]  # fmt: skip
    walked, pages = walk(api, "/v1/loads", limit="2")
    assert (len(walked), pages) == (9, 5)
    assert len({(row["raw_key"], row["generation"]) for row in walked}) == 9
    assert [row["raw_day"] for row in api("/v1/loads", from_="2018-02-05", to="2018-02-06")["data"]] == ["2018-02-05"]


def test_source_is_the_datasets_own_and_any_other_is_a_mistake(api: Api) -> None:
    assert api(f"{QUAKES}/aggregate", source="earthquakes")["data"] == [{"count": 240}]
    assert "earthquakes" in str(api.raw(f"{QUAKES}/aggregate", source="weather").body)
    assert set(api.refused(f"{QUAKES}/aggregate", source="weather")) == {"source"}


def test_patterns_select_as_sql_does(api: Api) -> None:
    count = f"{QUAKES}/aggregate"
    assert api(count, place__like="place _")["data"] == [{"count": 240}]
    assert api(count, place__like="PLACE%")["data"] == [{"count": 0}]
    assert api(count, place__ilike="%E 1")["data"] == [{"count": 60}]
    assert set(api.refused(count, magnitude__like="3%")) == {"magnitude__like"}


def test_count_is_told_when_asked_for(api: Api) -> None:
    assert api(f"{QUAKES}/records", limit="1", count="exact", place="place 1")["meta"]["count"] == 60
    assert "count" not in api(f"{QUAKES}/records", limit="1")["meta"]
    assert set(api.refused(f"{QUAKES}/records", count="1")) == {"count"}


@pytest.mark.parametrize("sort", ["event_time", "-event_time", "-longitude"])
def test_a_walk_during_loads_gives_every_untouched_row_once_and_says_that_something_changed(
    api: Api, admin: Any, sort: str
) -> None:
    from lambdas.common.db.redshift import execute

    into = "core.earthquakes (event_id, event_time, updated_at, longitude, latitude, status)"

    def commit(number: int) -> None:
        """A load: one row comes, one goes, one moves."""
        moment = "2018-02-01 12:00"
        execute(admin, f"INSERT INTO {into} VALUES ('new{number}', '{moment}', '{moment}', 1, 1, 'x')")
        moved = f"longitude = -1, event_time = '{moment}'"
        execute(admin, f"UPDATE core.earthquakes SET {moved} WHERE event_id = 'old{number}'")
        execute(admin, f"DELETE FROM core.earthquakes WHERE event_id = 'gone{number}'")
        execute(admin, "UPDATE ops.generation SET generation = generation + 1 WHERE source = 'earthquakes'")
        admin.commit()

    for number in range(9):
        for name in ("old", "gone"):
            execute(
                admin,
                f"INSERT INTO {into} VALUES "
                f"('{name}{number}', '2018-02-02 0{number}:00', '2018-02-02', 0.{number}, 1, 'x')",
            )
    admin.commit()
    try:
        seen: list[str] = []
        changed: list[bool] = []
        cursor: str | None = None
        for number in range(100):
            page = api(f"{QUAKES}/records", limit="31", sort=sort, **({"cursor": cursor} if cursor else {}))
            seen += [row["event_id"] for row in page["data"]]
            changed.append(page["meta"]["changed"])
            cursor = page["meta"]["next"]
            if cursor is None:
                break
            commit(number)
        untouched = [name for name in seen if name.startswith("ev")]
        assert len(untouched) == len(set(untouched)) == 240
        assert changed == [False, *[True] * (len(changed) - 1)]
        assert len(changed) > 5
    finally:
        execute(admin, "DELETE FROM core.earthquakes WHERE event_id NOT LIKE 'ev%'")
        execute(admin, "UPDATE ops.generation SET generation = 4 WHERE source = 'earthquakes'")
        admin.commit()
