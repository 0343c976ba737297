"""Reads contract.yaml files. The folder's name is the dataset's name.

Checking against the standard's JSON schema is `check` (it needs jsonschema, which the images do not carry);
what must hold for the code to work is checked here as well, so that a wrong file never loads data.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from lambdas.common.contract.columns import custom_properties, read_column
from lambdas.common.contract.model import Contract
from lambdas.common.contract.quality import read_rules
from lambdas.common.contract.script import find_script
from lambdas.common.contract.sound import require_sound
from lambdas.common.errors import ContractError, RequestError

# libyaml's reads a contract in a tenth of the time, which counts with a hundred of them
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def assets_folder() -> Path:
    """The assets/ beside the lambdas/ package, as in the repository and in every package and image."""
    return Path(__file__).resolve().parents[3] / "assets"


def load_contracts(assets: Path | None = None) -> dict[str, Contract]:
    """All datasets by name, sources first."""
    return load_sources(assets) | load_marts(assets)


def load_sources(assets: Path | None = None) -> dict[str, Contract]:
    """The sources under assets/sources by name."""
    return {c.name: c for c in _read_all((assets or assets_folder()) / "sources", "source")}


def source_names(assets: Path | None = None) -> list[str]:
    """The names of the declared sources, without reading their contracts."""
    return sorted(path.parent.name for path in ((assets or assets_folder()) / "sources").glob("*/contract.yaml"))


def load_source(name: object, assets: Path | None = None) -> Contract:
    """That source's contract alone, so that another's mistake does not touch it.

    Raises:
        RequestError: no such source; names those that are known.
        ContractError: the contract is wrong.
    """
    known = source_names(assets)
    if name not in known:
        raise RequestError(f"source {name!r} is unknown; known are {', '.join(known)}")
    return load_contract((assets or assets_folder()) / "sources" / str(name) / "contract.yaml")


def load_marts(assets: Path | None = None) -> dict[str, Contract]:
    """The marts under assets/marts by name."""
    return {c.name: c for c in _read_all((assets or assets_folder()) / "marts", "mart")}


def _read_all(folder: Path, kind: Literal["source", "mart"]) -> Iterator[Contract]:
    for path in sorted(folder.glob("*/contract.yaml")):
        yield load_contract(path, kind)


def load_contract(path: Path, kind: Literal["source", "mart"] = "source") -> Contract:
    """The contract in that file.

    Raises:
        ContractError: names the file and what is wrong with it.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - both are safe
    except (yaml.YAMLError, ValueError) as error:
        raise ContractError(f"{path}: cannot be read as a contract: {type(error).__name__}: {error}") from error
    contract = read_contract(document, path, kind)
    require_sound(contract)
    return contract


def read_contract(document: Any, path: Path, kind: Literal["source", "mart"]) -> Contract:
    """The contract of a YAML document, not yet checked for what must hold.

    Raises:
        ContractError: it is not laid out as a contract; names the file.
    """
    if not isinstance(document, Mapping):
        raise ContractError(f"{path}: holds no contract: a YAML mapping is needed, found {type(document).__name__}")
    try:
        return _contract(document, path, kind)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ContractError(f"{path}: cannot be read as a contract: {type(error).__name__}: {error}") from error


def _contract(document: Mapping[str, Any], path: Path, kind: Literal["source", "mart"]) -> Contract:
    name = path.parent.name
    table = _only_schema(document, path)
    custom, script = custom_properties(table), find_script(path)
    rules = read_rules(table, path)
    return Contract(
        name=name,
        kind=kind,
        title=document.get("name", name),
        description=table.get("description", ""),
        columns=tuple(read_column(p, path) for p in table["properties"] if not _is_retired(p)),
        retired=tuple(p["name"] for p in table["properties"] if _is_retired(p)),
        path=path,
        hash=_hash(document, script),
        script=script,
        version_column=custom.get("versionColumn"),
        distribution_key=custom.get("distributionKey"),
        null_words=tuple(str(w) for w in _read_list(custom, "nullWords", path)),
        checks=custom.get("checks", {}),
        on_drift=custom.get("onDrift", "warn"),
        ignored_columns=tuple(_read_list(custom, "ignoredColumns", path)),
        max_rejected_ratio=custom.get("maxRejectedRatio"),
        row_rules=rules.rows,
        object_rules=rules.objects,
        table_rules=rules.tables,
        team=(document.get("team") or {}).get("name", ""),
        tags=tuple(document.get("tags", ())),
        sla={s["property"]: (s["value"], s.get("unit", "")) for s in document.get("slaProperties", [])},
    )


def _read_list(custom: Mapping[str, Any], name: str, path: Path) -> list[Any]:
    """A list of customProperties. A text alone would be read letter by letter.

    Raises:
        ContractError: it is no list.
    """
    value = custom.get(name, [])
    if not isinstance(value, list):
        raise ContractError(f"{path}: {name} must be a list, as in value: [{value!r}]")
    return value


def _only_schema(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    schemas = document.get("schema") or []
    if len(schemas) != 1 or schemas[0].get("name") != path.parent.name:
        raise ContractError(f"{path}: `schema` must hold one object, named like its folder: {path.parent.name}")
    table: Mapping[str, Any] = schemas[0]
    return table


def _is_retired(prop: Mapping[str, Any]) -> bool:
    return custom_properties(prop).get("retired") is True


def _hash(document: Mapping[str, Any], script: Path | None) -> str:
    """Twelve hex digits over what the contract says, not over how the file is laid out; and over its transform.py."""
    text = json.dumps(document, sort_keys=True, default=str)
    text += script.read_text(encoding="utf-8") if script else ""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
