"""Groups: every answer equals the same SQL run directly."""

import datetime as dt
from typing import Any

import pytest

from tests.api.conftest import Api

PATH = "/v1/datasets/earthquakes/aggregate"


def direct(admin: Any, sql: str) -> list[dict[str, Any]]:
    """The rows of the statement with times as the API writes them."""
    from lambdas.common.db.redshift import query, rollback

    rows = query(admin, sql)
    rollback(admin)
    return [
        {name: value.isoformat() + "Z" if isinstance(value, dt.datetime) else value for name, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("bucket", ["hour", "day", "week", "month", "year"])
def test_buckets_and_metrics_equal_their_sql(api: Api, admin: Any, bucket: str) -> None:
    found = api(
        PATH, bucket=bucket, by="status,event_type", metrics="count,min:magnitude,max:magnitude,sum:felt,avg:felt"
    )
    assert found["data"] == direct(
        admin,
        f"SELECT date_trunc('{bucket}', event_time) AS bucket, status, event_type, count(*) AS count, "
        'min(magnitude) AS "min:magnitude", max(magnitude) AS "max:magnitude", '
        'CAST(sum(felt) AS bigint) AS "sum:felt", '
        'avg(CAST(felt AS double precision)) AS "avg:felt" FROM core.earthquakes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
    )
    assert sum(row["count"] for row in found["data"]) == 240


def test_without_groups_there_is_one_row(api: Api) -> None:
    assert api(PATH)["data"] == [{"count": 240}]
    assert api(PATH, from_="2030-01-01", metrics="count,max:felt")["data"] == [{"count": 0, "max:felt": None}]


def test_groups_are_filtered_and_sorted_by_any_output(api: Api) -> None:
    found = api(PATH, by="place", metrics="sum:significance", sort="-sum:significance", status="reviewed")["data"]
    sums = [row["sum:significance"] for row in found]
    assert sums == sorted(sums, reverse=True)
    assert {row["place"] for row in found} == {"place 1", "place 3"}


def test_groups_past_the_limit_are_told(api: Api) -> None:
    cut = api(PATH, by="place", limit="3")
    assert (len(cut["data"]), cut["meta"]["truncated"]) == (3, True)
    whole = api(PATH, by="place", limit="4")
    assert (len(whole["data"]), whole["meta"]["truncated"]) == (4, False)


def test_decimals_keep_their_digits_and_dates_their_type(api: Api) -> None:
    found = api("/v1/datasets/readings/aggregate", bucket="month", metrics="sum:price,max:day,sum:limit")["data"]
    assert found == [{"bucket": "2018-01-01", "sum:price": "14814814681.20", "max:day": "2018-01-03", "sum:limit": 66}]
