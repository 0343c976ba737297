"""What is wrong with the `rest_api` of a defs.yaml, before dlt sees it: kinds of login and of pages, and their keys.

The tables say what dlt takes; tests/ingest/test_rest_kinds.py holds them against dlt itself, which this package
does not import.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lambdas.common.contract.places import Path, hint

CLIENT = ("base_url", "headers", "auth", "paginator")
RESOURCE = ("name", "endpoint", "include_from_parent", "selected", "parallelized")
# what dlt would tell its own destination; here nobody reads it
HINTS = ("write_disposition", "primary_key", "merge_key", "table_name", "table_format", "columns", "schema_contract")
ENDPOINT = (
    "path", "method", "params", "headers", "json", "data", "data_selector", "paginator", "response_actions",
    "incremental", "auth",
)  # fmt: skip
METHODS = ("GET", "POST")
# by kind: the keys that it takes, and those that it cannot do without
AUTH = {
    "bearer": (("token",), ("token",)),
    "api_key": (("name", "api_key", "location"), ("api_key",)),
    "http_basic": (("username", "password"), ("username", "password")),
    "oauth2_client_credentials": (
        ("access_token_url", "client_id", "client_secret", "access_token_request_data", "default_token_expiration",
         "access_token"),
        ("access_token_url", "client_id", "client_secret"),
    ),
}  # fmt: skip
NUMBERED = ("total_path", "stop_after_empty_page", "has_more_path")
PAGINATORS = {
    "auto": ((), ()),
    "single_page": ((), ()),
    "json_link": (("next_url_path",), ()),
    "json_response": (("next_url_path",), ()),
    "header_link": (("links_next_key",), ()),
    "header_cursor": (("cursor_key", "cursor_param"), ()),
    "cursor": (("cursor_path", "cursor_param", "cursor_body_path", "stop_after_empty_page", "has_more_path"), ()),
    "offset": (
        ("limit", "offset", "offset_param", "offset_body_path", "limit_param", "limit_body_path", "maximum_offset",
         *NUMBERED),
        ("limit",),
    ),
    "page_number": (("base_page", "page", "page_param", "page_body_path", "maximum_page", *NUMBERED), ()),
}  # fmt: skip
Kinds = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
Found = Iterator[tuple[Path, str]]


def find_rest_mistakes(path: Path, config: Mapping[str, Any]) -> Found:
    """Each mistake of the `rest_api` block that stands at `path`, with its own path in the document."""
    yield from _client((*path, "client"), config.get("client"))
    resources = config.get("resources")
    if not isinstance(resources, list) or not resources:
        yield path, "rest_api needs resources, a list, with one named like the source"
        return
    for number, resource in enumerate(resources):
        yield from _resource((*path, "resources", number), resource, needs_name=True)
    if config.get("resource_defaults") is not None:
        yield from _resource((*path, "resource_defaults"), config["resource_defaults"], needs_name=False)


def find_unknown(
    path: Path,
    given: Mapping[str, Any],
    known: Iterable[str],
    what: str = "keys",
    elsewhere: Mapping[str, str] | None = None,
) -> Found:
    """The keys of a mapping that mean nothing, each with what is meant perhaps; `elsewhere` says where some belong."""
    allowed = list(known)
    for key in given:
        if key not in allowed:
            place = (elsewhere or {}).get(key)
            told = f"; it stands under {place}" if place else hint(str(key), allowed)
            yield (*path, key), f"unknown {what} {key!r}{told}"


def _client(path: Path, client: Any) -> Found:
    if not isinstance(client, Mapping):
        yield path, f"client must be a mapping of {', '.join(CLIENT)}; base_url at least"
        return
    yield from find_unknown(path, client, CLIENT)
    url = client.get("base_url")
    if not isinstance(url, str) or not url:
        yield (*path, "base_url") if "base_url" in client else path, "client needs base_url, as in https://host/v1/"
    elif not url.startswith(("http://", "https://", "{")):
        yield (*path, "base_url"), f"base_url is {url!r}; it must begin with https:// or http://, or with a token"
    yield from _kinds(path, client)


def _resource(path: Path, resource: Any, *, needs_name: bool) -> Found:
    if isinstance(resource, str) and needs_name:
        return
    if not isinstance(resource, Mapping):
        yield path, f"a resource must be a mapping of {', '.join(RESOURCE)}"
        return
    for key in (key for key in resource if key in HINTS):
        yield (*path, key), f"{key} means nothing here: key, types and columns are the contract's; take it out"
    yield from find_unknown(path, resource, (*RESOURCE, *HINTS))
    if needs_name and not isinstance(resource.get("name"), str):
        yield path, "a resource needs a name"
    endpoint = resource.get("endpoint")
    if isinstance(endpoint, Mapping):
        inner = (*path, "endpoint")
        yield from find_unknown(inner, endpoint, ENDPOINT)
        yield from _kinds(inner, endpoint)
        method = endpoint.get("method", "GET")
        if str(method).upper() not in METHODS:
            yield (*inner, "method"), f"method is {method!r}; allowed are {', '.join(METHODS)}"
        if not isinstance(endpoint.get("params") or {}, Mapping):
            yield (*inner, "params"), "params must be a mapping of names and values"


def _kinds(path: Path, holder: Mapping[str, Any]) -> Found:
    """What is wrong with `auth` and `paginator` of a client or of an endpoint."""
    auth = holder.get("auth")
    if auth is not None and not isinstance(auth, Mapping):
        yield (*path, "auth"), f"auth must be a mapping with type: {', '.join(AUTH)}"
    elif auth is not None:
        yield from _kind((*path, "auth"), auth, AUTH, "bearer")
        if auth.get("location", "header") not in ("header", "query", "param"):
            text = f"location is {auth['location']!r}; it must be header or query; a cookie goes into headers"
            yield (*path, "auth", "location"), text
    paginator = holder.get("paginator")
    if isinstance(paginator, str):
        yield from _kind((*path, "paginator"), {"type": paginator}, PAGINATORS, "auto")
    elif isinstance(paginator, Mapping):
        yield from _kind((*path, "paginator"), paginator, PAGINATORS, "auto")
    elif paginator is not None:
        yield (*path, "paginator"), f"paginator must be a mapping with type: {', '.join(PAGINATORS)}"


def _kind(path: Path, given: Mapping[str, Any], kinds: Kinds, default: str) -> Found:
    kind = given.get("type", default)
    if kind not in kinds:
        yield (*path, "type"), f"type is {kind!r}{hint(str(kind), kinds)}"
        return
    known, needed = kinds[str(kind)]
    yield from find_unknown(path, given, ("type", *known), f"keys of {kind}")
    for name in needed:
        if name not in given or given[name] in (None, ""):
            yield path, f"{kind} needs {name}"
