"""What an answer says of itself: as of when, over which range, and which days of it are missing or empty."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Api


def meta(api: Api, dataset: str = "earthquakes", **params: str) -> Any:
    """The meta of the records of a range."""
    return api(f"/v1/datasets/{dataset}/records", limit="1", **params)["meta"]


def test_days_are_loaded_empty_or_missing_by_the_entries_in_force(api: Api) -> None:
    coverage = meta(api, from_="2018-02-01", to="2018-02-07")["coverage"]
    assert coverage == {
        "days": 6, "days_loaded": 2, "days_empty": 1, "days_missing": 3, "missing_truncated": False,
        "missing": [{"from": "2018-02-04", "to": "2018-02-07"}],
        "rows_rejected": 3, "rows_late": 1, "objects_bad": 1,
    }  # fmt: skip


def test_a_range_within_a_day_speaks_of_that_day(api: Api) -> None:
    coverage = meta(api, from_="2018-02-02T10:00", to="2018-02-02T11:00")["coverage"]
    assert (coverage["days"], coverage["days_loaded"], coverage["rows_rejected"]) == (1, 1, 1)


def test_an_open_range_is_the_sources_start_to_yesterday(api: Api) -> None:
    found = meta(api)
    assert (found["from"], found["to"]) == ("2018-01-31T00:00:00Z", "2018-02-08T00:00:00Z")
    assert found["coverage"]["missing"] == [
        {"from": "2018-01-31", "to": "2018-02-01"}, {"from": "2018-02-04", "to": "2018-02-08"},
    ]  # fmt: skip


def test_nothing_is_awaited_outside_of_what_a_source_promises(api: Api) -> None:
    assert meta(api, from_="2017-01-01", to="2018-01-31")["coverage"]["days"] == 0
    assert meta(api, from_="2018-02-08", to="2030-01-01")["coverage"]["days"] == 0
    open_end = meta(api, "readings")
    assert open_end["to"] == "2018-01-04T00:00:00Z", "without a schedule nothing is awaited behind what came"
    assert open_end["coverage"]["missing"] == [{"from": "2018-01-02", "to": "2018-01-03"}]


def test_as_of_is_the_moment_of_the_datasets_generation(api: Api) -> None:
    assert meta(api)["as_of"] == "2018-03-01T00:04:00Z"
    assert meta(api, "weather")["as_of"] is None


def test_a_mart_is_as_its_last_refresh_saw_its_sources(api: Api) -> None:
    found = meta(api, "daily_seismicity", from_="2018-02-01", to="2018-02-04")
    assert found["as_of"] == "2018-03-01T00:02:00Z"
    assert found["coverage"]["missing"] == [{"from": "2018-02-03", "to": "2018-02-04"}], "that day came later"
    never = meta(api, "flight_delays_by_weather")
    assert (never["as_of"], never["coverage"]) == (None, None)


def test_a_ledger_entry_taken_away_makes_its_day_missing(api: Api, admin: Any) -> None:
    from lambdas.common.db.redshift import execute

    before = meta(api, from_="2018-02-01", to="2018-02-03")["coverage"]["days_missing"]
    execute(admin, "CREATE TEMP TABLE kept AS SELECT * FROM ops.load_ledger WHERE raw_day = '2018-02-02'")
    execute(admin, "DELETE FROM ops.load_ledger WHERE raw_day = '2018-02-02'")
    admin.commit()
    try:
        after = meta(api, from_="2018-02-01", to="2018-02-03")["coverage"]
        assert (before, after["missing"]) == (0, [{"from": "2018-02-02", "to": "2018-02-03"}])
    finally:
        execute(admin, "INSERT INTO ops.load_ledger SELECT * FROM kept")
        execute(admin, "DROP TABLE kept")
        admin.commit()


def test_a_day_of_which_every_row_was_rejected_is_missing(api: Api, admin: Any) -> None:
    from lambdas.common.db.redshift import execute

    execute(admin, "CREATE TEMP TABLE kept AS SELECT * FROM ops.load_ledger WHERE raw_day = '2018-02-02'")
    whole = "UPDATE ops.load_ledger SET rows_rejected = rows_in, rows_accepted = 0"
    execute(admin, f"{whole} WHERE raw_day = '2018-02-02' AND status = 'loaded'")
    admin.commit()
    try:
        found = meta(api, from_="2018-02-01", to="2018-02-03")["coverage"]
        assert (found["days_loaded"], found["missing"]) == (1, [{"from": "2018-02-02", "to": "2018-02-03"}])
        (day,) = api("/v1/datasets/earthquakes/days", from_="2018-02-02", to="2018-02-03")["data"]
        assert (day["state"], day["rows_accepted"]) == ("missing", 0)
        assert day["reason"] == f"all of {day['rows_in']} rows broke a rule"
    finally:
        execute(admin, "DELETE FROM ops.load_ledger WHERE raw_day = '2018-02-02'")
        execute(admin, "INSERT INTO ops.load_ledger SELECT * FROM kept")
        execute(admin, "DROP TABLE kept")
        admin.commit()


def test_the_catalogue_tells_how_fresh_each_dataset_is(api: Api) -> None:
    found = {item["name"]: item for item in api("/v1/datasets")["data"]}
    quakes = found["earthquakes"]
    assert (quakes["as_of"], quakes["last_day"], quakes["rows_accepted"]) == ("2018-03-01T00:04:00Z", "2018-02-03", 20)
    mart = found["daily_seismicity"]
    assert (mart["refreshed_at"], mart["as_of"]) == ("2018-03-02T00:00:00Z", "2018-03-01T00:02:00Z")
    assert (mart["first_day"], mart["last_day"]) == ("2018-02-01", "2018-02-02"), "the third day came later"
    assert found["flight_delays_by_weather"]["last_day"] is None, "never refreshed"
    one = api("/v1/datasets/earthquakes")
    assert one["data"] == quakes
    assert one["meta"]["coverage"]["days_missing"] == 5


def test_data_and_meta_come_from_one_snapshot(make_api: Callable[[Any], Api], warehouse: Any, admin: Any) -> None:
    """A load commits between the statement for meta and the one for the rows."""
    from lambdas.common.db.redshift import execute

    class Between:
        """The warehouse, with a commit of somebody else behind the first statement of every snapshot."""

        def read(self, work: Callable[[Any], Any]) -> Any:
            return warehouse.read(lambda snapshot: work(Interrupted(snapshot)))

    class Interrupted:
        def __init__(self, snapshot: Any) -> None:
            self.snapshot = snapshot
            self.asked = 0

        def rows(self, statement: Any) -> Any:
            found = self.snapshot.rows(statement)
            self.asked += 1
            if self.asked == 1:
                execute(admin, "DELETE FROM core.readings WHERE station = 's5'")
                admin.commit()
            return found

    count = "/v1/datasets/readings/aggregate"
    execute(admin, "CREATE TEMP TABLE saved AS SELECT * FROM core.readings WHERE station = 's5'")
    admin.commit()
    try:
        during = make_api(Between())(count)["data"]
        afterwards = make_api(warehouse)(count)["data"]
        assert (during, afterwards) == ([{"count": 12}], [{"count": 10}])
    finally:
        execute(admin, "INSERT INTO core.readings SELECT * FROM saved")
        admin.commit()


@pytest.mark.parametrize(
    "path", ["/v1/datasets/nothing", "/v1/datasets/nothing/records", "/v1/datasets/Flights/aggregate"]
)
def test_an_unknown_dataset_is_404_and_names_those_there_are(api: Api, path: str) -> None:
    found = api.raw(path)
    assert found.status_code == 404
    assert "earthquakes" in json.loads(found.body)["errors"][0]["allowed"]
