"""Whether a document is laid out so that a contract can be read from it, place by place."""

from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.contract.places import Path

LISTS = ("nullWords", "trueWords", "falseWords", "ignoredColumns")
NEEDED = ("name", "logicalType", "physicalType")


def find_layout_mistakes(document: Any, name: str) -> Iterator[tuple[Path, str]]:
    """What hinders reading, each with its path in the document; `name` is that of the contract's folder."""
    if not isinstance(document, Mapping):
        yield (), f"holds no contract: a YAML mapping is needed, found {type(document).__name__}"
        return
    schemas = document.get("schema")
    if not isinstance(schemas, list) or len(schemas) != 1 or not isinstance(schemas[0], Mapping):
        yield ("schema",), "`schema` must hold one object, a list of one"
        return
    place: Path = ("schema", 0)
    if schemas[0].get("name") != name:
        yield (
            (*place, "name"),
            f"name is {schemas[0].get('name')!r}; the schema must be named like its folder: {name}",
        )
    yield from _custom(place, schemas[0], name)
    properties = schemas[0].get("properties")
    if not isinstance(properties, list) or not properties:
        yield (*place, "properties"), "`properties` must list the columns"
        return
    for number, prop in enumerate(properties):
        yield from _property((*place, "properties", number), prop)


def _property(place: Path, prop: Any) -> Iterator[tuple[Path, str]]:
    if not isinstance(prop, Mapping):
        yield place, f"a property is a mapping with name, logicalType and physicalType, not {prop!r}"
        return
    said = prop.get("name", "a property")
    for key in NEEDED:
        if not isinstance(prop.get(key), str):
            yield place, f"{said}: has no {key}" if key not in prop else f"{said}: {key} must be a text"
    yield from _custom(place, prop, str(said))
    if "enum" in prop and not _is_list_of(prop["enum"], "value"):
        yield (*place, "enum"), f"{said}: enum lists mappings, as in [{{value: a}}, {{value: b}}]"
    if prop.get("transformLogic") and not prop.get("transformSourceObjects"):
        yield (
            (*place, "transformLogic"),
            f"{said}: transformLogic needs transformSourceObjects, the raw columns it reads",
        )
    if isinstance(prop.get("transformSourceObjects"), str):
        yield (*place, "transformSourceObjects"), f"{said}: transformSourceObjects is a list, as in [raw_name]"


def _custom(place: Path, element: Mapping[str, Any], said: str) -> Iterator[tuple[Path, str]]:
    found = element.get("customProperties", [])
    if not _is_list_of(found, "property", "value"):
        yield (
            (*place, "customProperties"),
            f"{said}: customProperties lists mappings, as in [{{property: a, value: b}}]",
        )
        return
    for number, item in enumerate(found):
        if item["property"] in LISTS and not isinstance(item["value"], list):
            text = f"{said}: {item['property']} must be a list, as in value: [{item['value']!r}]"
            yield (*place, "customProperties", number), text


def _is_list_of(found: Any, *keys: str) -> bool:
    return isinstance(found, list) and all(
        isinstance(item, Mapping) and all(key in item for key in keys) for item in found
    )
