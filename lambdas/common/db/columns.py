"""The columns of tables and views as the warehouse has them, their types in the contracts' spelling."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambdas.common.contract import Column, Contract
from lambdas.common.db.changes import Found, comparable
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import statement

# every type holds what those before it in its list hold
WIDER = (("smallint", "integer", "bigint"), ("real", "double precision"))


def read_columns(connection: Any, table: str) -> dict[str, Found]:
    """The table's columns by name; empty where there is no such table."""
    schema, name = table.split(".")
    rows = query(connection, statement("columns"), (schema, name))
    return {row["column_name"]: Found(_type_name(row), row["is_nullable"] == "YES") for row in rows}


def _type_name(row: Mapping[str, Any]) -> str:
    kind = str(row["data_type"])
    text, digits = (row["character_maximum_length"],), (row["numeric_precision"], row["numeric_scale"])
    names = {
        "character varying": f"varchar{_sizes(text)}",
        "character": f"char{_sizes(text)}",
        "numeric": f"decimal{_sizes(digits)}",
        "timestamp without time zone": "timestamp",
        "timestamp with time zone": "timestamptz",
    }
    return names.get(kind, kind)


def _sizes(sizes: Sequence[int | None]) -> str:
    """The sizes behind a type's name; nothing where a view's column is of no known size."""
    return "" if None in sizes else f"({','.join(map(str, sizes))})"


def compare_view(mart: Contract, found: Mapping[str, Found]) -> Iterator[str]:
    """In words, which columns of a mart's view may hold what its contract does not say."""
    for column in mart.columns:
        if column.name not in found:
            yield f"{column.name} is no column of the view"
        elif not holds(column, found[column.name].kind):
            yield f"{column.name} is {found[column.name].kind}, the contract says {column.physical_type}"


def holds(column: Column, kind: str) -> bool:
    """Whether every value of that type is one of the column's, as far as its sizes are known."""
    wanted = comparable(column)
    if wanted == kind or any(kind in chain[: chain.index(wanted) + 1] for chain in WIDER if wanted in chain):
        return True
    (base, sizes), (given, given_sizes) = _parts(wanted), _parts(kind)
    if {base, given} <= {"varchar", "char"}:
        return not given_sizes or given_sizes[0] <= sizes[0]
    if base == given == "decimal" and given_sizes:
        return given_sizes[1] <= sizes[1] and given_sizes[0] - given_sizes[1] <= sizes[0] - sizes[1]
    return base == given


def _parts(kind: str) -> tuple[str, list[int]]:
    """A type without its sizes, and these where they are known."""
    base, _, sizes = kind.rstrip(")").partition("(")
    return base, [int(size) for size in sizes.split(",") if size.isdecimal()]
