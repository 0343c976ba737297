"""Limits at their edges: rows, groups, values, range and bytes. What is cut is told, what cannot be sent is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.db.redshift import execute
from tests.api.conftest import Api

QUAKES = "/v1/datasets/earthquakes"
# One more than the most rows and groups, all of another year than the other tests' rows.
ROWS = 10_001
YEAR = {"from_": "2019-01-01", "to": "2020-01-01"}
# What Lambda hands on at most, of an answer as JSON.
LAMBDA_BYTES = 6_291_556


@pytest.fixture(scope="module", autouse=True)
def many(admin: Any) -> Iterator[None]:
    """That many rows, each with a place of its own that needs escaping."""
    digits = "SELECT n FROM (" + " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10)) + ") AS digits"
    crossed = ", ".join(f"({digits}) AS {name}" for name in "abcde")
    number = "a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n"
    execute(
        admin,
        "INSERT INTO core.earthquakes (event_id, event_time, updated_at, longitude, latitude, status, place) "
        f"SELECT 'many' || ({number}), DATEADD(second, {number}, TIMESTAMP '2019-01-01'), TIMESTAMP '2019-01-01', "
        f"1, 1, 'many', REPEAT('\"', 200) || ({number}) FROM {crossed} WHERE {number} < {ROWS}",
    )
    admin.commit()
    yield
    execute(admin, "DELETE FROM core.earthquakes WHERE status = 'many'")
    admin.commit()


def test_rows_end_at_the_limit_and_the_next_page_has_the_rest(api: Api) -> None:
    first = api(f"{QUAKES}/records", limit="10000", columns="event_id", count="exact", **YEAR)
    assert (len(first["data"]), first["meta"]["count"], first["meta"]["truncated"]) == (10_000, ROWS, False)
    rest = api(
        f"{QUAKES}/records", limit="10000", columns="event_id", count="exact", cursor=first["meta"]["next"], **YEAR
    )
    assert (len(rest["data"]), rest["meta"]["next"]) == (1, None)


def test_groups_and_values_end_at_the_limit_and_say_so(api: Api) -> None:
    cut = api(f"{QUAKES}/aggregate", by="event_id", **YEAR)
    assert (len(cut["data"]), cut["meta"]["truncated"]) == (10_000, True)
    whole = api(f"{QUAKES}/aggregate", by="event_id", event_id__ne="many0", **YEAR)
    assert (len(whole["data"]), whole["meta"]["truncated"]) == (10_000, False)
    values = api(f"{QUAKES}/values/event_id", limit="1000", **YEAR)
    assert (len(values["data"]), values["meta"]["truncated"]) == (1_000, True)


@pytest.mark.parametrize(
    ("bucket", "longest", "longer"),
    [
        ("hour", "2019-02-21T16:00", "2019-02-21T16:01"),
        ("day", "2045-05-19", "2045-05-20"),
        ("week", "2209-08-28", "2209-08-29"),
    ],
)
def test_a_range_has_no_more_buckets_than_an_answer_has_groups(
    api: Api, bucket: str, longest: str, longer: str
) -> None:
    path = f"{QUAKES}/aggregate"
    assert api(path, bucket=bucket, from_="2018-01-01", to=longest)["data"]
    assert set(api.refused(path, bucket=bucket, from_="2018-01-01", to=longer)) == {"bucket"}
    assert api(path, bucket="month", from_="0001-01-01", to="9999-12-31")["data"]


def size_for_lambda(found: Any) -> int:
    """Bytes of an answer as the function hands it to Lambda."""
    return len(json.dumps({"statusCode": 200, "headers": dict(found.headers), "body": found.body.decode()}))


@pytest.mark.long
@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
def test_the_largest_answer_is_one_that_lambda_hands_on(api: Api, form: str) -> None:
    """Between a limit that passes and the next that does not lies the edge."""

    def asked(limit: int) -> Any:
        return api.raw(f"{QUAKES}/records", limit=str(limit), format=form, **YEAR)

    fitting = int(LAMBDA_BYTES / (size_for_lambda(asked(1_000)) / 1_000))
    passes, refused = fitting - 100, fitting + 100
    while refused - passes > 1:
        middle = (passes + refused) // 2
        passes, refused = (middle, refused) if asked(middle).status_code == 200 else (passes, middle)
    largest, too_large = asked(passes), asked(refused)
    size = size_for_lambda(largest)
    row = size / passes
    assert LAMBDA_BYTES - 25_000 - row < size <= LAMBDA_BYTES
    assert too_large.status_code == 413
    assert [mistake["parameter"] for mistake in json.loads(too_large.body)["errors"]] == ["limit"]
