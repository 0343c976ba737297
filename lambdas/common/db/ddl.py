"""From a contract to Redshift's DDL, and the tables of a source brought to it.

Tables declare no key: Redshift would not enforce it, but its planner would trust it. NOT NULL stands only where it can
never have to go (the key, the event time, the platform's own columns), because Redshift takes no NOT NULL away; what
else is required is checked before anything is loaded.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.contract import Column, Contract
from lambdas.common.db import bi, changes, views
from lambdas.common.db.changes import Changes, Definition
from lambdas.common.db.columns import read_columns
from lambdas.common.db.redshift import autocommit, execute, query, rollback, transaction
from lambdas.common.db.sql import identifier, statement
from lambdas.common.errors import ContractError, LoadError

SYSTEM_COLUMNS = ("_raw_key varchar(1024) NOT NULL", "_raw_row bigint NOT NULL", "_loaded_at timestamp NOT NULL")
# The longest text that a VARCHAR of the staging table holds; JSON text for SUPER passes through it.
STAGED_SUPER = "varchar(65535)"
OPS_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\S+) \((.*?)\n\)", re.DOTALL)
OPS_COLUMN = re.compile(r"^ {4}(\w+) (.+?)(?: NOT NULL)?,?$", re.MULTILINE)


def staging_table(contract: Contract) -> str:
    """CREATE TEMP TABLE for what COPY brings: the contract's columns in the order of the curated files."""
    columns = [f"{identifier(c.name)} {_staged_type(c)}" for c in contract.columns]
    return f"CREATE TEMP TABLE staging ({', '.join(columns)}, _raw_key varchar(1024), _raw_row bigint)"


def touched_table(contract: Contract) -> str:
    """CREATE TEMP TABLE for the keys that a load touches."""
    columns = [f"{identifier(name)} {_staged_type(contract.column(name))}" for name in contract.key]
    return f"CREATE TEMP TABLE touched ({', '.join(columns)})"


def _staged_type(column: Column) -> str:
    return STAGED_SUPER if column.physical_type == "super" else column.physical_type


def staged_value(column: Column, alias: str) -> str:
    """The SQL that takes the column out of the staging table under that alias."""
    name = f"{alias}.{identifier(column.name)}"
    return f"JSON_PARSE({name})" if column.physical_type == "super" else name


def tables(contract: Contract) -> tuple[str, ...]:
    """The tables of a source: core, and history where it has a key."""
    names = ("core." + contract.name, "history." + contract.name)
    return names if contract.key else names[:1]


def create_table(contract: Contract, table: str) -> str:
    """CREATE TABLE for one of a source's tables, sorted by event time."""
    body, event = ", ".join([*map(_definition, contract.columns), *SYSTEM_COLUMNS]), contract.event_time.name
    spread = _distribution(contract.distribution_key or "")
    return f"CREATE TABLE IF NOT EXISTS {identifier(table)} ({body}) {spread} COMPOUND SORTKEY ({identifier(event)})"


def _definition(column: Column) -> str:
    lasting = " NOT NULL" if column.key_position or column.event_time else ""
    return f"{identifier(column.name)} {column.physical_type}{lasting}"


def _distribution(key: str) -> str:
    return f"DISTSTYLE KEY DISTKEY ({identifier(key)})" if key else "DISTSTYLE AUTO"


def migrate_ops(connection: Any) -> list[str]:
    """Make the tables of schema ops, and append the columns that one made formerly lacks. Autocommit is off."""
    ran = []
    with transaction(connection):
        for table, body in OPS_TABLE.findall(statement("ops_tables")):
            found = read_columns(connection, table)
            missing = [] if not found else [c for c in OPS_COLUMN.findall(body) if c[0] not in found]
            ran += [f"ALTER TABLE {identifier(table)} ADD COLUMN {identifier(n)} {kind}" for n, kind in missing]
        for text in [*statement("ops_tables").split(";\n"), *ran]:
            execute(connection, text)
    return ran


def check_source(connection: Any, contract: Contract) -> list[str]:
    """In words, what of the contract the source's tables cannot be brought to in place; changes nothing."""
    found = {table: read_columns(connection, table) for table in tables(contract)}
    obstacles = [o for table, columns in found.items() for o in changes.compare(contract, table, columns).obstacles]
    recorded = _recorded(connection, contract.name)
    if recorded and not _is_empty(connection, contract):
        obstacles += changes.compare_definitions(contract, recorded)
    rollback(connection)
    return obstacles


def migrate_source(connection: Any, contract: Contract, known: Mapping[str, Contract] | None = None) -> list[str]:
    """Bring a source's tables to its contract; returns the statements that ran. Autocommit is off.

    Only additive changes are made: a new column at the end, a wider varchar, another distribution. Each step is
    whole by itself, and what is to do is read from the warehouse: after a crash the next call does the rest.

    Args:
        connection: the owner's.
        contract: the source's.
        known: the declared marts by name, to put back those that a wider varchar needs out of the way.

    Raises:
        ContractError: the contract asks for a change that is not additive; nothing was changed. Says what to do.
    """
    if obstacles := check_source(connection, contract):
        raise ContractError(changes.refuse(contract, obstacles))
    return extend_source(connection, contract) + widen_source(connection, contract, known or {})


def extend_source(connection: Any, contract: Contract) -> list[str]:
    """Create what is not there, append columns and change the distribution.

    Raises:
        ContractError: rows came, since all was checked, that were decided by the former definition.
    """
    with transaction(connection):
        ran = _create_missing(connection, contract)
    with transaction(connection):
        # a load holds this lock first as well: no order of locks in which the two could wait for each other
        execute(connection, f"LOCK {identifier('ops.lock_' + contract.name)}")
        added = [sql for table in tables(contract) for sql in _compare(connection, contract, table).additions]
        for sql in added:
            execute(connection, sql)
    return ran + added + _redefine(connection, contract)


def widen_source(connection: Any, contract: Contract, known: Mapping[str, Contract]) -> list[str]:
    """Widen varchars. A mart in the way is dropped and put back; one that does not read the column stays.

    ALTER COLUMN TYPE runs in no transaction: a crash in between leaves marts to the next `views.migrate_marts`.

    Raises:
        ContractError: the warehouse refuses for another reason than the marts, such as a view of somebody else's.
    """
    todo = [(table, sql) for table in tables(contract) for sql in _compare(connection, contract, table).widenings]
    rollback(connection)
    ran: list[str] = []
    try:
        for table, sql in todo:
            ran += _widen(connection, contract, known, table=table, sql=sql)
    finally:
        ran += views.migrate_marts(connection, known) if todo else []
    return ran


def _compare(connection: Any, contract: Contract, table: str) -> Changes:
    return changes.compare(contract, table, read_columns(connection, table))


def _widen(
    connection: Any, contract: Contract, known: Mapping[str, Contract], *, table: str, sql: str
) -> Iterator[str]:
    with transaction(connection):
        dropped = bi.drop_view(connection, contract.name)
    yield from dropped
    try:
        _alter(connection, sql)
    except LoadError:
        yield from views.drop_standing_on(connection, table, known)
        try:
            _alter(connection, sql)
        except LoadError as error:
            reason = f"{sql}: the warehouse says: {error}. A view that is no mart has to be dropped by its owner first"
            raise ContractError(changes.refuse(contract, [reason])) from error
    yield sql


def _alter(connection: Any, sql: str) -> None:
    with autocommit(connection):
        execute(connection, sql)


def _create_missing(connection: Any, contract: Contract) -> list[str]:
    """Create what is not there; two migrates at once wait for each other, so no generation row is made twice."""
    execute(connection, "LOCK ops.generation")
    lock = f"ops.lock_{contract.name}"
    missing = [name for name in (*tables(contract), lock) if not read_columns(connection, name)]
    ran = [create_table(contract, name) for name in missing if name != lock]
    ran += [f"CREATE TABLE IF NOT EXISTS {identifier(lock)} (held boolean)"] * (lock in missing)
    for sql in ran:
        execute(connection, sql)
    if not query(connection, "SELECT 1 AS one FROM ops.generation WHERE source = %s", (contract.name,)):
        execute(connection, "INSERT INTO ops.generation (source, generation) VALUES (%s, 0)", (contract.name,))
    return ran


def _redefine(connection: Any, contract: Contract) -> list[str]:
    """Write down what the tables' rows are decided by; spread them anew where the distribution is another."""
    recorded, wanted = _recorded(connection, contract.name), changes.define(contract)
    rollback(connection)
    if recorded == wanted:
        return []
    ran: list[str] = []
    if recorded and recorded.distribution_key != wanted.distribution_key:
        way = (
            f"ALTER DISTKEY {identifier(wanted.distribution_key)}"
            if wanted.distribution_key
            else "ALTER DISTSTYLE AUTO"
        )
        ran = [f"ALTER TABLE {identifier(table)} {way}" for table in tables(contract)]
    for sql in ran:
        _alter(connection, sql)
    values = (contract.name, wanted.key_columns, wanted.version_column, wanted.event_time, wanted.distribution_key)
    with transaction(connection):
        # a load reads the definition under this lock: one of the former deploy may have filled tables that were empty
        execute(connection, f"LOCK {identifier('ops.lock_' + contract.name)}")
        former = _recorded(connection, contract.name)
        reasons = list(changes.compare_definitions(contract, former)) if former else []
        if reasons and not _is_empty(connection, contract):
            raise ContractError(changes.refuse(contract, reasons))
        execute(connection, "DELETE FROM ops.dataset_definition WHERE source = %s", (contract.name,))
        execute(connection, statement("dataset_define"), values)
    return ran


def require_defined(connection: Any, contract: Contract) -> None:
    """Make sure that the tables' rows are what the contract says; to be called under the source's lock.

    A column that the contract has lost would be emptied row by row, and nothing would say so.

    Raises:
        ContractError: migrate has not run for this contract, or has refused it.
    """
    recorded = _recorded(connection, contract.name)
    differences = ["migrate never ran for it"] if recorded is None else changes.compare_definitions(contract, recorded)
    table = f"core.{contract.name}"
    obstacles = changes.compare(contract, table, read_columns(connection, table)).obstacles
    if reasons := "; ".join((*differences, *obstacles)):
        raise ContractError(f"{contract.path}: {reasons}. Deploy again: migrate says what to do.")


def _recorded(connection: Any, source: str) -> Definition | None:
    rows = query(connection, statement("dataset_definition"), (source,))
    return Definition(**rows[0]) if rows else None


def _is_empty(connection: Any, contract: Contract) -> bool:
    present = [
        table for table in ("core." + contract.name, "history." + contract.name) if read_columns(connection, table)
    ]
    return not any(query(connection, f"SELECT 1 AS one FROM {identifier(table)} LIMIT 1") for table in present)
