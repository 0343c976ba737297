"""Parts of the OpenAPI document that are no rows of tables: datasets, days, statistics, exports with their bodies."""

from collections.abc import Iterator, Sequence
from typing import Any

from . import days, statistics
from .openapi_parts import ASKED, COUNT, DAY, KINDS, names, reference
from .reader import RESERVED
from .schemas import Dataset, Field

Document = dict[str, Any]
TEXT: Document = {"type": "string"}
TEXTS: Document = {"type": "array", "items": TEXT}
TRUTH: Document = {"type": "boolean"}
MAYBE_DATE: Document = {"type": ["string", "null"], "format": "date"}
MAYBE_TEXT: Document = {"type": ["string", "null"]}
SCALAR: Document = {"type": ["string", "number", "null"]}
MAYBE_COUNT: Document = {"type": ["integer", "null"], "minimum": 0}
FORMATS = ("parquet", "csv")
EXAMPLE = {"format": "csv", "from": "2018-02-01", "to": "2018-02-08"}

DESCRIBED: Document = {
    "column": {
        "type": "object",
        "required": ["name", "type", "physical_type", "required", "filters", "sortable", "groupable", "metrics"],
        "properties": {
            "name": TEXT, "type": TEXT, "physical_type": TEXT, "description": TEXT, "required": TRUTH,
            "filters": TEXTS, "sortable": TRUTH, "groupable": TRUTH, "metrics": TEXTS,
            "enum": {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
        },
    },
    "dataset": {
        "type": "object",
        "required": ["name", "kind", "time_column", "sources", "key", "columns", "as_of"],
        "properties": {
            "name": TEXT, "kind": names(["source", "mart"]), "title": TEXT, "description": TEXT, "team": TEXT,
            "tags": TEXTS, "sources": TEXTS, "time_column": TEXT, "key": TEXTS,
            "columns": {"type": "array", "items": reference("schemas", "column")},
            "as_of": DAY, "refreshed_at": DAY, "first_day": MAYBE_DATE, "last_day": MAYBE_DATE,
            "rows_accepted": MAYBE_COUNT,
        },
    },
    "day": {
        "type": "object",
        "required": list(days.OUTPUTS),
        "properties": dict.fromkeys(days.OUTPUTS, COUNT)
        | {"day": KINDS["date"], "state": names(days.STATES), "reason": MAYBE_TEXT},
    },
    "statistic": {
        "type": "object",
        "required": list(statistics.OUTPUTS),
        "properties": dict.fromkeys(statistics.OUTPUTS, SCALAR)
        | {"column": TEXT, "type": TEXT, "count": COUNT, "nulls": COUNT, "approx_distinct": MAYBE_COUNT},
    },
    "catalogue": {
        "type": "object",
        "required": ["next", "truncated"],
        "properties": {"next": {"type": "null"}, "truncated": {"const": False}},
    },
    "file": {
        "type": "object",
        "required": ["name", "bytes", "url"],
        "properties": {
            "name": TEXT, "bytes": COUNT,
            "url": {"type": "string", "description": "Opens the file without a key, for an hour."},
        },
    },
    "export": {
        "type": "object",
        "required": ["id", "state", "request", "created_at", "expires_at", "files"],
        "properties": {
            "id": TEXT, "state": names(["queued", "running", "done", "failed"]), "request": {"type": "object"},
            "created_at": DAY, "finished_at": DAY, "expires_at": DAY, "rows": MAYBE_COUNT,
            "detail": MAYBE_TEXT, "files": {"type": "array", "items": reference("schemas", "file")},
        },
    },
}  # fmt: skip


def described_response(data: Document, meta: str | None) -> Document:
    """An answer of `data` with that schema of `meta`; None: meta is null."""
    found: Document = {"anyOf": [reference("schemas", meta), {"type": "null"}]} if meta else {"type": "null"}
    schema = {"type": "object", "required": ["data", "meta"], "properties": {"data": data, "meta": found}}
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def export_body(datasets: Sequence[Dataset]) -> Document:
    """The body that asks for an export: one of the datasets' own."""
    references = {dataset.name: f"#/components/schemas/{dataset.name}.export" for dataset in datasets}
    schema = {
        "oneOf": [{"$ref": found} for found in references.values()],
        "discriminator": {"propertyName": "dataset", "mapping": references},
    }
    example = {"dataset": next(iter(references), ""), **EXAMPLE}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def export_schemas(dataset: Dataset) -> Iterator[tuple[str, Document]]:
    """The schema of a body for the dataset, under its name."""
    columns = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(dataset.fields)}}
    moment = reference("schemas", "moment")
    own: Document = {
        "dataset": {"const": dataset.name}, "format": {"enum": list(FORMATS), "default": FORMATS[0]}, "from": moment,
        "to": moment, "columns": columns,
    }  # fmt: skip
    if dataset.sources:
        own["source"] = {"enum": list(dataset.sources)}
    filters = dict(_body_filter(field, op) for field in dataset.fields.values() for op in field.operators)
    schema = {"type": "object", "required": ["dataset"], "properties": filters | own, "additionalProperties": False}
    yield f"{dataset.name}.export", schema


def _body_filter(field: Field, operator: str) -> tuple[str, Document]:
    """A filter's name and values in a body: as in a query string, but repeated by a list."""
    plain = operator == "eq" and field.name not in RESERVED
    schema = TRUTH if operator == "null" else ASKED[field.kind.name]
    if operator in ("eq", "ne"):
        schema = {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}
    return (field.name if plain else f"{field.name}__{operator}"), schema
