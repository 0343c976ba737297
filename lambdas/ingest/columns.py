"""The columns of several files as one: the names that they have together, whatever their capitals."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract.sql import quoted
from lambdas.common.room import is_disk_full


@dataclass(frozen=True, slots=True)
class File:
    """A file of the source: `relation` is SQL of a FROM clause, `name` what messages call it."""

    name: str
    relation: str


@dataclass(frozen=True, slots=True)
class Own:
    """A column as one file has it: `kind` is DuckDB's type."""

    name: str
    kind: str


class Unreadable(Exception):  # noqa: N818 - reads as what happened
    """DuckDB cannot read a file; its own error is the cause, and may show a value."""

    def __init__(self, file: File) -> None:
        super().__init__(file.name)
        self.file = file


@contextmanager
def reading(file: File) -> Iterator[None]:
    """Name the file where DuckDB cannot read it; a lack of memory or disk is not the file's.

    Raises:
        Unreadable: it cannot.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if is_disk_full(error):
            raise
        raise Unreadable(file) from error


def own_columns(connection: Any, file: File) -> dict[str, Own]:
    """The columns of a file by their names in lower case: tables know no capitals."""
    with reading(file):
        found = connection.execute(f"DESCRIBE SELECT * FROM {file.relation}").fetchall()
    return {row[0].lower(): Own(row[0], row[1]) for row in found}


def all_names(files: Sequence[dict[str, Own]]) -> dict[str, str]:
    """The names of all files' columns as they are first written, by their lower case."""
    names: dict[str, str] = {}
    for columns in files:
        for folded, own in columns.items():
            names.setdefault(folded, own.name)
    return names


def broken_columns(connection: Any, file: File) -> list[Own]:
    """The columns of a file that cannot be read even by themselves; none where the file itself cannot be."""
    try:
        columns = own_columns(connection, file).values()
    except Unreadable:
        return []
    return [own for own in columns if not _is_readable(connection, file, own)]


def _is_readable(connection: Any, file: File, own: Own) -> bool:
    try:
        with reading(file):
            connection.execute(f"SELECT max(hash({quoted(own.name)})) FROM {file.relation}").fetchall()
    except Unreadable:
        return False
    return True
