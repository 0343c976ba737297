"""Answers as JSON, NDJSON and CSV, and what HTTP says of them: negotiation, tags, links, methods, origins."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.api.conftest import Api
from tests.api.gateway import PAGE

QUAKES = "/v1/datasets/earthquakes"
READINGS = "/v1/datasets/readings/records"
BY_GATEWAY = {"content-length", "date", "x-amz-request-id", "x-amzn-requestid"}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/csv", "text/csv"),
        ("application/json;q=0.2, text/csv;q=0.9", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("TEXT/CSV ; charset=utf-8", "text/csv"),
    ],
)
def test_accept_chooses_the_format(api: Api, accept: str, expected: str) -> None:
    found = api.send("GET", f"{QUAKES}/records?limit=1", accept=accept)
    assert found.status_code == 200
    assert found.headers["Content-Type"].partition(";")[0] == expected
    assert "Accept" in found.headers["Vary"]


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/xml", "x"])
def test_what_cannot_be_had_is_406_and_names_what_can(api: Api, accept: str) -> None:
    found = api.send("GET", f"{QUAKES}/records", accept=accept)
    assert found.status_code == 406
    assert "text/csv" in json.loads(found.body)["errors"][0]["allowed"]
    assert api.send("GET", f"{QUAKES}/records?format=csv&limit=1", accept=accept).status_code == 200


def test_all_formats_carry_the_same_rows(api: Api) -> None:
    rows = api(f"{QUAKES}/records", limit="1000")["data"]
    lines = api.raw(f"{QUAKES}/records", limit="1000", format="ndjson").body.decode().splitlines()
    assert [json.loads(line) for line in lines] == rows
    text = api.raw(f"{QUAKES}/records", limit="1000", format="csv").body.decode()
    assert text.count("\r\n") == text.count("\n") == 241
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(table[0]) == list(rows[0])
    assert [row["event_id"] for row in table] == [row["event_id"] for row in rows]
    assert [row["magnitude"] for row in table] == ["" if r["magnitude"] is None else str(r["magnitude"]) for r in rows]


def test_csv_tells_an_empty_text_from_no_value_and_quotes_what_it_must(api: Api, admin: Any) -> None:
    from lambdas.common.db.redshift import execute

    awkward = 'a "b", c\r\nd'
    execute(
        admin,
        "INSERT INTO core.readings (day, station, price, details, _raw_key, _raw_row) "
        "VALUES ('2017-01-01', %s, NULL, JSON_PARSE('{\"a\": \"x,y\"}'), 'r', 1), "
        "('2017-01-01', '', 1.50, NULL, 'r', 2)",
        (awkward,),
    )
    admin.commit()
    try:
        body = api.raw(READINGS, to="2017-02-01", format="csv", columns="station,price,details").body.decode()
    finally:
        execute(admin, "DELETE FROM core.readings WHERE day = '2017-01-01'")
        admin.commit()
    assert body == ('station,price,details\r\n"a ""b"", c\r\nd",,"{""a"":""x,y""}"\r\n"",1.50,\r\n')


def test_formats_without_a_place_for_meta_carry_it_in_a_header(api: Api) -> None:
    found = api.raw(f"{QUAKES}/aggregate", by="place", limit="3", format="csv")
    told = json.loads(found.headers["X-Meta"])
    assert told["truncated"] is True
    assert told == api(f"{QUAKES}/aggregate", by="place", limit="3")["meta"]


def test_the_link_leads_to_the_next_page_with_the_same_parameters(api: Api) -> None:
    found = api.raw(f"{QUAKES}/records", ("place", "place 1"), ("place", "place 2"), limit="5", format="csv")
    link = found.headers["Link"]
    assert link.startswith("<?")
    assert link.endswith('>; rel="next"')
    query = parse_qs(link[2 : link.index(">")])
    assert query["place"] == ["place 1", "place 2"]
    following = api(f"{QUAKES}/records", *[(n, v) for n, values in query.items() for v in values if n != "format"])
    whole = api(f"{QUAKES}/records", ("place", "place 1"), ("place", "place 2"), limit="10")["data"]
    assert following["data"] == whole[5:]
    assert "Link" not in api.raw(f"{QUAKES}/records", limit="1000").headers


class Counted:
    """A warehouse that remembers what it was asked."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse
        self.statements: list[str] = []

    def read(self, work: Callable[[Any], Any]) -> Any:
        counted = self

        class Snapshot:
            def __init__(self, snapshot: Any) -> None:
                self.snapshot = snapshot

            def rows(self, statement: Any) -> Any:
                counted.statements.append(statement.sql)
                return self.snapshot.rows(statement)

        return self.warehouse.read(lambda snapshot: work(Snapshot(snapshot)))


@pytest.mark.parametrize(
    "path", ["records?limit=2", "aggregate?by=place", "stats", "values/place", "days", "records?format=csv"]
)
def test_what_has_not_changed_is_304_after_one_small_statement(
    make_api: Callable[[Any], Api], warehouse: Any, path: str
) -> None:
    counted = Counted(warehouse)
    api = make_api(counted)
    first = api.send("GET", f"{QUAKES}/{path}")
    counted.statements.clear()
    again = api.send("GET", f"{QUAKES}/{path}", if_none_match=f'"other", {first.headers["ETag"]}')
    assert (again.status_code, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    (asked,) = counted.statements
    assert "core.earthquakes" not in asked.replace('"', "")


def test_a_tag_is_another_after_a_load_and_for_another_query(api: Api, admin: Any) -> None:
    from lambdas.common.db.redshift import execute

    tags = {api.raw(f"{QUAKES}/records", limit=limit).headers["ETag"] for limit in ("1", "2")}
    tags.add(api.raw(f"{QUAKES}/records", limit="1", format="csv").headers["ETag"])
    assert len(tags) == 3
    execute(admin, "UPDATE ops.generation SET generation = 5 WHERE source = 'earthquakes'")
    admin.commit()
    try:
        for tag in tags:
            found = api.send("GET", f"{QUAKES}/records?limit=1", if_none_match=tag)
            assert found.status_code == 200
    finally:
        execute(admin, "UPDATE ops.generation SET generation = 4 WHERE source = 'earthquakes'")
        admin.commit()


def test_head_is_get_without_its_body(api: Api) -> None:
    for path in (f"{QUAKES}/records?limit=1", "/v1/health", "/v1/datasets", "/v1/loads"):
        got, head = api.send("GET", path), api.send("HEAD", path)
        assert (head.status_code, head.body) == (200, b""), path
        assert by_the_api(head.headers) == by_the_api(got.headers)
        assert by_the_api(got.headers)["Content-Type"] == "application/json"


def by_the_api(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers without those that a gateway adds to each answer."""
    return {name: value for name, value in headers.items() if name.lower() not in BY_GATEWAY}


@pytest.mark.long
def test_a_browser_s_question_before_the_request_passes_the_gateway_without_a_key(gateway_api: Api) -> None:
    path = f"{QUAKES}/records"
    asked = gateway_api.send("OPTIONS", path, origin=PAGE, access_control_request_method="GET", x_api_key="")
    assert (asked.status_code, asked.body) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == PAGE
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "x-api-key" in asked.headers["Access-Control-Allow-Headers"]
    assert "POST" in gateway_api.send("OPTIONS", "/v1/exports", origin=PAGE).headers["Access-Control-Allow-Methods"]
    for query in ("limit=1", "limit=0"):
        found = gateway_api.send("GET", f"{path}?{query}", origin=PAGE)
        assert found.headers["Access-Control-Allow-Origin"] == PAGE, "an error can be read too"
        assert "ETag" in found.headers["Access-Control-Expose-Headers"]
        assert found.headers["Vary"] == "Accept, Origin"
    for method in ("OPTIONS", "GET"):
        foreign = gateway_api.send(method, path, origin="https://evil.example")
        assert not {name for name in foreign.headers if name.lower().startswith("access-control-")}


@pytest.mark.long
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_no_method_that_a_path_does_not_take_passes_the_gateway(gateway_api: Api, method: str) -> None:
    found = gateway_api.send(method, f"{QUAKES}/records")
    assert (found.status_code, found.headers["Content-Type"]) == (404, "application/problem+json")
    assert b"data" not in found.body


def test_other_origins_read_only_where_they_are_named(inside: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE
    assert "Access-Control-Allow-Origin" not in inside.send("GET", "/v1/health", origin=page).headers
    monkeypatch.setenv("CORS_ORIGINS", f"https://other.example, {page}")
    asked = inside.send("OPTIONS", f"{QUAKES}/records", origin=page)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, page)
    assert "x-api-key" in asked.headers["Access-Control-Allow-Headers"]
    for path in ("/v1/health", f"{QUAKES}/records?limit=0"):
        found = inside.send("GET", path, origin=page)
        assert found.headers["Access-Control-Allow-Origin"] == page, "an error can be read too"
    for other in ({"origin": "https://evil.example"}, {}):
        found = inside.send("GET", "/v1/health", **other)
        assert "Access-Control-Allow-Origin" not in found.headers
        assert found.headers["Vary"] == "Accept, Origin", "a cache gives no one the answer to another origin"
    asked = inside.send("OPTIONS", f"{QUAKES}/records", origin="https://evil.example")
    assert "Access-Control-Allow-Methods" not in asked.headers
    monkeypatch.setenv("CORS_ORIGINS", "*")
    assert inside.send("GET", "/v1/health", origin="https://any.example").headers["Access-Control-Allow-Origin"] == "*"
