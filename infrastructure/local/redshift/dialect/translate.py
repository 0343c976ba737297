"""From the text of a client to plans: the door of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from infrastructure.local.redshift.dialect import (
    copying,
    grants,
    merging,
    objects,
    parameters,
    prepared,
    query,
    rows,
    sessions,
    show,
    unloading,
)
from infrastructure.local.redshift.dialect.lexer import Token, Tokens, split
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.scope import KnownColumns, knowing
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered, syntax_error

_QUERIES = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "("}
_STATEMENTS: dict[str, Callable[[Tokens], Plan]] = {
    "BEGIN": sessions.begin,
    "START": sessions.start,
    "COMMIT": sessions.commit,
    "END": sessions.commit,
    "ROLLBACK": sessions.rollback,
    "ABORT": sessions.rollback,
    "LOCK": sessions.lock,
    "TRUNCATE": sessions.truncate,
    "SET": parameters.set_parameter,
    "RESET": parameters.reset,
    "SHOW": show.show,
    "VACUUM": sessions.vacuum,
    "ANALYZE": sessions.analyze,
    "ANALYSE": sessions.analyze,
    "COMMENT": sessions.comment,
    "EXPLAIN": sessions.explain,
    "DECLARE": sessions.declare,
    "FETCH": sessions.fetch,
    "CLOSE": sessions.close,
    "PREPARE": prepared.prepare,
    "EXECUTE": prepared.execute,
    "DEALLOCATE": prepared.deallocate,
    "CANCEL": sessions.cancel,
    "COPY": copying.copy,
    "UNLOAD": unloading.unload,
    "MERGE": merging.merge,
    "CREATE": objects.create,
    "ALTER": objects.alter_object,
    "DROP": objects.drop,
    "REFRESH": objects.refresh,
    "GRANT": lambda tokens: grants.grant(tokens, "GRANT"),
    "REVOKE": lambda tokens: grants.grant(tokens, "REVOKE"),
}
_REFUSED = {
    "SAVEPOINT": "SAVEPOINT is not supported",
    "RELEASE": "RELEASE SAVEPOINT is not supported",
    "LISTEN": "LISTEN is not supported",
    "NOTIFY": "NOTIFY is not supported",
    "DO": "DO is not supported",
    "CLUSTER": "CLUSTER is not supported",
    "REINDEX": "REINDEX is not supported",
    "VALUES": "VALUES list used as a constant table is not supported",
}
# in bytes (DG/c_redshift-sql)
_LARGEST = 16 * 1024 * 1024
# the plans of longer texts, in characters, are not kept for another time
_LONGEST_KEPT = 20_000
_KNOWN_ELSEWHERE = {"CALL", "USE", "ATTACH", "DETACH", "DESC", "DESCRIBE"}


def translate(sql: str, known: KnownColumns | None = None) -> tuple[Plan, ...]:
    """The plans of all statements in `sql`, in order; none for an empty text.

    Args:
        sql: The text.
        known: The columns of tables, once they were asked for.

    Raises:
        RedshiftError: Redshift would refuse a statement, or the endpoint does not cover it.
        ColumnsNeeded: The columns of some tables have to be known first.
    """
    if len(sql) <= _LONGEST_KEPT:
        return _kept_plans(sql, known)
    size = len(sql.encode())
    if size > _LARGEST:
        text = f"Statement is too large. Statement Size: {size} bytes. Maximum Allowed: {_LARGEST} bytes"
        raise RedshiftError("42601", text)
    parsed, further = rows.further(sql)
    plans = _plans(parsed, known)
    return (replace(plans[0], sql=plans[0].sql + further, source=sql),) if further else plans


def _plans(sql: str, known: KnownColumns | None) -> tuple[Plan, ...]:
    found = split(sql)
    try:
        with knowing(known):
            return tuple(replace(_plan(sql, tokens), source=sql[tokens[0].start : tokens[-1].end]) for tokens in found)
    except RecursionError as problem:
        raise RedshiftError("54001", "stack depth limit exceeded") from problem


_kept_plans = lru_cache(maxsize=1024)(_plans)


def _with_from(sql: str, tokens: list[Token]) -> str:
    """The statement's text; in a DELETE the word FROM may be missing."""
    text = sql[tokens[0].start : tokens[-1].end]
    if tokens[0].upper == "DELETE" and len(tokens) > 1 and tokens[1].upper != "FROM":
        return f"{text[:6]} FROM {sql[tokens[1].start : tokens[-1].end]}"
    return text


def _plan(sql: str, tokens: list[Token]) -> Plan:
    first = tokens[0]
    word = first.upper
    if word in _QUERIES:
        return query.plan(_with_from(sql, tokens))
    if word in _REFUSED:
        raise RedshiftError(NOT_SUPPORTED, _REFUSED[word])
    if word in _KNOWN_ELSEWHERE:
        raise not_covered(word)
    handler = _STATEMENTS.get(word)
    if handler is None:
        raise syntax_error(first.text)
    cursor = Tokens(sql, tokens)
    cursor.take()
    plan = handler(cursor)
    cursor.end()
    return plan
