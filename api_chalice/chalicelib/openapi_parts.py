"""Parts of the OpenAPI document: schemas of columns and answers, parameters, and every error that can be met."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from .errors import CONTENT_TYPE
from .reader import RESERVED
from .schemas import Dataset, Field

Document = dict[str, Any]
KINDS: dict[str, Document] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "real": {"type": "number"},
    "double": {"type": "number"},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "timestamptz": {"type": "string", "format": "date-time"},
    "super": {},
}
# A parameter may leave the time of day or the offset out.
ASKED = KINDS | {name: {"$ref": "#/components/schemas/moment"} for name in ("timestamp", "timestamptz")}
OPERATORS = {
    "eq": "Any of these values.",
    "ne": "None of these values.",
    "gt": "Greater than this.",
    "gte": "This or greater.",
    "lt": "Less than this.",
    "lte": "This or less.",
    "like": "A pattern: % any characters, _ one.",
    "ilike": "A pattern whatever the case.",
    "null": "Whether there is no value.",
}
DAY = {"type": ["string", "null"], "format": "date-time"}
COUNT = {"type": "integer", "minimum": 0}
COUNTED = ("days", "days_loaded", "days_empty", "days_missing", "rows_rejected", "rows_late", "objects_bad")

SCHEMAS: Document = {
    "moment": {
        "type": "string",
        "description": "An ISO date, its midnight UTC, or a timestamp; UTC where no offset is given.",
        "pattern": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?$",
    },
    "run": {
        "type": "object",
        "description": "Days on end: the first, and the one behind the last.",
        "required": ["from", "to"],
        "properties": {"from": KINDS["date"], "to": KINDS["date"]},
    },
    "coverage": {
        "type": "object",
        "description": "What is known of the days in the range.",
        "required": [*COUNTED, "missing", "missing_truncated"],
        "properties": {
            **dict.fromkeys(COUNTED, COUNT),
            "missing": {"type": "array", "items": {"$ref": "#/components/schemas/run"}},
            "missing_truncated": {"type": "boolean"},
        },
    },
    "meta": {
        "type": "object",
        "required": ["dataset", "from", "to", "as_of", "next", "truncated", "changed", "coverage"],
        "properties": {
            "dataset": {"type": "string"},
            "from": DAY,
            "to": DAY,
            "as_of": DAY,
            "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
            "truncated": {"type": "boolean", "description": "There is more, and no `next` leads there."},
            "changed": {"type": "boolean", "description": "A load was committed since the walk's first page."},
            "coverage": {
                "description": "null for a mart that was never refreshed.",
                "anyOf": [{"$ref": "#/components/schemas/coverage"}, {"type": "null"}],
            },
            "count": COUNT,
        },
    },
    "group": {
        "type": "object",
        "description": "Bucket, dimensions and metrics by the names that asked for them.",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    },
    "value": {"type": "object", "required": ["value", "count"], "properties": {"value": {}, "count": COUNT}},
    "problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "Finds the request in the log."},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["parameter", "detail"],
                    "properties": {
                        "parameter": {"type": "string"},
                        "detail": {"type": "string"},
                        "allowed": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
        },
        "example": {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "1 mistake in the request; see `errors`.",
            "instance": "urn:request:6f2f",
            "errors": [{"parameter": "from", "detail": "is not in the calendar"}],
        },
    },
}
PROBLEMS = {
    400: "Mistakes in the request, all of them named.",
    401: "The caller has not said who they are, where the API is guarded by more than a key. The gateway answers.",
    403: "No key, or one that is not known. The gateway answers.",
    404: "There is no such thing.",
    405: "The path does not take the method.",
    406: "None of the formats is acceptable.",
    413: "The answer or the body is too large.",
    415: "The body is of another media type.",
    422: "Mistakes in the body, all of them named.",
    429: "The key asks too often, or has used up its quota. The gateway answers.",
    500: "A fault of the API.",
    503: "The warehouse does not answer, or has no such table yet.",
    504: "The warehouse took too long.",
}


# What the gateway answers by itself, whatever is asked of it: see its responses in the template.
BY_GATEWAY = (400, 401, 403, 404, 413, 415, 429, 500, 504)


def _problem_response(status: int, description: str) -> Document:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}}
    found: Document = {"description": f"{HTTPStatus(status).phrase}. {description}", "content": content}
    if status in (429, 503):
        seconds = {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": r"^\d+$"}}
        found["headers"] = {"Retry-After": seconds}
    return found


PROBLEM_RESPONSES = {str(status): _problem_response(status, text) for status, text in PROBLEMS.items()}


def reference(where: str, name: str) -> Document:
    """A reference to a component."""
    return {"$ref": f"#/components/{where}/{name}"}


def names(allowed: Iterable[str]) -> Document:
    """One of these names."""
    return {"type": "string", "enum": list(allowed)}


def parameter(
    name: str, schema: Document, description: str, *, where: str = "query", list_: bool = False, example: Any = None
) -> Document:
    """One parameter; a list is separated by commas."""
    found: Document = {"name": name, "in": where, "description": description, "schema": schema}
    if where == "path":
        found["required"] = True
    if list_:
        found |= {"schema": {"type": "array", "items": schema}, "style": "form", "explode": False}
        example = [example] if example is not None else None
    return found if example is None else found | {"example": example}


def table_response(row: Document) -> Document:
    """200 of rows in every format."""
    document = {
        "type": "object",
        "required": ["data", "meta"],
        "properties": {"data": {"type": "array", "items": row}, "meta": reference("schemas", "meta")},
    }
    text = {"schema": {"type": "string"}}
    header = {"schema": {"type": "string"}}
    return {
        "description": "Rows, and what is known of them.",
        "headers": {
            "ETag": {"description": "For If-None-Match; other after every load.", **header},
            "Link": {"description": 'The next page, rel="next".', **header},
            "X-Meta": {"description": "Of NDJSON and CSV: the meta of JSON.", **header},
        },
        "content": {
            "application/json": {"schema": document},
            "application/x-ndjson": text,
            "text/csv": text,
        },
    }


def column_schema(field: Field) -> Document:
    """A column's values in JSON."""
    schema = dict(KINDS[field.kind.name])
    if "type" in schema and not field.column.required:
        schema["type"] = [schema["type"], "null"]
    if field.column.description:
        schema["description"] = field.column.description
    if field.column.enum:
        schema["examples"] = list(field.column.enum)
    return schema


def filter_parameters(dataset: Dataset) -> Iterator[tuple[str, Document]]:
    """The filters of a dataset by the names of their components."""
    for field in dataset.fields.values():
        for operator in field.operators:
            yield f"{dataset.name}.{field.name}.{operator}", _filter_parameter(field, operator)


def _filter_parameter(field: Field, operator: str) -> Document:
    plain = operator == "eq" and field.name not in RESERVED
    found: Document = {
        "name": field.name if plain else f"{field.name}__{operator}",
        "in": "query",
        "description": OPERATORS[operator],
    }
    schema = {"type": "boolean"} if operator == "null" else ASKED[field.kind.name]
    if operator in ("eq", "ne"):
        return found | {"schema": {"type": "array", "items": schema}, "style": "form", "explode": True}
    return found | {"schema": schema}
