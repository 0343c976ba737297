"""The statements of loads and migrations before they run: their own code, on a session that sends nothing."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db import bi, changes, ddl, load
from lambdas.common.db.ledger import Anew, Entry, Stamp
from lambdas.common.db.manifest import Manifest
from lambdas.common.db.redshift import query
from lambdas.common.db.rehearsal import Rehearsal
from lambdas.common.db.sql import statement

MANIFEST = "s3://{bucket}/manifests/{source}/<load id>-<8 hex digits>.json"
# A rehearsal waits for nobody.
SECONDS = 60
ROWS = re.compile(r"^(.* VALUES \(.*?\))(, \(.*\))$", re.DOTALL)


def rehearse_load(
    batch: Sequence[Entry], contract: Contract, known: Mapping[str, Any], url: str, copy_role: str, *, anew: bool
) -> list[str]:
    """What the session of one batch sends, but for its SET: how long it waits is decided when it runs.

    Args:
        batch: an entry a raw object, with the counts that the ledger would get.
        contract: the source's, to which the tables are taken to have come.
        known: the entries in force, by raw key.
        url: where the manifest would lie.
        copy_role: as the settings have it.
        anew: a rebuild.

    Returns:
        The statements, values that are bound as $1, $2 ...; of many rows of such values the first alone.
    """
    manifest = Manifest(url, sum(e.rows_accepted for e in batch)) if any(e.rows_accepted for e in batch) else None
    since = Anew(max((int(e["generation"]) for e in known.values()), default=0), contract.hash) if anew else None
    listing = {e.raw_key: e.etag for e in batch}
    ordered = load.Batch(contract, batch, lambda: listing, time.monotonic() + SECONDS, since)
    answers = {
        load.COPIED: [{"rows": manifest.rows if manifest else 0}],
        statement("dataset_definition"): [asdict(changes.define(contract))],
        statement("ledger_of_applied"): [known[key] for key in listing if key in known],
        load.bounds_query(contract): [{"first": None, "last": None}],
    }
    session = Rehearsal(lambda sql, _args: answers.get(sql, []))
    load.stage(session, ordered, manifest, copy_role)
    load.commit(session, ordered, Stamp(contract.name, "", 0, ""))
    return [_shorten(sql) for sql in session.statements if not sql.startswith("SET ")]


def _shorten(sql: str) -> str:
    """An INSERT of many rows of parameters, by its first one."""
    rows = ROWS.match(sql)
    return f"{rows[1]} /* and {rows[2].count(', ($')} more like it */" if rows else sql


def rehearse_migration(connection: Any, contract: Contract) -> list[str]:
    """What migrate would run to bring the source's tables, and its view for BI tools, to the contract.

    Nothing is changed. A mart in the way of a longer text, which migrate takes away and puts back, is not among it.
    """

    def answer(sql: str, args: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        if list(args) == [bi.SCHEMA, contract.name] and any(sql in session.statements for sql in dropped):
            return []
        return query(connection, sql, args) if sql.startswith("SELECT") else []

    dropped, session = bi.drops(connection, contract.name), Rehearsal(answer)
    ran = ddl.extend_source(session, contract) + ddl.widen_source(session, contract, {})
    return ran + bi.migrate_views(session, [contract])
