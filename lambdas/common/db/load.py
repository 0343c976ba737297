"""The one transaction that takes staged objects into the tables. Source of the order: docs/adr/0003.

    stage:  temp table and COPY, before any lock, in the same session
    commit: LOCK first (no snapshot yet), list the raw days again, read the ledger, drop what is stale or already
            in force, replace by _raw_key, decide the touched keys from history, append the ledger, COMMIT

Nothing slow stands between LOCK and COMMIT; TRUNCATE is never used (it would commit).
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db import ddl
from lambdas.common.db.ledger import Entry, Stamp, append, read_generation, read_in_force
from lambdas.common.db.redshift import autocommit, execute, query, transaction
from lambdas.common.db.sql import identifier, identifiers, literal, statement
from lambdas.common.errors import LoadError

logger = logging.getLogger(__name__)

KEYS_A_STATEMENT = 1000
# Gives today's raw content: ETag by raw key, for the raw days of the entries at hand.
Listing = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load committed: the entries that it put in force, and how many were already there or stale."""

    entries: tuple[Entry, ...]
    in_force: int
    stale: int
    generation: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where the manifest of the curated files lies, and how many rows their footers promise."""

    url: str
    rows: int


def write_manifest(s3: Any, bucket: str, key: str, files: Mapping[str, int]) -> str:
    """Put a COPY manifest of curated keys with their sizes in bytes; its URL.

    `mandatory` makes a missing file an error; `content_length` is required for Parquet.
    """
    entries = [
        {"url": f"s3://{bucket}/{name}", "mandatory": True, "meta": {"content_length": size}}
        for name, size in files.items()
    ]
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"entries": entries}).encode())
    return f"s3://{bucket}/{key}"


def stage(connection: Any, contract: Contract, manifest: Manifest | None, copy_role: str) -> None:
    """Fill the session's temp table `staging` from the manifest, before any lock is taken.

    Raises:
        LoadError: COPY took another number of rows than the files' footers say.
    """
    with autocommit(connection):
        execute(connection, ddl.staging_table(contract))
        execute(connection, "CREATE TEMP TABLE applied (raw_key varchar(1024))")
        if contract.key:
            execute(connection, ddl.touched_table(contract))
        if manifest is None:
            return
        execute(connection, f"COPY staging FROM {literal(manifest.url)} {_role(copy_role)} FORMAT AS PARQUET MANIFEST")
        copied = int(query(connection, "SELECT pg_last_copy_count() AS rows")[0]["rows"])
    if copied != manifest.rows:
        raise LoadError(f"COPY took {copied} rows, the files of {manifest.url} hold {manifest.rows}")


def _role(copy_role: str) -> str:
    return "IAM_ROLE default" if copy_role == "default" else f"IAM_ROLE {literal(copy_role)}"


def commit(connection: Any, contract: Contract, entries: Sequence[Entry], stamp: Stamp, listing: Listing) -> Loaded:
    """Take the staged entries into the tables, exactly once. `stamp.generation` is set here, under the lock.

    Raises:
        WarehouseBusy: nothing or everything was committed; run again on a new connection, which finds out.
        LoadError: the warehouse refused; nothing was committed.
    """
    with transaction(connection):
        execute(connection, f"LOCK {identifier('ops.lock_' + contract.name)}")
        todo, in_force, stale = _still_to_do(connection, contract, entries, listing)
        mine = [e for e in entries if in_force.get(e.raw_key) == stamp.load_id]
        generation = read_generation(connection, contract.name)
        if todo:
            generation += 1
            _replace(connection, contract, todo)
            append(connection, replace(stamp, generation=generation), todo)
    # An entry of this very load that is already in force: a former attempt committed and its reply was lost.
    return Loaded((*todo, *mine), len(in_force) - len(mine), stale, generation)


def _still_to_do(
    connection: Any, contract: Contract, entries: Sequence[Entry], listing: Listing
) -> tuple[list[Entry], dict[str, str], int]:
    """Entries to load now; the load ids of those in force already, by raw key; how many are stale."""
    current = listing()
    days = [e.raw_day for e in entries]
    known = read_in_force(connection, contract.name, min(days), max(days) + dt.timedelta(days=1))
    fresh = [e for e in entries if current.get(e.raw_key) == e.etag]
    in_force = {
        e.raw_key: str(known[e.raw_key]["load_id"])
        for e in fresh
        if e.raw_key in known and known[e.raw_key]["etag"] == e.etag
    }
    todo = [e for e in fresh if e.raw_key not in in_force]
    return todo, in_force, len(entries) - len(fresh)


def _replace(connection: Any, contract: Contract, entries: Sequence[Entry]) -> None:
    """The rows of these objects leave; those staged come in; in a keyed source each touched key is decided anew."""
    _fill_applied(connection, [e.raw_key for e in entries])
    if not contract.key:
        _swap_objects(connection, contract, "core." + contract.name)
        return
    names = _names(contract)
    execute(connection, statement("keyed_touch").format(**names))
    _swap_objects(connection, contract, "history." + contract.name)
    names["range"], bounds = _key_range(connection, contract, "core")
    execute(connection, statement("keyed_delete").format(**names), bounds)
    names["range"], bounds = _key_range(connection, contract, "history")
    execute(connection, statement("keyed_decide").format(**names), bounds)


def _fill_applied(connection: Any, raw_keys: Sequence[str]) -> None:
    for start in range(0, len(raw_keys), KEYS_A_STATEMENT):
        chunk = raw_keys[start : start + KEYS_A_STATEMENT]
        execute(connection, f"INSERT INTO applied (raw_key) VALUES {', '.join(['(%s)'] * len(chunk))}", chunk)


def _swap_objects(connection: Any, contract: Contract, table: str) -> None:
    names = {
        "table": identifier(table),
        "columns": identifiers(c.name for c in contract.columns),
        "values": ", ".join(ddl.staged_value(c, "s") for c in contract.columns),
    }
    execute(connection, statement("delete_objects").format(**names))
    execute(connection, statement("insert_objects").format(**names))


def _names(contract: Contract) -> dict[str, str]:
    core, history = identifier("core." + contract.name), identifier("history." + contract.name)
    version = f"h.{identifier(contract.version_column)} DESC NULLS LAST, " if contract.version_column else ""
    return {
        "core": core,
        "history": history,
        "keys": identifiers(contract.key),
        "columns": identifiers(c.name for c in contract.columns),
        "history_columns": identifiers((c.name for c in contract.columns), "h"),
        "history_keys": identifiers(contract.key, "h"),
        "newest": version,
        "core_key": _same_key(contract, core),
        "history_key": _same_key(contract, "h"),
    }


def _same_key(contract: Contract, table: str) -> str:
    return " AND ".join(f"{table}.{identifier(name)} = touched.{identifier(name)}" for name in contract.key)


def _key_range(connection: Any, contract: Contract, schema: str) -> tuple[str, list[Any]]:
    """A predicate on the event time that lets the zone maps prune: sound only where the event time is in the key.

    An event whose time is no part of its key may move, and its old row would stay outside the range.
    """
    event = contract.event_time.name
    if event not in contract.key:
        return "", []
    column = identifier(event)
    bounds = query(connection, f"SELECT MIN({column}) AS first, MAX({column}) AS last FROM touched")[0]
    if bounds["first"] is None:
        return "", []
    table = identifier("core." + contract.name) if schema == "core" else "h"
    return f" AND {table}.{column} >= %s AND {table}.{column} <= %s", [bounds["first"], bounds["last"]]
