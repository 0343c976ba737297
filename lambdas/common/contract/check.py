"""Checks contracts against the standard's JSON schema, then against this project's own rules.

The schema comes first: a reader that drops unknown keys would let `requird: true` switch a rule off.
Needs the packages jsonschema and open-data-contract-standard; the images do not carry them.
"""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from lambdas.common.contract.read import assets_folder, load_contract
from lambdas.common.errors import ContractError
from lambdas.common.source import load_source_config

KINDS: dict[str, Literal["source", "mart"]] = {"sources": "source", "marts": "mart"}


def check_all(assets: Path | None = None) -> list[str]:
    """What is wrong with the files under assets/, a line each, with the file; empty where all is well."""
    root = assets or assets_folder()
    mistakes: list[str] = []
    for folder, kind in KINDS.items():
        for path in sorted((root / folder).glob("*/contract.yaml")):
            mistakes += check_contract(path, kind)
    for path in sorted((root / "sources").glob("*/")):
        mistakes += _config_mistakes(path, root)
    return mistakes


def check_contract(path: Path, kind: Literal["source", "mart"]) -> list[str]:
    """What is wrong with that contract.yaml."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        return [f"{path}: no YAML: {' '.join(str(error).split())}"]
    mistakes = [f"{path}: {text}" for text in _schema_mistakes(document)]
    try:
        _check_expressions(load_contract(path, kind), kind)
    except ContractError as error:
        mistakes.append(str(error))
    return mistakes


def _schema_mistakes(document: Any) -> Iterator[str]:
    import jsonschema

    schema = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft201909Validator(schema).iter_errors(document):
        place = "/".join(str(part) for part in error.absolute_path) or "the document"
        yield f"{place}: {error.message[:300]}"


def _check_expressions(contract: Any, kind: str) -> None:
    """Bind every transformLogic to its declared raw columns, as text: an unknown column shows here, not at night."""
    if kind == "mart":
        return
    import duckdb

    from lambdas.common.contract.compile import compile_contract

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        compile_contract(connection, contract, dict.fromkeys(contract.raw_columns, "VARCHAR"))
    finally:
        connection.close()


def _config_mistakes(folder: Path, root: Path) -> Iterator[str]:
    if not (folder / "contract.yaml").exists():
        yield f"{folder}: has no contract.yaml"
    try:
        load_source_config(folder.name, root)
    except ContractError as error:
        yield str(error)
