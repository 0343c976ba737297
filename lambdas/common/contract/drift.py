"""Drift: where the columns of a raw object are no longer those that its contract was written for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lambdas.common.contract.casts import NUMBERS, duckdb_type
from lambdas.common.contract.model import Column, Contract

# what a column may be read from, by what it becomes; texts are read from anything
READABLE = {
    "number": {"text", "number"},
    "boolean": {"text", "number", "boolean"},
    "time": {"text", "time"},
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference in words. With `only_if_valued` it is one only where that raw column has a value."""

    text: str
    only_if_valued: str | None = None


def find_drift(contract: Contract, raw_types: Mapping[str, str]) -> Iterator[Drift]:
    """New raw columns that the contract names nowhere, lost ones that it reads, and changed types.

    Args:
        contract: the source's contract; `*` among its ignored columns allows any new one.
        raw_types: DuckDB's type by raw column name.
    """
    present = {name.lower(): (name, kind) for name, kind in raw_types.items()}
    for name in find_new(contract, raw_types):
        yield Drift(f"new raw column {name!r} ({raw_types[name]}): name it in the contract, or in ignoredColumns")
    for name in find_lost(contract, raw_types):
        yield Drift(f"raw column {name!r} is lost: the contract reads it")
    for column in contract.columns:
        found = present.get(column.sources[0].lower())
        if found is not None and column.reads_one_raw_column:
            yield from _changed_type(column, *found)


def find_new(contract: Contract, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the raw columns that the contract names nowhere."""
    known = {name.lower() for name in (*contract.raw_columns, *contract.ignored_columns)}
    return tuple(name for name in names if name.lower() not in known and "*" not in known)


def find_lost(contract: Contract, names: Iterable[str]) -> tuple[str, ...]:
    """The raw columns that the contract reads and that are not among these."""
    present = {name.lower() for name in names}
    return tuple(name for name in contract.raw_columns if name.lower() not in present)


def _changed_type(column: Column, name: str, kind: str) -> Iterator[Drift]:
    given = type_class(kind)
    if column.raw_type is not None:
        expected = {column.raw_type}
    else:
        expected = READABLE.get(type_class(duckdb_type(column.physical_type)), {given})
        expected = expected | ({"number"} if column.reading.format or column.reading.true_words else set())
    if given not in expected:
        wanted = " or ".join(sorted(expected))
        yield Drift(f"raw column {name!r} is now {given} ({kind}); {column.name} is read from {wanted}", name)


def type_class(kind: str) -> str:
    """number, boolean, time or text: what values of that DuckDB type are."""
    if kind in NUMBERS or kind.startswith("DECIMAL"):
        return "number"
    if kind.startswith(("TIME", "DATE")):
        return "time"
    return "boolean" if kind == "BOOLEAN" else "text"
