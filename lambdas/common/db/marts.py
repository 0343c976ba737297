"""Marts: materialized views, refreshed after their inputs; which loads a refresh has seen is written down with it.

How the views themselves are made and replaced is `views`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.redshift import execute, query, rollback, transaction
from lambdas.common.db.sql import identifier, statement

INPUT = re.compile(r"\b(core|history|mart)\s*\.\s*\"?([a-z][a-z0-9_]{0,40})\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def read_sql(mart: Contract) -> str:
    """The mart's SELECT, from mart.sql beside its contract."""
    return (mart.path.parent / "mart.sql").read_text(encoding="utf-8")


def inputs(sql: str) -> list[tuple[str, str]]:
    """The tables that a mart's SELECT names, as (schema, name), in the order of their first use."""
    found = INPUT.findall(COMMENT.sub(" ", sql))
    return list(dict.fromkeys((schema.lower(), name.lower()) for schema, name in found))


def in_order(marts: Mapping[str, Contract]) -> list[Contract]:
    """The marts, each after the marts that it reads.

    Raises:
        ValueError: marts read each other in a circle.
    """
    needs = {name: {n for s, n in inputs(read_sql(m)) if s == "mart"} for name, m in marts.items()}
    return [marts[name] for name in sort_names(needs)]


def sort_names(needs: Mapping[str, set[str]]) -> list[str]:
    """The names, each after those that it needs; needs that are no names themselves do not count.

    Raises:
        ValueError: some need each other in a circle.
    """
    left = {name: need & needs.keys() for name, need in needs.items()}
    ordered: list[str] = []
    while left:
        ready = sorted(name for name, need in left.items() if not need & left.keys())
        if not ready:
            raise ValueError(f"marts read each other in a circle: {', '.join(sorted(left))}")
        ordered += ready
        for name in ready:
            del left[name]
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


def find_behind(connection: Any, mart: Contract) -> list[str]:
    """The sources of which the mart's last refresh has not seen all that they have committed, sorted."""
    seen = read_generations(connection, [("mart", mart.name)])
    now = read_generations(connection, inputs(read_sql(mart)))
    rollback(connection)
    # a source that mart.sql reads no longer stays among those that were seen
    return sorted(source for source, generation in now.items() if seen.get(source) != generation)


def is_stale(connection: Any, mart: Contract) -> bool:
    """Whether the mart is behind any of its sources."""
    return bool(find_behind(connection, mart))


def refresh(connection: Any, mart: Contract) -> dict[str, int]:
    """Refresh the view, and write down the generations that it has surely seen, by source.

    The generations are read before the refresh: what commits in between is seen but not claimed.
    """
    with transaction(connection):
        seen = read_generations(connection, inputs(read_sql(mart)))
        execute(connection, f"REFRESH MATERIALIZED VIEW {identifier('mart.' + mart.name)}")
        write_state(connection, mart, seen)
    return seen


def count_rows(connection: Any, mart: Contract) -> int:
    """How many rows the view has."""
    (row,) = query(connection, f"SELECT COUNT(*) AS counted FROM {identifier('mart.' + mart.name)}")
    rollback(connection)
    return int(row["counted"])


def write_state(connection: Any, mart: Contract, seen: Mapping[str, int]) -> None:
    """Write down the generations that the mart has seen."""
    for source, generation in seen.items():
        insert = "INSERT INTO ops.mart_state (mart, source, generation, refreshed_at) VALUES (%s, %s, %s, GETDATE())"
        execute(connection, insert, (mart.name, source, generation))


def read_generations(connection: Any, tables: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The generation of each source as these tables show it: a mart shows what its own last refresh saw."""
    seen: dict[str, int] = {}
    for schema, name in tables:
        sql = statement("mart_generations") if schema == "mart" else statement("source_generation")
        for row in query(connection, sql, (name,)):
            seen[row["source"]] = min(int(row["generation"]), seen.get(row["source"], int(row["generation"])))
    return seen
