"""A contract beside its former self: what breaks those who deliver or read the data, and what only adds to it.

Changes of tables are those that migrate itself would find if the tables were as the former contract says.
"""

from collections.abc import Iterator

from lambdas.common.contract import Column, Contract
from lambdas.common.db import changes, ddl
from lambdas.common.db.compare_rules import (
    Change,
    compare_column_rules,
    compare_source_rules,
    compare_table_rules,
)

REBUILD = "rows that are loaded keep the former values until `analytics rebuild {name}`"


def compare_contracts(former: Contract, contract: Contract) -> list[Change]:
    """All differences that matter to somebody, the breaking ones first."""
    found = [*_columns(former, contract), *compare_table_rules(former, contract)]
    if contract.kind == "source":
        found += [*_tables(former, contract), *compare_source_rules(former, contract)]
    return sorted(found, key=lambda change: not change.breaking)


def _tables(former: Contract, contract: Contract) -> Iterator[Change]:
    """What migrate would do to the tables, and what it would refuse."""
    kept = {c.name: changes.Found(changes.comparable(c), not c.required) for c in former.columns}
    for table in ddl.tables(contract)[:1]:
        found = changes.compare(contract, table, kept)
        for text in found.obstacles:
            yield Change(f"{text}; migrate refuses that", _column_of(text, table))
        for sql in (*found.additions, *found.widenings):
            yield Change(f"migrate runs {sql}", _column_of(sql.replace('"', ""), table), breaking=False)
    for text in changes.compare_definitions(contract, changes.define(former)):
        yield Change(f"{text}; migrate refuses that once there are rows")


def _column_of(text: str, table: str) -> str:
    """The column that an obstacle or a statement names."""
    for mark in (f"{table}.", "COLUMN "):
        if mark in text:
            return text.split(mark, 1)[1].split(" ", 1)[0]
    return ""


def _columns(former: Contract, contract: Contract) -> Iterator[Change]:
    now = {c.name: c for c in contract.columns}
    for column in former.columns:
        if column.name in now:
            yield from _column(contract, column, now[column.name])
        elif column.name in contract.retired:
            yield Change("is retired: new rows have no value there", column.name)
        elif contract.kind == "mart":
            yield Change(f"column {column.name} is gone from the view: who reads it breaks")
        elif renamed := _renamed(column, former, contract):
            yield Change(f"looks renamed from {column.name}; who reads {column.name} breaks", renamed)
    known = {c.name for c in former.columns}
    for column in contract.columns:
        if column.name not in known and column.required:
            text = "a new column is required: objects that lack it are rejected row by row"
            yield Change(text, column.name, breaking=contract.kind == "source")


def _renamed(column: Column, former: Contract, contract: Contract) -> str | None:
    """A new column that reads what the column read."""
    known = {c.name for c in former.columns}
    fresh = (c for c in contract.columns if c.name not in known)
    return next((c.name for c in fresh if c.sources == column.sources), None)


def _column(contract: Contract, was: Column, now: Column) -> Iterator[Change]:
    if now.required and not was.required:
        yield Change("becomes required: rows without a value are rejected from now on", now.name)
    if now.unique and not was.unique:
        yield Change("becomes unique: a value that comes again in an object is rejected", now.name)
    if now.restricted and not was.restricted:
        yield Change("becomes restricted: it leaves the API", now.name)
    if was.restricted and not now.restricted:
        text = "is restricted no more: the API, schema bi and rejected rows show what nobody was to see"
        yield Change(text, now.name)
    if contract.kind == "mart" and changes.comparable(was) != changes.comparable(now):
        text = f"{was.physical_type} becomes {now.physical_type} in the view"
        yield Change(text, now.name, breaking=not changes.is_wider(now, changes.comparable(was)))
    if (was.transform, was.reading) != (now.transform, now.reading):
        text = f"is read in another way; {REBUILD.format(name=contract.name)}"
        yield Change(text, now.name, breaking=False)
    yield from compare_column_rules(was, now)
