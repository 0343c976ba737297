"""Rows of one key in raw objects: found by the contract's own expressions, also where the row was rejected."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lambdas.common.contract import Column, Contract
from lambdas.common.contract.assumed import values_of
from lambdas.common.contract.casts import cast, duckdb_type, is_text
from lambdas.common.contract.compile import compile_contract
from lambdas.common.contract.rules import ROW
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ObjectError, RequestError
from lambdas.process.memory import execute
from lambdas.process.writing import write_options

# What ingest writes, so that an object that is written again is no stranger among the others.
WRITE = "FORMAT parquet, COMPRESSION zstd"


class KeyRows:
    """Finds and leaves out the rows of one key.

    Args:
        connection: a DuckDB connection of the engine's.
        contract: a keyed source's.
        values: one value for each column of the key, as JSON has them.

    Raises:
        RequestError: the source has no key, a column is missing or unknown, or a value does not fit its column. The
            message never shows a value.
    """

    def __init__(self, connection: Any, contract: Contract, values: Mapping[str, Any]) -> None:
        if not contract.key:
            raise RequestError(f"{contract.name} has no key; forget its objects one by one, by raw_key (--object)")
        if set(values) != set(contract.key):
            raise RequestError(f"key names {sorted(values)}; the key of {contract.name} is {list(contract.key)}")
        self._connection = connection
        columns = [contract.column(name) for name in contract.key]
        self.values = {c.name: self._typed(c, values[c.name]) for c in columns}
        # Only the key counts here: a row is of that key whatever rules it breaks, and whether its time can be read.
        self._contract = replace(contract, columns=tuple(map(_without_rules, columns)), row_rules=())

    def _typed(self, column: Column, value: Any) -> str:
        """The value as the column's type writes it; the same casts as everywhere, which lose nothing."""
        text = "NULL" if value is None else literal(str(value).lower() if isinstance(value, bool) else str(value))
        typed = cast(f"CAST({text} AS VARCHAR)", "VARCHAR", column.physical_type)
        sql = f"SELECT CAST({typed} AS VARCHAR)"
        found = self._connection.execute(sql).fetchall()[0][0]
        if found is None:
            raise RequestError(f"key.{column.name} has no value that fits {column.physical_type}")
        return str(found)

    def find(self, raw: Path) -> list[int]:
        """Numbers of the rows of the key in a raw object on disk.

        Raises:
            ObjectError: the file cannot be read.
        """
        try:
            source = f"read_parquet({_file(raw)})"
            described = self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            types, has_value = {r[0]: str(r[1]) for r in described}, values_of(self._connection, source)
            compiled = compile_contract(self._connection, self._contract, types, has_value)
            relation = f"(SELECT *, file_row_number AS {ROW} FROM {source})"
            sql = f"SELECT _raw_row FROM ({compiled.accepted(relation, '')}) WHERE {self._match()} ORDER BY 1"
            return [int(row[0]) for row in self._connection.execute(sql).fetchall()]
        except Exception as error:
            # Not the driver's text: it may quote a value.
            raise ObjectError(f"{raw.name} cannot be searched: {type(error).__name__}") from error

    def write_without(self, raw: Path, rows: list[int], target: Path) -> None:
        """Write the raw object again without these rows, all its columns and the order of the rows as they are."""
        left = f"SELECT * FROM read_parquet({_file(raw)}) WHERE file_row_number NOT IN ({', '.join(map(str, rows))})"
        execute(self._connection, f"COPY ({left}) TO {_file(target)} ({write_options(raw, WRITE)})")

    def _match(self) -> str:
        return " AND ".join(self._equals(self._contract.column(name), value) for name, value in self.values.items())

    def _equals(self, column: Column, value: str) -> str:
        """Equality as the warehouse has it: it ignores blanks at the end of a text."""
        name, wanted = quoted(column.name), literal(value)
        if is_text(column.physical_type):
            return f"rtrim({name}, ' ') = rtrim({wanted}, ' ')"
        return f"{name} = CAST({wanted} AS {duckdb_type(column.physical_type)})"


def _without_rules(column: Column) -> Column:
    kind = "varchar(65535)" if is_text(column.physical_type) else column.physical_type
    bare = Column(column.name, column.logical_type, kind, column.transform, column.sources)
    return replace(
        bare, key_position=column.key_position, event_time=column.event_time, reading=column.reading,
        null_words=column.null_words,
    )  # fmt: skip


def _file(path: Path) -> str:
    return literal(str(path))
