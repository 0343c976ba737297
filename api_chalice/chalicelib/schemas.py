"""Datasets as the API shows them, derived from the contracts: a new dataset needs no line here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lambdas.common.contract import Column, Contract, load_contract, load_contracts
from lambdas.common.db.sql import identifier
from lambdas.common.source import SourceConfig, load_source_config

from .errors import unknown_dataset
from .values import KINDS, Kind, kind_of

RAW_ROW = ("_raw_key", "_raw_row")
RAW_KINDS = {"_raw_key": "text", "_raw_row": "integer"}
ORDERED = ("eq", "ne", "gt", "gte", "lt", "lte")
OPERATORS = {
    "super": ("null",),
    "boolean": ("eq", "ne", "null"),
    "text": (*ORDERED, "like", "ilike", "null"),
}
NUMBERS = ("integer", "real", "double", "decimal")
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
METRICS = {
    "super": ("count",),
    "boolean": ("count", "approx_distinct"),
} | dict.fromkeys(
    NUMBERS,
    ("count", "approx_distinct", "min", "max", "sum", "avg", "stddev", *(f"p{percent}" for percent in PERCENTILES)),
)
ORDERED_METRICS = ("count", "approx_distinct", "min", "max")


@dataclass(frozen=True, slots=True)
class Field:
    """A column that may be shown: its contract, and what may be done with it."""

    column: Column
    kind: Kind

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def operators(self) -> tuple[str, ...]:
        """Filters that the column's type takes."""
        return OPERATORS.get(self.kind.name, (*ORDERED, "null"))

    @property
    def sortable(self) -> bool:
        """Whether rows may be walked in this column's order: only where a value is always there."""
        return self.column.required and self.kind.name not in ("super", "boolean")

    @property
    def groupable(self) -> bool:
        """Whether the column may stand in `by`."""
        return self.kind.name != "super"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that the column's type takes."""
        return METRICS.get(self.kind.name, ORDERED_METRICS)

    def describe(self) -> dict[str, Any]:
        """The column for the catalogue."""
        column = self.column
        described = {
            "name": column.name,
            "type": column.logical_type,
            "physical_type": column.physical_type,
            "description": column.description,
            "required": column.required,
            "filters": list(self.operators),
            "sortable": self.sortable,
            "groupable": self.groupable,
            "metrics": list(self.metrics),
        }
        return described | {"enum": list(column.enum)} if column.enum else described


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table that the API serves. `fields` leaves out what the contract calls restricted.

    `sources` are the names that the parameter `source` takes here: those of whom the rows come. `subquery` stands
    for a table that is none, `unique` for the key that it has not, `sort` for the order by event time.
    """

    contract: Contract
    fields: Mapping[str, Field]
    sources: tuple[str, ...] = ()
    subquery: str = ""
    unique: tuple[str, ...] = ()
    sort: str = ""

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.contract.name

    @property
    def time(self) -> Field:
        """The event time: what `from`, `to` and `bucket` speak of."""
        return Field(self.contract.event_time, kind_of(self.contract.event_time.physical_type))

    @property
    def tie_breaker(self) -> tuple[str, ...]:
        """Columns that tell any two rows apart; empty where the dataset has none that may be shown."""
        key = self.unique or self.contract.key
        if key and all(name in self.fields for name in key):
            return key
        return RAW_ROW if self.contract.kind == "source" else ()

    @property
    def default_sort(self) -> str:
        """The order of rows where none is asked for, as the parameter `sort` would say it."""
        return self.sort or self.time.name

    @property
    def relation(self) -> str:
        """What a query selects from, quoted."""
        return self.subquery or f"{identifier(self.contract.schema)}.{identifier(self.name)}"

    def kind(self, name: str) -> Kind:
        """The type of a column or of a tie breaker."""
        found = self.fields.get(name)
        return found.kind if found else KINDS[RAW_KINDS[name]]

    def describe(self) -> dict[str, Any]:
        """The dataset for the catalogue, without anything that the warehouse would have to say."""
        contract = self.contract
        return {
            "name": contract.name,
            "kind": contract.kind,
            "title": contract.title,
            "description": contract.description,
            "team": contract.team,
            "tags": list(contract.tags),
            "sources": list(self.sources),
            "time_column": self.time.name,
            "key": [name for name in contract.key if name in self.fields],
            "columns": [field.describe() for field in self.fields.values()],
        }


def dataset_of(contract: Contract) -> Dataset:
    """The dataset that a contract describes.

    Raises:
        ValueError: its event time is restricted, so that nothing could be asked by time.
    """
    if contract.event_time.restricted:
        raise ValueError(f"{contract.path}: the partition column cannot be restricted")
    shown = {c.name: Field(c, kind_of(c.physical_type)) for c in contract.columns if not c.restricted}
    return Dataset(contract, shown, (contract.name,) if contract.kind == "source" else ())


def loads_dataset() -> Dataset:
    """The ledger, asked in the same grammar as any dataset."""
    here = Path(__file__).parent
    found = dataset_of(load_contract(here / "loads" / "contract.yaml"))
    ledger = (here / "sql" / "loads.sql").read_text(encoding="utf-8").partition("\n")[2]
    return replace(
        found, sources=(), subquery=f"({ledger}) AS loads", unique=("raw_key", "generation"), sort="-loaded_at"
    )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All datasets by name, what is expected of the sources behind them, and the ledger."""

    datasets: Mapping[str, Dataset]
    sources: Mapping[str, SourceConfig]
    loads: Dataset

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name.

        Raises:
            ApiError: 404, naming those there are.
        """
        if name not in self.datasets:
            raise unknown_dataset(name, sorted(self.datasets))
        return self.datasets[name]


def load_catalogue(assets: Path | None = None) -> Catalogue:
    """The catalogue of an assets/ folder; without one, of the folder that was packaged with the code."""
    contracts = load_contracts(assets)
    sources = {c.name: load_source_config(c.name, assets) for c in contracts.values() if c.kind == "source"}
    return Catalogue({name: dataset_of(contract) for name, contract in contracts.items()}, sources, loads_dataset())
