"""The one transaction that takes staged objects into the tables. Source of the order: docs/adr/0003.

    stage:  temp tables and COPY, before any lock, in the same session
    commit: LOCK first (no snapshot yet), list the raw days again, read the ledger, drop what is stale or already
            in force, replace by _raw_key, decide the touched keys from history, append the ledger, COMMIT

Nothing slow stands between LOCK and COMMIT; TRUNCATE is never used (it would commit).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db import ddl
from lambdas.common.db.ledger import (
    BAD,
    FORGOTTEN,
    Anew,
    Entry,
    Stamp,
    append,
    is_in_force,
    is_put_by,
    read_applied,
    read_generation,
)
from lambdas.common.db.lock import LedgerTurn, lock_source, take_turns
from lambdas.common.db.manifest import Manifest, copy_statement
from lambdas.common.db.redshift import autocommit, execute, query, transaction
from lambdas.common.db.sql import identifier, identifiers, statement
from lambdas.common.errors import DataRefused, LoadError

KEYS_A_STATEMENT = 1000
COPIED = "SELECT pg_last_copy_count() AS rows"
# Gives today's raw content: ETag by raw key, for the raw days of the entries at hand.
Listing = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load committed: the entries that it put in force, and how many were already there."""

    entries: tuple[Entry, ...]
    in_force: int
    generation: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction is to take in.

    Args:
        contract: the source's.
        entries: one a raw object, each key once. A forgotten one withdraws what was set aside and lies there no more.
        listing: gives what lies there under the lock.
        limit: time.monotonic() by which the transaction has to be over.
        anew: load what is in force as well, unless it came in since the rebuild was asked for.
    """

    contract: Contract
    entries: Sequence[Entry]
    listing: Listing
    limit: float
    anew: Anew | None = None


def stage(connection: Any, batch: Batch, manifest: Manifest | None, copy_role: str) -> None:
    """Fill the session's temp tables, before any lock is taken: `staging` from the manifest, `applied` with the keys.

    Raises:
        DataRefused: COPY found a value that does not fit.
        LoadError: COPY took another number of rows than the files' footers say. The files are the platform's own and
            never written twice, so no raw object is to blame, and none is set aside for it.
    """
    with autocommit(connection):
        for sql in _temp_tables(batch.contract):
            execute(connection, sql)
        _fill_applied(connection, [e.raw_key for e in batch.entries])
        if manifest is None:
            return
        execute(connection, copy_statement(manifest.url, copy_role))
        copied = int(query(connection, COPIED)[0]["rows"])
    if copied != manifest.rows:
        raise LoadError(f"COPY took {copied} rows, the files of {manifest.url} hold {manifest.rows}")


def _temp_tables(contract: Contract) -> list[str]:
    touched = [ddl.touched_table(contract)] if contract.key else []
    return [ddl.staging_table(contract), "CREATE TEMP TABLE applied (raw_key varchar(1024))", *touched]


def commit(connection: Any, batch: Batch, stamp: Stamp) -> Loaded:
    """Take the staged entries into the tables, exactly once. `stamp.generation` is set here, under the lock.

    Raises:
        WarehouseBusy: nothing or everything was committed; run again on a new connection, which finds out.
        DataRefused: a value is no JSON to the warehouse; nothing was committed.
        ContractError: migrate has not brought the tables to this contract; nothing was committed.
        LoadError: the warehouse refused; nothing was committed.
    """
    return take_turns(connection, batch.limit, partial(_commit, connection, batch, stamp))


def _commit(connection: Any, batch: Batch, stamp: Stamp, turn: LedgerTurn) -> Loaded:
    source = batch.contract.name
    with transaction(connection):
        lock_source(connection, source, batch.limit)
        ddl.require_defined(connection, batch.contract)
        decided = _decide(connection, batch, stamp.load_id)
        generation = read_generation(connection, source)
        if decided.todo:
            generation += 1
            _narrow_staged(connection, batch, decided.todo)
            _replace_staged(connection, batch, former=decided.former)
            with turn.appending(connection):
                append(connection, replace(stamp, generation=generation), decided.todo)
    return Loaded((*decided.todo, *decided.mine), decided.in_force, generation)


@dataclass(frozen=True, slots=True)
class _Decided:
    """`mine` are in force by this very load: a former attempt committed and its reply was lost.

    `former` is whether the tables hold rows of an object that is loaded now.
    """

    todo: list[Entry]
    mine: list[Entry]
    in_force: int
    former: bool


def _decide(connection: Any, batch: Batch, load_id: str) -> _Decided:
    """What there is to load, by what lies there and by the latest entry of each key: both read under the lock."""
    current = batch.listing()
    days = [e.raw_day for e in batch.entries]
    known = read_applied(connection, batch.contract.name, min(days), max(days))
    mine = [e for e in batch.entries if is_put_by(known.get(e.raw_key), e.etag, load_id)]
    fresh = [e for e in batch.entries if current.get(e.raw_key) == (None if e.status == FORGOTTEN else e.etag)]
    todo = [e for e in fresh if not _is_done(known.get(e.raw_key), e, batch.anew)]
    done = sum(e not in todo and e not in mine for e in fresh)
    former = any(int(known[e.raw_key]["rows_accepted"]) for e in todo if e.raw_key in known)
    return _Decided(todo, mine, done, former)


def _is_done(known: Mapping[str, Any] | None, entry: Entry, anew: Anew | None) -> bool:
    if entry.status == FORGOTTEN:
        return not known or known["status"] != BAD
    return is_in_force(known, entry.etag, anew)


def _narrow_staged(connection: Any, batch: Batch, todo: Sequence[Entry]) -> None:
    """Leave in the temp tables what is to be loaded: mostly all, so that no row has to be held against `applied`."""
    keep = {e.raw_key for e in todo}
    if len(keep) < len(batch.entries):
        execute(connection, "DELETE FROM applied")
        _fill_applied(connection, sorted(keep))
        execute(connection, statement("staging_narrow"))


def _replace_staged(connection: Any, batch: Batch, *, former: bool) -> None:
    """COPY has let the values into columns of the contract's types: what the tables refuse now is their own fault.

    No object is set aside for it. JSON alone is looked into only here.
    """
    try:
        _replace(connection, batch.contract, former=former, anew=batch.anew is not None)
    except DataRefused as error:
        if "json" in str(error).lower():
            raise
        raise LoadError(f"the tables of {batch.contract.name} do not fit its contract, run migrate: {error}") from error


def forget_objects(connection: Any, contract: Contract) -> None:
    """Take the rows of the applied objects out of the tables; the keys that they touched are decided anew.

    Runs under the lock, in a session that has staged nothing but the keys in `applied`.
    """
    _replace(connection, contract, former=True)


def forget_key(connection: Any, contract: Contract, values: Mapping[str, str]) -> int:
    """Take the rows of one key out of the applied objects, and decide it anew; how many left. Runs under the lock.

    For objects that no longer lie under raw/: the others are written again without the key, and loaded.
    """
    names, where = _names(contract), key_predicate(contract)
    arguments = [values[name] for name in contract.key]
    execute(connection, statement("keyed_touch_one").format(**names, where=where), arguments)
    gone = execute(connection, statement("keyed_forget").format(**names, where=where), arguments)
    _decide_keys(connection, contract)
    return gone


def key_predicate(contract: Contract) -> str:
    """SQL that is true for the rows of one key, whose values are the parameters, as texts."""
    return " AND ".join(f"{identifier(name)} = CAST(%s AS {_key_type(contract, name)})" for name in contract.key)


def _key_type(contract: Contract, name: str) -> str:
    """A cast to a shorter text would cut the value, and find another key."""
    kind = contract.column(name).physical_type
    return "varchar(65535)" if kind.startswith(("varchar", "char")) else kind


def _replace(connection: Any, contract: Contract, *, former: bool, anew: bool = False) -> None:
    """The rows of the applied objects leave; those staged come in; in a keyed source each touched key is decided anew.

    Where the tables hold nothing of these objects, nothing is looked for. A rebuild also touches what core holds of the
    objects: somebody may have changed it there, to keys that history does not have.
    """
    for sql in _replacement(contract, former=former, anew=anew):
        execute(connection, sql)
    if contract.key:
        _decide_keys(connection, contract)


def _replacement(contract: Contract, *, former: bool, anew: bool) -> list[str]:
    """The statements by which the staged rows take the place of the applied objects' former ones."""
    table, names = identifier(("history." if contract.key else "core.") + contract.name), _names(contract)
    touch = ["keyed_touch", *(["keyed_touch_former"] if former else []), *(["keyed_touch_current"] if anew else [])]
    texts = [statement(name).format(**names) for name in touch] if contract.key else []
    if former:
        texts.append(statement("delete_objects").format(table=table))
    return [*texts, statement("insert_objects").format(table=table, **_inserted(contract))]


def _decide_keys(connection: Any, contract: Contract) -> None:
    """The touched keys' rows in core become what history says."""
    names, bounds = _names(contract), _key_bounds(connection, contract)
    for name, table in (("keyed_delete", names["core"]), ("keyed_decide", "h")):
        execute(connection, statement(name).format(**names, range=_in_bounds(contract, table)), bounds)


def _fill_applied(connection: Any, raw_keys: Sequence[str]) -> None:
    for start in range(0, len(raw_keys), KEYS_A_STATEMENT):
        chunk = raw_keys[start : start + KEYS_A_STATEMENT]
        execute(connection, f"INSERT INTO applied (raw_key) VALUES {', '.join(['(%s)'] * len(chunk))}", chunk)


def _inserted(contract: Contract) -> dict[str, str]:
    return {
        "columns": identifiers(c.name for c in contract.columns),
        "values": ", ".join(ddl.staged_value(c, "s") for c in contract.columns),
    }


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


def _is_bounded(contract: Contract) -> bool:
    """Whether a predicate on the event time may bound the touched keys: only where it is part of the key."""
    return contract.event_time.name in contract.key


def _key_bounds(connection: Any, contract: Contract) -> list[Any]:
    """First and last event time of the touched keys, where a predicate on it is sound; else nothing.

    It lets the zone maps prune. An event whose time is no part of its key may move, and its old row would stay outside.
    Where no key is touched both are NULL, which bounds to no row.
    """
    if not _is_bounded(contract):
        return []
    found = query(connection, bounds_query(contract))[0]
    return [found["first"], found["last"]]


def bounds_query(contract: Contract) -> str:
    """The SELECT of the first and the last event time that are touched."""
    column = identifier(contract.event_time.name)
    return f"SELECT MIN({column}) AS first, MAX({column}) AS last FROM touched"


def _in_bounds(contract: Contract, table: str) -> str:
    column = identifier(contract.event_time.name)
    return f" AND {table}.{column} >= %s AND {table}.{column} <= %s" if _is_bounded(contract) else ""
