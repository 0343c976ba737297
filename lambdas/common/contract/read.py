"""Reads contract.yaml files. The folder's name is the dataset's name.

Checking against the standard's JSON schema is `check` (it needs jsonschema, which the images do not carry);
what must hold for the code to work is checked here as well, so that a wrong file never loads data.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from lambdas.common.contract.model import Column, Contract
from lambdas.common.errors import ContractError, RequestError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
COLUMN_NAME = re.compile(r"[a-z][a-z0-9_]{0,126}")
PHYSICAL_TYPE = re.compile(
    r"smallint|integer|bigint|real|double precision|boolean|date|timestamp|timestamptz|super"
    r"|(?:var)?char\((?:\d{1,5}|max)\)|decimal\(\d{1,2}, ?\d{1,2}\)"
)
DRIFT = ("warn", "fail", "ignore")


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
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _contract(document, path, kind)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ContractError(f"{path}: cannot be read as a contract: {type(error).__name__}: {error}") from error


def _contract(document: Mapping[str, Any], path: Path, kind: Literal["source", "mart"]) -> Contract:
    name = path.parent.name
    table = _only_schema(document, path)
    custom = {p["property"]: p["value"] for p in table.get("customProperties", [])}
    contract = Contract(
        name=name,
        kind=kind,
        title=document.get("name", name),
        description=table.get("description", ""),
        columns=tuple(_column(p, path) for p in table["properties"]),
        path=path,
        hash=_hash(document),
        version_column=custom.get("versionColumn"),
        null_words=tuple(str(w) for w in custom.get("nullWords", ())),
        on_drift=custom.get("onDrift", "warn"),
        max_rejected_ratio=custom.get("maxRejectedRatio"),
        team=(document.get("team") or {}).get("name", ""),
        tags=tuple(document.get("tags", ())),
        sla={s["property"]: (s["value"], s.get("unit", "")) for s in document.get("slaProperties", [])},
    )
    _require_sound(contract)
    return contract


def _only_schema(document: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    schemas = document.get("schema") or []
    if len(schemas) != 1 or schemas[0].get("name") != path.parent.name:
        raise ContractError(f"{path}: `schema` must hold one object, named like its folder: {path.parent.name}")
    table: Mapping[str, Any] = schemas[0]
    return table


def _column(prop: Mapping[str, Any], path: Path) -> Column:
    name = prop["name"]
    options = prop.get("logicalTypeOptions", {})
    default_logic = '"' + name.replace('"', '""') + '"'
    logic = prop.get("transformLogic")
    if logic and not prop.get("transformSourceObjects"):
        raise ContractError(f"{path}: {name}: transformLogic needs transformSourceObjects, the raw columns it reads")
    return Column(
        name=name,
        logical_type=prop["logicalType"],
        physical_type=_physical_type(prop["physicalType"]),
        transform=str(logic or default_logic),
        sources=tuple(prop.get("transformSourceObjects") or [name]),
        description=prop.get("description", ""),
        required=bool(prop.get("required", False)),
        unique=bool(prop.get("unique", False)),
        key_position=int(prop.get("primaryKeyPosition", 1)) if prop.get("primaryKey") else 0,
        event_time=bool(prop.get("partitioned", False)),
        classification=prop.get("classification", ""),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        enum=tuple(e["value"] for e in prop.get("enum", [])),
    )


def _physical_type(text: str) -> str:
    """The type in lower case, under the one of its names that the rest of the code knows."""
    words = " ".join(str(text).lower().split())
    head, bracket, rest = words.partition("(")
    aliases = {
        "numeric": "decimal", "int": "integer", "int2": "smallint", "int4": "integer", "int8": "bigint",
        "float4": "real", "float8": "double precision", "float": "double precision", "bool": "boolean",
        "character varying": "varchar", "timestamp without time zone": "timestamp",
        "timestamp with time zone": "timestamptz",
    }  # fmt: skip
    return aliases.get(head.strip(), head) + bracket + rest


def _hash(document: Mapping[str, Any]) -> str:
    """Twelve hex digits over what the contract says, not over how the file is laid out."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _require_sound(contract: Contract) -> None:
    mistakes = list(_mistakes(contract))
    if mistakes:
        raise ContractError(f"{contract.path}: " + "; ".join(mistakes))


def _mistakes(contract: Contract) -> Iterator[str]:
    names = [c.name for c in contract.columns]
    if not NAME.fullmatch(contract.name):
        yield f"folder name {contract.name!r} must match {NAME.pattern}"
    for column in contract.columns:
        yield from _column_mistakes(column)
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"column {name} is declared twice"
    if sum(c.event_time for c in contract.columns) != 1:
        yield "exactly one column must be `partitioned: true`: the event time whose UTC day is the partition"
    elif contract.event_time.physical_type not in ("timestamp", "timestamptz", "date"):
        yield f"{contract.event_time.name}: the partition column must be a timestamp or a date"
    if contract.version_column and contract.version_column not in names:
        yield f"versionColumn {contract.version_column!r} is no column of the contract"
    if contract.version_column and not contract.key:
        yield "versionColumn needs a primary key"
    if contract.on_drift not in DRIFT:
        yield f"onDrift {contract.on_drift!r} must be one of {', '.join(DRIFT)}"


def _column_mistakes(column: Column) -> Iterator[str]:
    if not COLUMN_NAME.fullmatch(column.name):
        yield f"column name {column.name!r} must match {COLUMN_NAME.pattern}"
    if not PHYSICAL_TYPE.fullmatch(column.physical_type):
        yield (
            f"{column.name}: physicalType {column.physical_type!r} is not among smallint, integer, bigint, real, "
            "double precision, decimal(p,s), boolean, date, timestamp, timestamptz, varchar(n), char(n), super"
        )
    if column.key_position and not column.required:
        yield f"{column.name}: a column of the primary key must be `required: true`"
