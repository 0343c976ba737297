"""What separates a source's tables from its contract: what can be added, and what Redshift cannot change in place.

Redshift changes a column's type only from a varchar to a longer one, appends columns at the end and takes no NOT NULL
away (ALTER TABLE). Everything else means to build the tables anew, which the raw objects allow at any time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lambdas.common.contract import Column, Contract
from lambdas.common.db.sql import identifier


@dataclass(frozen=True, slots=True)
class Found:
    """A column as the warehouse has it; `kind` is its type in the contracts' spelling."""

    kind: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """What the rows of a source's tables mean beyond their types. An empty text is none; keys are sorted."""

    key_columns: str
    version_column: str
    event_time: str
    distribution_key: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Statements that bring one table to its contract, and in words what they cannot bring about."""

    additions: tuple[str, ...]
    widenings: tuple[str, ...]
    obstacles: tuple[str, ...]


def define(contract: Contract) -> Definition:
    """The definition that the contract asks for."""
    key = ",".join(sorted(contract.key))
    return Definition(key, contract.version_column or "", contract.event_time.name, contract.distribution_key or "")


def compare(contract: Contract, table: str, found: Mapping[str, Found]) -> Changes:
    """What one table lacks; nothing where there is no table yet, as it is created whole."""
    if not found:
        return Changes((), (), ())
    additions = [_add(table, c) for c in contract.columns if c.name not in found]
    widenings = [_widen(table, c) for c in contract.columns if c.name in found and is_wider(c, found[c.name].kind)]
    return Changes(tuple(additions), tuple(widenings), tuple(_obstacles(contract, table, found)))


def compare_definitions(contract: Contract, recorded: Definition) -> Iterator[str]:
    """In words, what the rows that are there were decided by and the contract does no longer say."""
    wanted = define(contract)
    for name, words in (
        ("key_columns", "primary key"),
        ("version_column", "version column"),
        ("event_time", "partition column"),
    ):
        was, is_now = getattr(recorded, name), getattr(wanted, name)
        if was != is_now:
            yield f"the rows were loaded with {words} ({was or 'none'}), the contract says ({is_now or 'none'})"


def refuse(contract: Contract, obstacles: Iterable[str]) -> str:
    """The message of a refusal: what stands in the way, and the steps that a person can take."""
    name, tables = contract.name, f"core.{contract.name}" + (f" and history.{contract.name}" if contract.key else "")
    reasons = "".join(f"\n  - {text}" for text in obstacles)
    return (
        f"{contract.path}: the tables cannot be brought to this contract in place; nothing was changed:{reasons}\n"
        "Either take the change back. A column can be replaced by one of another name, and then retired:\n"
        "  customProperties: [{property: retired, value: true}] on the old one, whose values then stay as they are.\n"
        f"Or build the tables anew from raw/ ({tables} are away, and the marts on them, until the last step ends):\n"
        f"  1. .venv/bin/python -m scripts.analytics retire {name} --drop\n"
        "  2. make deploy ENV=<environment>      (on the local cloud: make up)\n"
        f"  3. .venv/bin/python -m scripts.analytics rebuild {name}"
    )


def drop_retired(contract: Contract, table: str, found: Mapping[str, Found]) -> Iterator[str]:
    """The statements by which a person takes retired columns out of the table; nobody else runs them."""
    for name in contract.retired:
        if name in found:
            yield f"ALTER TABLE {identifier(table)} DROP COLUMN {identifier(name)}"


def _add(table: str, column: Column) -> str:
    # nullable though it may be required: the rows that are there have no value until they are rebuilt
    return f"ALTER TABLE {identifier(table)} ADD COLUMN {identifier(column.name)} {column.physical_type}"


def _widen(table: str, column: Column) -> str:
    return f"ALTER TABLE {identifier(table)} ALTER COLUMN {identifier(column.name)} TYPE {comparable(column)}"


def comparable(column: Column) -> str:
    """The column's type as the warehouse spells it."""
    kind = column.physical_type.replace(", ", ",")
    if kind.startswith("varchar"):
        return f"varchar({column.byte_length})"
    return f"char({column.byte_length})" if kind == "char(max)" else kind


def is_wider(column: Column, have: str) -> bool:
    """Whether the contract asks for a longer varchar than the warehouse has."""
    wanted = comparable(column)
    if not (wanted.startswith("varchar(") and have.startswith("varchar(")):
        return False
    return int(wanted[8:-1]) > int(have[8:-1])


def _obstacles(contract: Contract, table: str, found: Mapping[str, Found]) -> Iterator[str]:
    for column in contract.columns:
        have = found.get(column.name)
        if have is None:
            continue
        if have.kind != comparable(column) and not is_wider(column, have.kind):
            yield f"{table}.{column.name} is {have.kind}, the contract says {column.physical_type}"
        if not have.nullable and not (column.required or column.name in contract.retired):
            yield f"{table}.{column.name} is NOT NULL, the contract says that it may be missing"
    yield from _dropped(contract, table, found)


def _dropped(contract: Contract, table: str, found: Mapping[str, Found]) -> Iterator[str]:
    known = {*(c.name for c in contract.columns), *contract.retired}
    # the platform's own columns begin with an underscore, as no contract's can
    for name in sorted(n for n in found.keys() - known if not n.startswith("_")):
        yield f"{table}.{name} is no column of the contract; whether it is to go says `retired`"
    for name in contract.retired:
        if name in found and not found[name].nullable:
            yield f"{table}.{name} is NOT NULL, so new rows need a value: it cannot be retired"
