"""Exports: every mistake in a body is named, nothing of a client's becomes SQL text, and each comes to an end."""

import datetime as dt
import json
from typing import Any

import pytest

from lambdas.common.errors import WarehouseBusy
from tests.api.conftest import Api
from tests.cloud import Cloud


def post(api: Api, body: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an export asked for."""
    text = body if isinstance(body, str) else json.dumps(body)
    found = api.send("POST", "/v1/exports", text.encode(), content_type="application/json")
    return found.status_code, json.loads(found.body)


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "1", "null", "[" * 50_000])
def test_what_is_no_object_is_400(api: Api, body: str) -> None:
    status, document = post(api, body)
    assert (status, document["status"]) == (400, 400)


def test_every_mistake_of_a_body_is_named(api: Api) -> None:
    body = {"dataset": "earthquakes", "format": "xlsx", "from": "yesterday", "felt": ["a"], "columns": ["x"],
            "limit": 5, "place": {"a": 1}, "status": None, "magnitude": float("nan")}  # fmt: skip
    status, document = post(api, body)
    assert status == 422
    expected = {"format", "from", "felt", "columns", "limit", "place", "status", "magnitude"}
    assert {mistake["parameter"] for mistake in document["errors"]} == expected
    status, document = post(api, {"dataset": "x"})
    assert (status, document["errors"][0]["parameter"]) == (422, "dataset")
    status, document = post(api, {"datset": "readings", "format": "xls", "price__gt": 3, "foo": 3})
    assert [mistake["parameter"] for mistake in document["errors"]] == ["dataset", "datset", "foo", "format"]
    assert "earthquakes" in document["errors"][0]["allowed"]


def test_restricted_columns_cannot_be_exported(api: Api) -> None:
    assert post(api, {"dataset": "readings", "columns": ["secret_note"]})[0] == 422
    assert post(api, {"dataset": "readings", "secret_note": "x"})[0] == 422


def test_other_media_types_are_415_and_long_bodies_413(api: Api) -> None:
    assert api.send("POST", "/v1/exports", b"a=1", content_type="text/plain").status_code == 415
    assert post(api, {"dataset": "earthquakes", "place": "x" * 200_000})[0] == 413


def test_without_a_bucket_it_is_503(inside: Api) -> None:
    status, document = post(inside, {"dataset": "earthquakes"})
    assert status == 503
    assert "LAKE_BUCKET" in document["detail"]


@pytest.mark.parametrize("name", ["x", "0" * 32, "..", "a" * 33])
def test_an_export_that_there_is_not_is_404(api: Api, name: str) -> None:
    assert api.raw(f"/v1/exports/{name}").status_code == 404


def test_the_text_of_unload_holds_nothing_of_a_client() -> None:
    from chalicelib.exports import unload

    assert unload("s3://b/exports/1/", "parquet", "default") == (
        "UNLOAD ('SELECT * FROM export_rows') TO 's3://b/exports/1/' IAM_ROLE default FORMAT AS PARQUET"
    )


def test_an_export_ends_as_failed_or_given_up_and_is_gone_when_its_time_is_over(catalogue: Any, cloud: Cloud) -> None:
    from chalicelib.answers import Asked
    from chalicelib.errors import ApiError
    from chalicelib.exports import Exports
    from chalicelib.storage import Storage

    def unreachable() -> Any:
        raise WarehouseBusy("no warehouse")

    storage = Storage(cloud.parameter("artifacts/bucket"), "default", lambda: cloud.client("s3"))
    began = now = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    exports = Exports(lambda: catalogue, unreachable, storage, lambda name: None, lambda: now)

    def state(name: str) -> Any:
        return json.loads(exports.get(name, Asked({})).body)["data"]["state"]

    body = json.dumps({"dataset": "readings", "format": "csv"})
    tried, left = (json.loads(exports.create(Asked({}, body=body)).body)["data"]["id"] for _ in range(2))
    with pytest.raises(WarehouseBusy):
        exports.run(tried)
    assert (state(tried), state(left)) == ("failed", "queued")
    now = began + dt.timedelta(hours=2)
    assert state(left) == "failed", "what was never run is not awaited for ever"
    now = began + dt.timedelta(days=7, seconds=-1)
    assert state(tried) == "failed"
    now = began + dt.timedelta(days=7)
    with pytest.raises(ApiError, match="no such export"):
        state(tried)
