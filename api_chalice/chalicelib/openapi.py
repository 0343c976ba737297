"""The OpenAPI 3.1 document, made from the contracts: what it says of a dataset is what the API does with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .openapi_described import DESCRIBED, described_response, export_body, export_schemas
from .openapi_parts import (
    BY_GATEWAY,
    PROBLEM_RESPONSES,
    SCHEMAS,
    column_schema,
    filter_parameters,
    names,
    parameter,
    reference,
    table_response,
)
from .parameters import DEFAULT_ROWS, DEFAULT_VALUES, MOST_GROUPS, MOST_ROWS, MOST_VALUES, buckets_of, metrics_of
from .reader import FORMATS, OWN
from .schemas import Catalogue, Dataset

Document = dict[str, Any]
KEY = {"type": "apiKey", "in": "header", "name": "x-api-key"}
# What may guard the API beside the key; see `routes.authorizer_of`.
GUARDS: dict[str, Document] = {
    "sigv4": {"type": "apiKey", "in": "header", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"},
    "users": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
ABOUT = """Rows, groups, statistics and the state of every dataset. Days are UTC; `from` belongs to the range, `to` does
not. Filters are `column=value` (repeated: any of them) and `column__gt`, `__gte`, `__lt`, `__lte`, `__ne`, `__like`,
`__ilike`, `__null`. A mistake is answered by all mistakes of the request at once. Every GET may be a HEAD."""


def make_document(catalogue: Catalogue, guard: str = "") -> Document:
    """The document as plain values; `guard` names one of GUARDS."""
    datasets = list(catalogue.datasets.values())
    everything = [*datasets, catalogue.loads]
    parameters = {key: value for dataset in everything for key, value in filter_parameters(dataset)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "AWS Data Analytics", "version": "1.0.0", "description": ABOUT},
        # relative to the place of this document: whatever stands before the path
        "servers": [{"url": "."}],
        "security": [{"key": [], guard: []} if guard else {"key": []}],
        "tags": [{"name": d.name, "description": d.contract.description or d.contract.title} for d in everything],
        "paths": _fixed(catalogue) | {p: o for dataset in datasets for p, o in _paths(dataset, catalogue)},
        "components": {
            "securitySchemes": {"key": KEY, **({guard: GUARDS[guard]} if guard else {})},
            "schemas": SCHEMAS
            | DESCRIBED
            | {f"{d.name}.row": _row(d) for d in everything}
            | {name: schema for d in datasets for name, schema in export_schemas(d)},
            "parameters": parameters,
            "responses": PROBLEM_RESPONSES,
        },
    }


def _fixed(catalogue: Catalogue) -> Document:
    """Paths that are the same whatever the datasets."""
    listed = described_response({"type": "array", "items": reference("schemas", "dataset")}, "catalogue")
    running = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    health = _operation("health", "Whether the API runs", [], _json(running), (), "service")
    return {
        "/v1/health": {"get": health["get"] | {"security": []}},
        "/v1/datasets": _operation(
            "datasets", "All datasets, their columns and freshness", [], listed, _READING, "service"
        ),
        "/v1/loads": _operation(
            "loads", "The ledger: one row a raw object and load", _own(catalogue.loads, "records", None),
            table_response(reference("schemas", "loads.row")), _ROWS, "loads",
        ),
        "/v1/exports": {"post": _export(catalogue)},
        "/v1/exports/{export}": _operation(
            "export", "How far an export is, and its files", [_EXPORT], _export_answer(200), (503,), "exports"
        ),
    }  # fmt: skip


# What can go wrong beside what the gateway says: where the warehouse is asked, and where rows are answered.
_READING = (503,)
_ROWS = (*_READING, 406)
_EXPORT = parameter("export", {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "The id of an export.", where="path")


def _export(catalogue: Catalogue) -> Document:
    """The operation that starts an export."""
    problems = {str(status): reference("responses", str(status)) for status in sorted({*BY_GATEWAY, 422, 503})}
    return {
        "operationId": "exports", "summary": "Start writing all rows of a query to files", "tags": ["exports"],
        "requestBody": export_body(list(catalogue.datasets.values())),
        "responses": {"202": _export_answer(202), **problems},
    }  # fmt: skip


def _export_answer(status: int) -> Document:
    found = described_response(reference("schemas", "export"), "meta" if status == 200 else None)
    seconds = {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}}
    location = {"description": "Where to ask for it.", "schema": {"type": "string"}}
    found["headers"] = {"Retry-After": seconds, **({"Location": location} if status == 202 else {})}
    return found


def _paths(dataset: Dataset, catalogue: Catalogue) -> Iterable[tuple[str, Document]]:
    """The paths of one dataset."""
    source = catalogue.sources.get(dataset.name)
    since = source.start.isoformat() if source else None
    base, name = f"/v1/datasets/{dataset.name}", dataset.name

    def operation(endpoint: str, summary: str, row: Document, *more: Document) -> Document:
        listed = [*more, *_own(dataset, endpoint, since)]
        return _operation(f"{name}.{endpoint}", summary, listed, table_response(row), _ROWS, name)

    one = described_response(reference("schemas", "dataset"), "meta")
    yield base, _operation(name, f"What {name} is", [], one, _READING, name)
    yield f"{base}/records", operation("records", "Rows, a page at a time", reference("schemas", f"{name}.row"))
    yield f"{base}/aggregate", operation("aggregate", "Groups and their metrics", reference("schemas", "group"))
    yield f"{base}/stats", operation("stats", "Statistics of columns", reference("schemas", "statistic"))
    yield f"{base}/days", operation("days", "The state of every day", reference("schemas", "day"))
    column = parameter("column", names(_groupable(dataset)), "A column.", where="path")
    values = operation("values", "The most frequent values of a column", reference("schemas", "value"), column)
    yield f"{base}/values/{{column}}", values


def _operation(
    name: str, summary: str, parameters: Sequence[Document], answer: Document, problems: Iterable[int], tag: str
) -> Document:
    responses = {"200": answer}
    if "content" in answer and len(answer["content"]) > 1:
        responses["304"] = {"description": "What the client has (If-None-Match) is still right."}
    responses |= {str(status): reference("responses", str(status)) for status in {*BY_GATEWAY, *problems}}
    return {
        "get": {
            "operationId": name, "summary": summary, "tags": [tag], "parameters": list(parameters),
            "responses": dict(sorted(responses.items())),
        }
    }  # fmt: skip


def _own(dataset: Dataset, endpoint: str, since: str | None) -> list[Document]:
    """The parameters of an endpoint, its filters behind its own."""
    made = {
        "from": parameter("from", reference("schemas", "moment"), "Where the range begins, included.", example=since),
        "to": parameter("to", reference("schemas", "moment"), "Where the range ends, excluded."),
        "source": parameter("source", names(dataset.sources), "Whose rows.", list_=True),
        "format": parameter("format", names(FORMATS), "Goes before the header Accept."),
        "columns": parameter("columns", names(dataset.fields), "Which columns, in this order.", list_=True),
        "cursor": parameter("cursor", {"type": "string"}, "`meta.next` of the page before."),
        "count": parameter("count", names(["exact"]), "Asks for `meta.count`, how many rows are selected."),
        "metrics": parameter("metrics", names(metrics_of(dataset)), "Which metrics.", list_=True, example="count"),
        "by": parameter("by", names(_groupable(dataset)), "A group for each of their values.", list_=True),
        "bucket": parameter("bucket", names(buckets_of(dataset)), "A group for each of these."),
        "sort": _sort(dataset, endpoint),
        "limit": _limit(endpoint),
    }
    found = [made[name] for name in OWN[endpoint] if name != "source" or dataset.sources]
    if endpoint == "days":
        return found
    return found + [reference("parameters", key) for key, _ in filter_parameters(dataset)]


def _sort(dataset: Dataset, endpoint: str) -> Document:
    if endpoint != "records":
        return parameter("sort", {"type": "string"}, "An output; - in front goes downwards.", example="-count")
    sortable = [field.name for field in dataset.fields.values() if field.sortable]
    allowed = [sign + name for name in sortable for sign in ("", "-")]
    return parameter("sort", names(allowed) | {"default": dataset.default_sort}, "- in front goes downwards.")


def _limit(endpoint: str) -> Document:
    most, default = {"aggregate": (MOST_GROUPS, MOST_GROUPS), "values": (MOST_VALUES, DEFAULT_VALUES)}.get(
        endpoint, (MOST_ROWS, DEFAULT_ROWS)
    )
    return parameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": most, "default": default}, "At most so many."
    )


def _groupable(dataset: Dataset) -> list[str]:
    return [field.name for field in dataset.fields.values() if field.groupable]


def _row(dataset: Dataset) -> Document:
    columns = {field.name: column_schema(field) for field in dataset.fields.values()}
    return {"type": "object", "properties": columns, "additionalProperties": False}


def _json(schema: Mapping[str, Any]) -> Document:
    return {"description": "The answer.", "content": {"application/json": {"schema": dict(schema)}}}
