"""The proof: what the ledger says of raw objects against what the tables hold, and what lies in the lake.

Counts rows; it does not compare their values. Everything in the warehouse is read in one snapshot, so that loads may go
on meanwhile.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import BAD, FORGOTTEN, is_in_force, read_in_force
from lambdas.common.db.redshift import query, rollback
from lambdas.common.db.sql import identifier, identifiers, statement
from lambdas.common.lake import day_prefix, parse_raw_day

ROWS_IN = "rows in = accepted + rejected"
ACCEPTED = "accepted = rows by _raw_key"
ONCE = "each row of an object is there once"
SUPERSEDED = "accepted = current + superseded"
KNOWN = "each row's object is in the ledger"
KEYS = "keys in core = distinct keys in history"
NEWEST = "core holds the greatest version of each key"
# As lambdas.process names the slices of a large object in its folder: by their rows.
SLICE = re.compile(r"(?P<first>\d{12})-(?P<end>\d{12})(?:_[0-9a-f]{8})?\.parquet")
FILES = "files of the entries in force lie in the lake"

EVER = (dt.date(1, 1, 1), dt.date(9999, 12, 31))
# Beyond these nobody reads on: the first few show what is wrong.
MOST = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One equation that does not hold for one raw key; `detail` says the numbers, never a row's values."""

    equation: str
    raw_key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.raw_key}: {self.equation}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Lake:
    """What lies in the lake of a source's days: ETags by raw key, and the keys of curated and rejected files.

    `undated` are keys under raw/<source>/ that lie in no day, where all of it was listed. `followed` is the first UTC
    day of which an object came when it was news.
    """

    raw: Mapping[str, str]
    files: Collection[str]
    undated: tuple[str, ...] = ()
    followed: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, beside what the ledger says of the days.

    `pending` objects lie in the lake and are not in force: not loaded yet. `gone` ones are in force and no longer in
    the lake: their rows stay until somebody has them forgotten. `lapsed` ones were set aside and have gone: the next
    load of their day withdraws their entries. Of `findings` there are MOST of a kind at most. `days` are those of which
    lake or ledger know an object, be it forgotten; `followed` is the lake's.
    """

    objects: int
    rows_in: int
    rows_accepted: int
    rows_rejected: int
    pending: tuple[str, ...]
    gone: tuple[str, ...]
    findings: tuple[Finding, ...]
    lapsed: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()
    days: frozenset[dt.date] = frozenset()
    followed: dt.date | None = None


def prove(connection: Any, contract: Contract, days: tuple[dt.date, dt.date], listing: Callable[[], Lake]) -> Proof:
    """Hold the ledger's equations against the tables for the raw days [start, end), or EVER.

    Args:
        connection: of a user who may read; autocommit is off, so that all is read in one snapshot.
        contract: the source's.
        days: the raw days; keys are held against each other for the whole source in any case.
        listing: lists the lake; called after the snapshot, so that it has every file that the snapshot knows.
    """
    known = read_in_force(connection, contract.name, *days)
    entries = {k: e for k, e in known.items() if e["status"] != FORGOTTEN}
    findings = [*_prove_objects(connection, contract, days)]
    if contract.key:
        findings += _prove_keys(connection, contract)
    rollback(connection)
    lake = listing()
    findings += _prove_files(entries, lake)
    totals = {
        name: sum(int(e[name]) for e in entries.values()) for name in ("rows_in", "rows_accepted", "rows_rejected")
    }
    gone = sorted(entries.keys() - lake.raw.keys())
    return Proof(
        objects=len(entries),
        **totals,
        pending=tuple(sorted(k for k, etag in lake.raw.items() if not is_in_force(entries.get(k), etag))),
        gone=tuple(k for k in gone if entries[k]["status"] != BAD),
        findings=tuple(findings),
        lapsed=tuple(k for k in gone if entries[k]["status"] == BAD),
        undated=lake.undated,
        days=frozenset(parse_raw_day(key).day for key in known.keys() | lake.raw.keys()),
        followed=lake.followed,
    )


def _prove_objects(connection: Any, contract: Contract, days: tuple[dt.date, dt.date]) -> Iterator[Finding]:
    counted = statement("prove_objects_keyed" if contract.key else "prove_objects_keyless").format(**_tables(contract))
    bounds = key_bounds(contract.name, days)
    arguments = [contract.name, *bounds, *bounds, *(bounds if contract.key else ())]
    for row in query(connection, statement("prove_objects").format(counted=counted, limit=MOST), arguments):
        counts = {name: int(value) for name, value in row.items() if name != "raw_key"}
        yield from _object_findings(row["raw_key"], counts, keyed=bool(contract.key))


def _object_findings(raw_key: str, n: Mapping[str, int], *, keyed: bool) -> Iterator[Finding]:
    if n["entries"] == 0:
        yield Finding(KNOWN, raw_key, f"the tables hold {max(n['held'], n['newest'])} rows of it, and it has no entry")
        return
    if n["rows_in"] != n["rows_accepted"] + n["rows_rejected"]:
        detail = f"{n['rows_in']} rows in, {n['rows_accepted']} accepted, {n['rows_rejected']} rejected"
        yield Finding(ROWS_IN, raw_key, detail)
    if n["rows_accepted"] != n["held"]:
        yield Finding(ACCEPTED, raw_key, f"{n['rows_accepted']} accepted, the table holds {n['held']}")
    if n["held"] != n["known"]:
        yield Finding(ONCE, raw_key, f"{n['held']} rows, of which {n['known']} differ in their number")
    if keyed and n["rows_accepted"] != n["newest"] + n["superseded"]:
        detail = f"{n['rows_accepted']} accepted, {n['newest']} current, {n['superseded']} superseded"
        yield Finding(SUPERSEDED, raw_key, detail)


def _prove_keys(connection: Any, contract: Contract) -> Iterator[Finding]:
    same = " AND ".join(f"w.{identifier(name)} = c.{identifier(name)}" for name in contract.key)
    newest = f"h.{identifier(contract.version_column)} DESC NULLS LAST, " if contract.version_column else ""
    names = {"keys": identifiers(contract.key), "history_keys": identifiers(contract.key, "h")}
    sql = statement("prove_keys").format(**_tables(contract), **names, newest=newest, same_key=same, limit=MOST)
    for row in query(connection, sql):
        yield _key_finding(row)


def _key_finding(row: Mapping[str, Any]) -> Finding:
    wanted, found = f"row {row['wanted_row']}", f"row {row['found_row']} of {row['found_key']}"
    if row["wanted_key"] is None:
        return Finding(KEYS, row["found_key"], f"core has its row {row['found_row']} for a key that history has not")
    if row["found_key"] is None:
        return Finding(KEYS, row["wanted_key"], f"core has no row for the key of its {wanted}")
    if int(row["found"]) != 1:
        return Finding(KEYS, row["wanted_key"], f"core has {row['found']} rows for the key of its {wanted}")
    return Finding(NEWEST, row["wanted_key"], f"its {wanted} is the greatest of its key, core has {found}")


def _prove_files(entries: Mapping[str, Mapping[str, Any]], lake: Lake) -> Iterator[Finding]:
    for raw_key, entry in entries.items():
        # forgetting a key takes the rejected files of objects that have gone, and nobody can make them again
        names = ("curated_key", "rejected_key") if raw_key in lake.raw else ("curated_key",)
        for name in names:
            if entry[name] and not _is_there(entry[name], lake.files, int(entry["rows_in"])):
                yield Finding(FILES, raw_key, f"{entry[name]} is not there")


def _is_there(key: str, files: Collection[str], rows: int) -> bool:
    """Whether the file is among those; of a large object's folder, whether its slices are, from the first row on.

    Not every slice has rejected rows: of these one is enough.
    """
    if not key.endswith("/"):
        return key in files
    found = [m for file in files if file.startswith(key) and (m := SLICE.match(file[len(key) :]))]
    if key.startswith("rejected/"):
        return bool(found)
    ends = {int(m["first"]): int(m["end"]) for m in found}
    row = 0
    while row in ends and row < rows:
        row = ends[row]
    return row == rows


def _tables(contract: Contract) -> dict[str, str]:
    return {"core": identifier("core." + contract.name), "history": identifier("history." + contract.name)}


def key_bounds(source: str, days: tuple[dt.date, dt.date]) -> tuple[str, str]:
    """Between which texts the raw keys of the days lie; all texts for EVER, also those that are no raw keys."""
    if days == EVER:
        return "", "~"
    return day_prefix("raw", source, days[0]), day_prefix("raw", source, days[1])
