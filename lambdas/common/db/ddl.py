"""From a contract to Redshift's DDL.

Tables declare no key: Redshift would not enforce it, but its planner would trust it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.contract import Column, Contract
from lambdas.common.db.redshift import autocommit, execute, query, transaction
from lambdas.common.db.sql import identifier, identifiers, statement
from lambdas.common.errors import ContractError

SYSTEM_COLUMNS = ("_raw_key varchar(1024) NOT NULL", "_raw_row bigint NOT NULL", "_loaded_at timestamp NOT NULL")
# The longest text that a VARCHAR of the staging table holds; JSON text for SUPER passes through it.
STAGED_SUPER = "varchar(65535)"


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
    columns = [f"{identifier(c.name)} {c.physical_type}{' NOT NULL' if c.required else ''}" for c in contract.columns]
    body, event = ", ".join([*columns, *SYSTEM_COLUMNS]), identifier(contract.event_time.name)
    return f"CREATE TABLE IF NOT EXISTS {identifier(table)} ({body}) DISTSTYLE AUTO COMPOUND SORTKEY ({event})"


def migrate_source(connection: Any, contract: Contract) -> list[str]:
    """Bring a source's tables to its contract; returns the statements that ran. Autocommit is off.

    Only additive changes are made: a new column at the end, a wider varchar.

    Raises:
        ContractError: the contract asks for a change that is not additive; names it.
    """
    with transaction(connection):
        ran = _create_missing(connection, contract)
    # ALTER COLUMN TYPE cannot run in a transaction block; each addition stands for itself.
    with autocommit(connection):
        for table in tables(contract):
            for sql in _additions(contract, table, _columns(connection, table)):
                execute(connection, sql)
                ran.append(sql)
    return ran


def _create_missing(connection: Any, contract: Contract) -> list[str]:
    """Create what is not there; two migrates at once wait for each other, so no generation row is made twice."""
    execute(connection, "LOCK ops.generation")
    lock = f"ops.lock_{contract.name}"
    missing = [name for name in (*tables(contract), lock) if not _columns(connection, name)]
    core, history = f"core.{contract.name}", f"history.{contract.name}"
    if history in missing and core not in missing and _has_rows(connection, core):
        raise ContractError(
            f"{contract.path}: {core} was loaded without a key, and the contract has one now: "
            "its history is not known. Load under a new name."
        )
    ran = [create_table(contract, name) for name in missing if name != lock]
    ran += [f"CREATE TABLE IF NOT EXISTS {identifier(lock)} (held boolean)"] * (lock in missing)
    for sql in ran:
        execute(connection, sql)
    if not query(connection, "SELECT 1 AS one FROM ops.generation WHERE source = %s", (contract.name,)):
        execute(connection, "INSERT INTO ops.generation (source, generation) VALUES (%s, 0)", (contract.name,))
    return ran


def _has_rows(connection: Any, table: str) -> bool:
    return bool(query(connection, f"SELECT 1 AS one FROM {identifier(table)} LIMIT 1"))


def _columns(connection: Any, table: str) -> dict[str, str]:
    """The table's columns and types as information_schema names them; empty where there is no table."""
    schema, name = table.split(".")
    rows = query(connection, statement("columns"), (schema, name))
    return {row["column_name"]: _type_name(row) for row in rows}


def _type_name(row: Mapping[str, Any]) -> str:
    kind = str(row["data_type"])
    names = {
        "character varying": f"varchar({row['character_maximum_length']})",
        "character": f"char({row['character_maximum_length']})",
        "numeric": f"decimal({row['numeric_precision']},{row['numeric_scale']})",
        "timestamp without time zone": "timestamp",
        "timestamp with time zone": "timestamptz",
    }
    return names.get(kind, kind)


def _additions(contract: Contract, table: str, found: Mapping[str, str]) -> Iterator[str]:
    for column in contract.columns:
        wanted = _comparable(column)
        have = found.get(column.name)
        if have is None:
            yield f"ALTER TABLE {identifier(table)} ADD COLUMN {identifier(column.name)} {column.physical_type}"
        elif have != wanted and _is_wider(wanted, have):
            yield f"ALTER TABLE {identifier(table)} ALTER COLUMN {identifier(column.name)} TYPE {wanted}"
        elif have != wanted:
            raise ContractError(
                f"{contract.path}: {column.name}: {table} holds {have}, the contract says {column.physical_type}; "
                "only new columns and wider varchars are migrated. Add a new column, or reload under a new name."
            )


def _comparable(column: Column) -> str:
    kind = column.physical_type.replace(" ", "") if column.physical_type.startswith("decimal") else column.physical_type
    return f"varchar({column.byte_length})" if kind.startswith("varchar") else kind


def _is_wider(wanted: str, have: str) -> bool:
    prefix = "varchar("
    if not (wanted.startswith(prefix) and have.startswith(prefix)):
        return False
    return int(wanted[len(prefix) : -1]) > int(have[len(prefix) : -1])


def definition_hash(sql: str) -> str:
    """Twelve hex digits over a mart's SELECT; another SELECT is another view."""
    return hashlib.sha256(sql.encode()).hexdigest()[:12]


def create_view(mart: Contract, sql: str) -> Iterator[str]:
    """Statements that put a mart's view in place of any former one, readable by `reader`. Run in one transaction."""
    name = identifier("mart." + mart.name)
    yield f"DROP MATERIALIZED VIEW IF EXISTS {name}"
    yield f"CREATE MATERIALIZED VIEW {name} AS {sql.strip().rstrip(';')}"
    yield f"GRANT SELECT ON {name} TO {identifiers(['reader'])}"
