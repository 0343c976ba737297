"""Contracts (ODCS v3.1.0): read, check, and compile to DuckDB.

contracts = load_contracts()          # every folder under assets/sources and assets/marts
contract = load_source("earthquakes") # one alone
contract.columns, contract.key, contract.event_time, contract.hash
"""

from lambdas.common.contract.model import Column, Contract
from lambdas.common.contract.read import (
    assets_folder,
    load_contract,
    load_contracts,
    load_marts,
    load_source,
    load_sources,
    source_names,
)

__all__ = [
    "Column",
    "Contract",
    "assets_folder",
    "load_contract",
    "load_contracts",
    "load_marts",
    "load_source",
    "load_sources",
    "source_names",
]
