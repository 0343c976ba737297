"""The tables of functions.toml: which functions Redshift has, and of which kind each one is."""

from __future__ import annotations

import tomllib
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_name("functions.toml").read_text())

FRAMED = frozenset(_TABLES["framed"].split())
COMPUTE_ONLY = frozenset(_TABLES["compute_only"].split())
LEADER_ONLY = frozenset(_TABLES["leader_only"].split())
AGGREGATES = frozenset(_TABLES["aggregates"].split())
# what queries on nothing but the catalog may call besides
LEADER = LEADER_ONLY | frozenset(_TABLES["catalog_only"].split())
KNOWN = frozenset(
    name for table in ("aggregates", "ranking", "scalars", "rewritten") for name in _TABLES[table].split()
)
DATE_PARTS: dict[str, str] = {
    alias: part for part, aliases in _TABLES["date_parts"].items() for alias in aliases.split()
}
