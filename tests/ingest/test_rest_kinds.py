"""Every kind of login and of pages that dlt's rest_api has, against an API on loopback that insists on it."""

import base64
import dataclasses
import inspect
import time
import typing

import pytest

from lambdas.common.contract.declared_rest import AUTH, ENDPOINT, PAGINATORS, find_rest_mistakes
from lambdas.common.errors import SourceError, SourceUnavailable

DAY = ("2024-01-01", "2024-01-02")
ROWS = [{"id": n, "at": "2024-01-01T00:00:00Z", "name": f"row {n}"} for n in range(5)]
SIZE = 2


def rest(api, *, auth=None, paginator="single_page", params=None, **endpoint):
    """The extract block of an API with that login and these pages; it passes the check."""
    client = {"base_url": api.url} | ({"auth": auth} if auth else {})
    found = {"path": "things", "params": {"from": "{start}", **(params or {})}, "data_selector": "items", **endpoint}
    config = {"client": client, "resources": [{"name": "things", "endpoint": {**found, "paginator": paginator}}]}
    assert list(find_rest_mistakes((), config)) == []
    return {"attempts": 1, "rest_api": config}


def secret(bench, value):
    """A token of a secret that holds the value."""
    bench.secrets.create_secret(Name=f"{bench.bucket}/key", SecretString=value)
    return f"{{secret:{bench.bucket}/key}}"


BASIC = base64.b64encode(b"me:hunter2/+").decode()
LOGINS = [
    ({"type": "bearer", "token": "KEY"}, "headers", "Authorization", "Bearer hunter2/+"),
    pytest.param({"token": "KEY"}, "headers", "Authorization", "Bearer hunter2/+", marks=pytest.mark.long),
    pytest.param(
        {"type": "api_key", "name": "X-Key", "api_key": "KEY"}, "headers", "X-Key", "hunter2/+", marks=pytest.mark.long
    ),
    ({"type": "api_key", "name": "X-Key", "api_key": "KEY", "location": "header"}, "headers", "X-Key", "hunter2/+"),
    ({"type": "api_key", "name": "apikey", "api_key": "KEY", "location": "query"}, "asked", "apikey", "hunter2/+"),
    ({"type": "api_key", "name": "apikey", "api_key": "KEY", "location": "param"}, "asked", "apikey", "hunter2/+"),
    ({"type": "http_basic", "username": "me", "password": "KEY"}, "headers", "Authorization", f"Basic {BASIC}"),
]


@pytest.mark.parametrize(("auth", "where", "name", "value"), LOGINS, ids=lambda item: str(item)[:60])
@pytest.mark.parametrize("right", [True, pytest.param(False, marks=pytest.mark.long)])
def test_login_is_sent_as_its_kind_wants_and_never_shown(bench, api, auth, where, name, value, right):
    key = secret(bench, "hunter2/+" if right else "swordfish/+")

    def answer(_path, _asked, _number):
        given = getattr(api, where)[-1].get(name)
        return (200, {"items": ROWS}) if given == value else (401, f"no entry with {given}".encode())

    api.answer = answer
    extract = rest(api, auth={name: key if value == "KEY" else value for name, value in auth.items()})
    if right:
        assert bench.ingest(extract, *DAY)["rows"] == 5
        return
    with pytest.raises(SourceError, match="answered 401: no entry with") as caught:
        bench.ingest(extract, *DAY)
    assert "swordfish" not in str(caught.value)
    assert base64.b64encode(b"me:swordfish/+").decode() not in str(caught.value)


def oauth(api, bench, given="hunter2/+"):
    """The login by client credentials, and an API whose token lasts for one page."""
    tokens = []

    def answer(path, asked, _number):
        if path == "/token":
            if asked != {
                "client_id": "me",
                "client_secret": "hunter2/+",
                "grant_type": "client_credentials",
                "aud": "x",
            }:
                return 403, f"unknown client {asked}".encode()
            tokens.append(f"token-{len(tokens)}-abcdef")
            return 200, {"access_token": tokens[-1], "expires_in": 0}
        if api.headers[-1].get("Authorization") != f"Bearer {tokens[-1]}":
            return 401, "no"
        offset = int(asked["offset"])
        return 200, {"items": ROWS[offset : offset + SIZE], "total": len(ROWS)}

    api.answer = answer
    return {
        "type": "oauth2_client_credentials", "access_token_url": f"{api.url}token", "client_id": "me",
        "client_secret": secret(bench, given), "access_token_request_data": {"aud": "x"},
    }  # fmt: skip


def test_a_token_is_fetched_with_the_clients_secret_and_anew_when_it_is_over(bench, api):
    extract = rest(api, auth=oauth(api, bench), paginator={"type": "offset", "limit": SIZE})
    assert bench.ingest(extract, *DAY)["rows"] == 5
    assert len([path for path in api.paths if path == "/token"]) == 3


def test_a_token_that_is_refused_is_told_without_the_secret(bench, api):
    extract = rest(api, auth=oauth(api, bench, "swordfish/+"), paginator={"type": "offset", "limit": SIZE})
    with pytest.raises(SourceError, match="403") as caught:
        bench.ingest(extract, *DAY)
    assert "swordfish" not in str(caught.value)
    assert "/token" in str(caught.value)


@pytest.mark.long
def test_a_token_server_that_is_down_for_a_moment_is_asked_again(bench, api):
    auth = oauth(api, bench)
    answer, failed = api.answer, []

    def shaky(path, asked, number):
        if path == "/token" and not failed:
            failed.append(True)
            return 503, "one moment", {"Retry-After": "0"}
        return answer(path, asked, number)

    api.answer = shaky
    extract = rest(api, auth=auth, paginator={"type": "offset", "limit": SIZE}) | {"attempts": 3}
    assert bench.ingest(extract, *DAY)["rows"] == 5


@pytest.mark.parametrize("place", ["client", pytest.param("endpoint", marks=pytest.mark.long)])
def test_a_token_server_that_says_nothing_is_given_up_on_as_a_source_is(bench, api, place):
    auth, asked = oauth(api, bench), []
    api.answer = lambda path, *_: asked.append(path) or time.sleep(1) or (200, {})
    where = {"auth": auth} if place == "client" else {}
    extract = rest(api, **where, paginator={"type": "offset", "limit": SIZE}) | {"timeout": 0.2, "attempts": 2}
    if place == "endpoint":
        extract["rest_api"]["resources"][0]["endpoint"]["auth"] = auth
    with pytest.raises(SourceUnavailable, match="no answer"):
        bench.ingest(extract, *DAY)
    assert asked == ["/token", "/token"]


def test_tokens_are_no_pages(bench, api):
    extract = rest(api, auth=oauth(api, bench), paginator={"type": "offset", "limit": SIZE}) | {"max_pages": 3}
    assert bench.ingest(extract, *DAY)["rows"] == 5


def page(place):
    """The page at that place of the rows, and whether others follow."""
    return ROWS[place : place + SIZE], place + SIZE < len(ROWS)


def by_json_link(api, _path, asked, _number):
    items, more = page(int(asked.get("place", 0)))
    following = f"{api.url}things?from={asked['from']}&place={int(asked.get('place', 0)) + SIZE}"
    return 200, {"items": items, "links": {"next": following if more else None}}


def by_header_link(api, _path, asked, _number):
    items, more = page(int(asked.get("place", 0)))
    link = f'<{api.url}things?from={asked["from"]}&place={int(asked.get("place", 0)) + SIZE}>; rel="next"'
    return 200, {"items": items}, {"Link": link} if more else {}


def by_header_cursor(_api, _path, asked, _number):
    items, more = page(int(asked.get("after", 0)))
    return 200, {"items": items}, {"X-Next": str(int(asked.get("after", 0)) + SIZE)} if more else {}


def by_cursor(_api, _path, asked, _number):
    place = int(asked.get("after", 0))
    items, more = page(place)
    return 200, {"items": items, "meta": {"next": str(place + SIZE) if more else None, "more": more}}


def by_offset(_api, _path, asked, _number):
    assert asked["limit"] == str(SIZE)
    items, more = page(int(asked["offset"]))
    return 200, {"items": items, "total": len(ROWS), "more": more}


def by_number(_api, _path, asked, _number):
    place = (int(asked["page"]) - 1) * SIZE
    items, more = page(place)
    return 200, {"items": items, "pages": 3, "more": more}


def all_at_once(_api, _path, _asked, _number):
    return 200, {"items": ROWS}


# each kind once is quick; its other options are read in the long tests
ALSO = pytest.mark.long
OFFSET = {"type": "offset", "limit": SIZE}
NUMBER = {"type": "page_number", "base_page": 1}
PAGES = [
    # the paginator, the API, and how many requests it takes
    ({"type": "json_link", "next_url_path": "links.next"}, by_json_link, 3),
    pytest.param({"type": "json_response", "next_url_path": "links.next"}, by_json_link, 3, marks=ALSO),
    ({"type": "header_link"}, by_header_link, 3),
    pytest.param("header_link", by_header_link, 3, marks=ALSO),
    ({"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "after"}, by_header_cursor, 3),
    ({"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after"}, by_cursor, 3),
    pytest.param(
        {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "after", "has_more_path": "meta.more"},
        by_cursor,
        3,
        marks=ALSO,
    ),
    (OFFSET, by_offset, 3),
    pytest.param({**OFFSET, "total_path": None}, by_offset, 4, marks=ALSO),
    pytest.param({**OFFSET, "total_path": None, "has_more_path": "more"}, by_offset, 3, marks=ALSO),
    pytest.param({**OFFSET, "total_path": None, "maximum_offset": 6}, by_offset, 3, marks=ALSO),
    ({**NUMBER, "total_path": "pages"}, by_number, 3),
    pytest.param({**NUMBER, "total_path": None}, by_number, 4, marks=ALSO),
    pytest.param({**NUMBER, "total_path": None, "has_more_path": "more"}, by_number, 3, marks=ALSO),
    pytest.param({**NUMBER, "total_path": None, "maximum_page": 4}, by_number, 3, marks=ALSO),
    ({"type": "single_page"}, all_at_once, 1),
    pytest.param("single_page", all_at_once, 1, marks=ALSO),
    ("auto", by_json_link, 3),
    pytest.param({"type": "auto"}, by_header_link, 3, marks=ALSO),
    pytest.param("auto", all_at_once, 1, marks=ALSO),
]


@pytest.mark.parametrize(
    ("paginator", "answer", "requests"), PAGES, ids=lambda item: getattr(item, "__name__", str(item))
)
def test_all_pages_are_fetched_once(bench, api, paginator, answer, requests):
    api.answer = lambda *asked: answer(api, *asked)
    assert bench.ingest(rest(api, paginator=paginator), *DAY)["rows"] == 5
    assert [row["id"] for row in bench.rows("2024-01-01")] == [0, 1, 2, 3, 4]
    assert len(api.asked) == requests
    assert {asked["from"] for asked in api.asked} == {"2024-01-01T00:00:00Z"}


def test_pages_of_a_query_in_the_body_of_a_post(bench, api):
    def answer(_path, asked, _number):
        items, more = page(int(asked.get("query", {}).get("after", 0)))
        place = int(asked["query"].get("after", 0))
        return 200, {"items": items, "next": place + SIZE if more else None}

    api.answer = answer
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_body_path": "query.after"}
    body = {"query": {"since": "{start}"}}
    extract = rest(api, paginator=paginator, method="POST", json=body)
    assert bench.ingest(extract, *DAY)["rows"] == 5
    assert {asked["query"]["since"] for asked in api.asked} == {"2024-01-01T00:00:00Z"}


def test_a_resource_may_be_asked_for_each_row_of_another(bench, api):
    def answer(path, _asked, _number):
        if path == "/groups":
            return 200, [{"code": "a"}, {"code": "b"}]
        return 200, {"items": [{**ROWS[0], "name": path}]}

    api.answer = answer
    extract = rest(api)
    resources = extract["rest_api"]["resources"]
    resources[0]["endpoint"] |= {"path": "groups/{group}/things"}
    resources[0]["endpoint"]["params"]["group"] = {"type": "resolve", "resource": "groups", "field": "code"}
    resources.append({"name": "groups", "endpoint": {"path": "groups", "paginator": "single_page"}})
    assert bench.ingest(extract, *DAY)["rows"] == 2
    assert sorted(row["name"] for row in bench.rows("2024-01-01")) == ["/groups/a/things", "/groups/b/things"]


def test_the_check_knows_what_dlt_knows():
    from dlt.sources.rest_api import config_setup
    from dlt.sources.rest_api import typing as declared

    assert set(PAGINATORS) == set(config_setup.PAGINATOR_MAP)
    assert set(AUTH) == set(config_setup.AUTH_MAP)
    for kind, found in config_setup.PAGINATOR_MAP.items():
        known = set(inspect.signature(found.__init__).parameters) - {"self", "args", "kwargs"} if found else set()
        assert set(PAGINATORS[kind][0]) == known
    for kind, found in config_setup.AUTH_MAP.items():
        fields = {field.name for field in dataclasses.fields(found) if field.init} - {"session"}
        assert fields - set(AUTH[kind][0]) == set()
        assert set(AUTH[kind][1]) <= set(AUTH[kind][0]) <= fields
    assert set(ENDPOINT) == set(typing.get_type_hints(declared.Endpoint))
