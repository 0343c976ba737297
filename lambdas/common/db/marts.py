"""Marts: materialized views, refreshed after their inputs; which loads a refresh has seen is written down with it."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db import ddl
from lambdas.common.db.redshift import execute, query, rollback, transaction
from lambdas.common.db.sql import identifier, statement

logger = logging.getLogger(__name__)

INPUT = re.compile(r"\b(core|history|mart)\s*\.\s*\"?([a-z][a-z0-9_]{0,40})\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def read_sql(mart: Contract) -> str:
    """The mart's SELECT, from mart.sql beside its contract."""
    return (mart.path.parent / "mart.sql").read_text(encoding="utf-8")


def inputs(sql: str) -> list[tuple[str, str]]:
    """The tables that a mart's SELECT names, as (schema, name), in the order of their first use."""
    found = INPUT.findall(COMMENT.sub(" ", sql))
    return list(dict.fromkeys((schema.lower(), name.lower()) for schema, name in found))


def in_order(marts: dict[str, Contract]) -> list[Contract]:
    """The marts, each after the marts that it reads.

    Raises:
        ValueError: marts read each other in a circle.
    """
    needs = {name: {n for s, n in inputs(read_sql(m)) if s == "mart" and n in marts} for name, m in marts.items()}
    ordered: list[Contract] = []
    while needs:
        ready = sorted(name for name, need in needs.items() if not need & needs.keys())
        if not ready:
            raise ValueError(f"marts read each other in a circle: {', '.join(sorted(needs))}")
        for name in ready:
            ordered.append(marts[name])
            del needs[name]
    return ordered


def fed_by(marts: dict[str, Contract], sources: Sequence[str]) -> list[Contract]:
    """The marts that stand on these sources, directly or through other marts, in the order of their refresh."""
    fed: list[Contract] = []
    for mart in in_order(marts):
        feeding = inputs(read_sql(mart))
        names = {m.name for m in fed}
        if any(n in sources for s, n in feeding if s != "mart") or any(n in names for s, n in feeding if s == "mart"):
            fed.append(mart)
    return fed


def migrate_mart(connection: Any, mart: Contract) -> list[str]:
    """Create the view, or replace it where its SELECT has changed; returns the statements that ran."""
    sql = read_sql(mart)
    wanted = ddl.definition_hash(sql)
    known = "SELECT definition_hash FROM ops.mart_definition WHERE mart = %s ORDER BY created_at DESC LIMIT 1"
    with transaction(connection):
        rows = query(connection, known, (mart.name,))
        if rows and rows[0]["definition_hash"] == wanted and _exists(connection, mart.name):
            return []
        seen = _generations(connection, inputs(sql))
        ran = list(ddl.create_view(mart, sql))
        for text in ran:
            execute(connection, text)
        insert = "INSERT INTO ops.mart_definition (mart, definition_hash, created_at) VALUES (%s, %s, GETDATE())"
        execute(connection, insert, (mart.name, wanted))
        _write_state(connection, mart, seen)  # a view that is made is filled: that counts as its first refresh
    return ran


def _exists(connection: Any, name: str) -> bool:
    return bool(query(connection, statement("view_exists"), (name,)))


def is_stale(connection: Any, mart: Contract) -> bool:
    """Whether the mart's last refresh has not seen all that its sources have committed since."""
    seen = _generations(connection, [("mart", mart.name)])
    now = _generations(connection, inputs(read_sql(mart)))
    rollback(connection)
    return seen != now


def refresh(connection: Any, mart: Contract) -> dict[str, int]:
    """Refresh the view, and write down the generations that it has surely seen, by source.

    The generations are read before the refresh: what commits in between is seen but not claimed.
    """
    with transaction(connection):
        seen = _generations(connection, inputs(read_sql(mart)))
        execute(connection, f"REFRESH MATERIALIZED VIEW {identifier('mart.' + mart.name)}")
        _write_state(connection, mart, seen)
    return seen


def _write_state(connection: Any, mart: Contract, seen: Mapping[str, int]) -> None:
    for source, generation in seen.items():
        insert = "INSERT INTO ops.mart_state (mart, source, generation, refreshed_at) VALUES (%s, %s, %s, GETDATE())"
        execute(connection, insert, (mart.name, source, generation))


def _generations(connection: Any, tables: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The generation of each source as these tables show it: a mart shows what its own last refresh saw."""
    seen: dict[str, int] = {}
    for schema, name in tables:
        sql = statement("mart_generations") if schema == "mart" else statement("source_generation")
        for row in query(connection, sql, (name,)):
            seen[row["source"]] = min(int(row["generation"]), seen.get(row["source"], int(row["generation"])))
    return seen
