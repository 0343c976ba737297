"""Types of raw columns that hold no value: none is known, so that they have whatever the expressions over them need.

A day without rows, or on which nobody measured, says nothing about types; its file has to give its columns some.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import product
from typing import Any

from lambdas.common.contract.model import Column, Contract
from lambdas.common.contract.sql import quoted

# what a raw column may hold, tried in this order where an expression does not bind to text
RAW_TYPES = ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP")
MOST_SOURCES = 3

HasValue = Callable[[str], bool]


def choices(count: int) -> Iterator[tuple[str, ...]]:
    """Types for so many raw columns to try, the likeliest first: all the same, then, of few columns, any."""
    yield from ((kind,) * count for kind in RAW_TYPES)
    if 1 < count <= MOST_SOURCES:
        yield from product(RAW_TYPES, repeat=count)


def assume_types(
    contract: Contract, empty: Collection[str], binds: Callable[[Column, Mapping[str, str]], bool]
) -> dict[str, str]:
    """A type for each of the empty columns that do not do as text, by name in lower case.

    Args:
        contract: whose expressions have to bind, each as far as it can.
        empty: names, in lower case, of raw columns that hold no value.
        binds: whether a column's expression binds where raw columns of those names have those types.
    """
    assumed: dict[str, str] = {}
    for column in contract.columns:
        names = [name.lower() for name in column.sources if name.lower() in empty]
        if not names or binds(column, assumed):
            continue
        readers = [c for c in contract.columns if set(names) & {name.lower() for name in c.sources}]
        for kinds in choices(len(names)):
            tried = assumed | dict(zip(names, kinds, strict=True))
            if all(binds(reader, tried) for reader in readers):
                assumed = tried
                break
    return assumed


def values_of(connection: Any, source: str) -> HasValue:
    """Tells of a column whether it has a value anywhere in what stands after FROM. It reads the column."""
    return lambda name: bool(connection.execute(f"SELECT count({quoted(name)}) FROM {source}").fetchall()[0][0])
