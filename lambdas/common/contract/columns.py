"""One property of a contract.yaml to a column."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lambdas.common.contract.model import Column, Reading
from lambdas.common.contract.sql import quoted
from lambdas.common.errors import ContractError

TYPE_NAMES = {
    "numeric": "decimal",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "bool": "boolean",
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}


def read_column(prop: Mapping[str, Any], path: Path) -> Column:
    """The column of a property.

    Raises:
        ContractError: an expression does not say what it reads.
        KeyError, TypeError, ValueError: the property is not laid out as ODCS has it.
    """
    name = prop["name"]
    options = prop.get("logicalTypeOptions", {})
    custom = custom_properties(prop)
    logic = prop.get("transformLogic")
    if logic and not prop.get("transformSourceObjects"):
        raise ContractError(f"{path}: {name}: transformLogic needs transformSourceObjects, the raw columns it reads")
    return Column(
        name=name,
        logical_type=prop["logicalType"],
        physical_type=physical_type(prop["physicalType"]),
        transform=str(logic or quoted(name)),
        sources=tuple(prop.get("transformSourceObjects") or [name]),
        description=prop.get("description", ""),
        required=bool(prop.get("required", False)),
        unique=bool(prop.get("unique", False)),
        key_position=int(prop.get("primaryKeyPosition", 1)) if prop.get("primaryKey") else 0,
        event_time=bool(prop.get("partitioned", False)),
        classification=prop.get("classification", ""),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        exclusive_minimum=options.get("exclusiveMinimum"),
        exclusive_maximum=options.get("exclusiveMaximum"),
        multiple_of=options.get("multipleOf"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        enum=tuple(e["value"] for e in prop.get("enum", [])),
        reading=_reading(options, custom),
        null_words=_words(custom["nullWords"]) if "nullWords" in custom else None,
        raw_type=custom.get("rawType"),
    )


def custom_properties(element: Mapping[str, Any]) -> dict[str, Any]:
    """The customProperties of a schema or a property, by name."""
    return {p["property"]: p["value"] for p in element.get("customProperties", [])}


def physical_type(text: str) -> str:
    """The type in lower case, under the one of its names that the rest of the code knows."""
    words = " ".join(str(text).lower().split())
    head, bracket, rest = words.partition("(")
    return TYPE_NAMES.get(head.strip(), head) + bracket + rest


def _reading(options: Mapping[str, Any], custom: Mapping[str, Any]) -> Reading:
    return Reading(
        format=options.get("format"),
        zone=options.get("defaultTimezone"),
        decimal_separator=str(custom.get("decimalSeparator", ".")),
        thousands_separator=str(custom["thousandsSeparator"]) if "thousandsSeparator" in custom else None,
        true_words=_words(custom.get("trueWords", ())),
        false_words=_words(custom.get("falseWords", ())),
    )


def _words(words: Any) -> tuple[str, ...]:
    if isinstance(words, str):
        raise ContractError(f"nullWords, trueWords and falseWords are lists, as in value: [{words!r}]")
    return tuple(str(word) for word in words)
