"""Checks the files under assets/: the standard's JSON schema first, then this project's own rules, line by line.

The schema comes first: a reader that drops unknown keys would let `requird: true` switch a rule off.
Needs the packages jsonschema, open-data-contract-standard and sqlglot; the images do not carry them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from lambdas.common.contract.advice import find_advice, find_sql_mistakes
from lambdas.common.contract.declared import find_config_mistakes
from lambdas.common.contract.layout import find_layout_mistakes
from lambdas.common.contract.model import Contract
from lambdas.common.contract.places import Places, find_places, hint, near, no_yaml
from lambdas.common.contract.read import assets_folder, load_contract, read_contract
from lambdas.common.contract.sound import Mistake, find_mistakes
from lambdas.common.errors import ContractError
from lambdas.common.source import load_source_config

Told = tuple[tuple[str | int, ...], str]
# how deep a property stands, and the keys that are meant first where one is misspelt at that depth
PROPERTY = 4
LIKELY = {
    0: ("apiVersion", "kind", "id", "name", "version", "status", "domain", "tags", "description", "team", "schema",
        "slaProperties"),
    2: ("name", "physicalType", "description", "properties", "quality", "customProperties", "tags"),
}  # fmt: skip
# what the platform itself writes into every table of a source
PLATFORM = ("_raw_key", "_raw_row", "_loaded_at")
RULE = re.compile(r"^(.+?contract\.yaml): ([^:]+): quality rule (.+?): ")
UNKNOWN = re.compile(r"'([^']+)'(?=[^()]* (?:was|were) unexpected)")
MEANT = re.compile(r"did you mean '([^']+)'")


def check_all(assets: Path | None = None) -> list[str]:
    """What is wrong with the files under assets/, a line each with file, line and hint; empty where all is well."""
    root = assets or assets_folder()
    mistakes: list[str] = []
    for path in sorted((root / "sources").glob("*/")):
        mistakes += check_source(path)
    folders = sorted((root / "marts").glob("*/"))
    tables = _tables(root) if folders else {}
    for path in folders:
        mistakes += [_shown(text, root) for text in _mart_mistakes(path, tables)]
    return mistakes


def check_source(folder: Path) -> list[str]:
    """What is wrong with the two files of a source, in a folder under assets/sources."""
    root, contract = folder.parents[1], folder / "contract.yaml"
    found = check_contract(contract, "source") if contract.exists() else [f"{folder}: has no contract.yaml"]
    return [_shown(text, root) for text in (*found, *_config_mistakes(folder, root))]


def _shown(text: str, root: Path) -> str:
    """The message with paths as people type them, from assets/ on."""
    return text.replace(f"{root}/", "assets/")


def _tables(root: Path) -> dict[str, tuple[str, ...] | None]:
    """The columns of each table that a mart may read, by its name; None where the contract is wrong."""
    tables: dict[str, tuple[str, ...] | None] = {}
    for folder in sorted((root / "sources").glob("*/")):
        contract = _contract(folder, "source")
        tables[f"core.{folder.name}"] = (*_names(contract), *contract.retired, *PLATFORM) if contract else None
    for folder in sorted((root / "marts").glob("*/")):
        contract = _contract(folder, "mart")
        tables[f"mart.{folder.name}"] = _names(contract) if contract else None
    return tables


def _names(contract: Contract) -> tuple[str, ...]:
    return tuple(column.name for column in contract.columns)


def _mart_mistakes(folder: Path, tables: Mapping[str, tuple[str, ...] | None]) -> Iterator[str]:
    for name in ("contract.yaml", "mart.sql", "defs.yaml"):
        if not (folder / name).exists():
            yield f"{folder / name}: is missing"
    if (folder / "contract.yaml").exists():
        yield from check_contract(folder / "contract.yaml", "mart")
    if (folder / "mart.sql").exists():
        yield from _query_mistakes(folder / "mart.sql", tables)


def _query_mistakes(path: Path, tables: Mapping[str, tuple[str, ...] | None]) -> Iterator[str]:
    from lambdas.common.contract.mart_query import find_query_mistakes

    for line, text in find_query_mistakes(path.read_text(encoding="utf-8"), tables):
        yield f"{path}:{line}: {text}" if line else f"{path}: {text}"


def check_contract(path: Path, kind: Literal["source", "mart"]) -> list[str]:
    """What is wrong with that contract.yaml."""
    try:
        text = path.read_text(encoding="utf-8")
        document, places = yaml.safe_load(text), find_places(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return [no_yaml(path, error)]
    layout = [*find_layout_mistakes(document, path.parent.name)]
    standard = list(dict.fromkeys(_schema_mistakes(document)))  # the schema tells some by two of its branches
    told = [(at, what) for at, what in standard if not any(at[: len(place)] == place for place, _ in layout)] + layout
    own: list[Mistake] = []
    unread: list[str] = []
    try:
        own = _own_mistakes(read_contract(document, path, kind), document)
    except ContractError as error:
        said = _with_line(str(error), document, places)
        unread = [] if layout or (standard and "cannot be read" in said) else [said]
    told, own = _without_echoes(told, own)
    return [
        *(f"{path}:{line}: {key!r} stands twice" for key, line in places.doubled),
        *(f"{path}:{places.line(place)}: {what}" for place, what in told),
        *unread,
        *(f"{path}:{_line(places, document, m)}: {_named(m)}" for m in own),
    ]


def _with_line(text: str, document: Any, places: Places) -> str:
    """What cannot be read of a quality rule, with the line of the rule behind the file's name."""
    found = RULE.search(text)
    if not found:
        return text
    file, owner, name = found.groups()
    table = document["schema"][0]
    columns = [prop["name"] for prop in table["properties"]]
    place: tuple[str | int, ...] = ("schema", 0)
    if owner in columns:
        place, table = (*place, "properties", columns.index(owner)), table["properties"][columns.index(owner)]
    rules = [repr(rule.get("name", number)) for number, rule in enumerate(table["quality"], start=1)]
    return text.replace(file, f"{file}:{places.line((*place, 'quality', rules.index(name)))}", 1)


def _own_mistakes(contract: Contract, document: Any) -> list[Mistake]:
    """By this project's rules; SQL is tried only where types and names are right."""
    own = [*find_mistakes(contract), *find_advice(contract, document)]
    if contract.table_rules:
        from lambdas.common.contract.mart_query import find_rule_mistakes

        own += find_rule_mistakes(contract, _tables(contract.path.parents[2]))
    if contract.kind == "mart":
        from lambdas.common.contract.marts import find_mart_mistakes

        return [*own, *find_mart_mistakes(contract)]
    return own or list(find_sql_mistakes(contract))


def _without_echoes(told: Sequence[Told], own: Sequence[Mistake]) -> tuple[list[Told], list[Mistake]]:
    """A mistake is told once: by whoever says more, and not also as the lack of the key that was meant."""
    known = {mistake.key for mistake in own}
    unknown = {place[-1] for place, what in told if place and what.startswith("unknown key")}
    kept = [(place, what) for place, what in told if not place or place[-1] in unknown or place[-1] not in known]
    meant = {f"`{name}: true`" for _, what in told for name in MEANT.findall(what)}
    own = [mistake for mistake in own if not any(key in mistake.text for key in meant)]
    return kept, [mistake for mistake in own if mistake.key not in unknown]


def _named(mistake: Mistake) -> str:
    return f"{mistake.column}: {mistake.text}" if mistake.column else mistake.text


def _line(places: Places, document: Any, mistake: Mistake) -> int:
    """The line of the key where the mistake names one; of a custom property, that of its name."""
    if not mistake.column:
        return places.beneath((), mistake.key) if mistake.key else places.line(("schema", 0))
    names = [prop["name"] for prop in document["schema"][0]["properties"]]
    place = ("schema", 0, "properties", len(names) - 1 - names[::-1].index(mistake.column))
    return places.beneath(place, mistake.key)


@cache
def _validator() -> tuple[Any, frozenset[str]]:
    """The standard's validator, and every key that the standard knows."""
    import jsonschema

    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft201909Validator(schema), frozenset(_keys(schema))


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for item in schema.values():
            yield from _keys(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _keys(item)


def _schema_mistakes(document: Any) -> Iterator[Told]:
    """What the standard does not allow. A key counts as misplaced where nothing else is wrong beside it."""
    validator, known = _validator()
    errors = list(validator.iter_errors(document))
    others = [tuple(e.absolute_path) for e in errors if "unexpected" not in e.message]
    for error in errors:
        path = tuple(error.absolute_path)
        if "unexpected" not in error.message:
            yield path, f"{_place(document, path)}: {error.message[:300]}"
            continue
        for name in UNKNOWN.findall(error.message):
            if name not in known:
                meant = near(name, LIKELY.get(len(path), ())) or hint(name, known)
                yield (*path, name), f"unknown key {name!r}{meant}"
            elif not any(other[: len(path)] == path for other in others):
                yield (*path, name), f"key {name!r} does not belong here"


def _place(document: Any, path: tuple[str | int, ...]) -> str:
    """A path in words: a property by its name."""
    if len(path) > PROPERTY and path[2] == "properties":
        name = document["schema"][path[1]]["properties"][path[3]].get("name", path[3])
        return ".".join(map(str, (name, *path[PROPERTY:])))
    return "/".join(map(str, path)) or "the document"


def _config_mistakes(folder: Path, root: Path) -> Iterator[str]:
    path = folder / "defs.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        document, places = yaml.safe_load(text), find_places(text)
    except FileNotFoundError:
        yield f"{path}: is missing: it says since when the source has data"
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield no_yaml(path, error)
        return
    found = list(find_config_mistakes(document, _contract(folder)))
    yield from (f"{path}:{line}: {key!r} stands twice" for key, line in places.doubled)
    yield from (f"{path}:{places.line(place)}: {what}" for place, what in found)
    if not found:
        try:
            load_source_config(folder.name, root)
        except ContractError as error:
            yield str(error)


def _contract(folder: Path, kind: Literal["source", "mart"] = "source") -> Contract | None:
    """The contract in that folder; None where it is wrong, which is told elsewhere."""
    try:
        return load_contract(folder / "contract.yaml", kind)
    except (ContractError, OSError):
        return None
