"""Transactions, session parameters, locks and upkeep."""

from __future__ import annotations

from infrastructure.local.redshift.dialect import query
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import not_covered, not_supported

_ISOLATION_LEVELS = (
    ("SERIALIZABLE",),
    ("SNAPSHOT",),
    ("READ", "COMMITTED"),
    ("READ", "UNCOMMITTED"),
    ("REPEATABLE", "READ"),
)


def begin(tokens: Tokens) -> Plan:
    """BEGIN and START TRANSACTION; every isolation level is accepted, as Redshift does."""
    tokens.accept_any("TRANSACTION", "WORK")
    mode = ""
    while not tokens.done:
        tokens.accept(",")
        if tokens.accept("ISOLATION", "LEVEL"):
            _isolation_level(tokens)
        elif tokens.accept("READ", "ONLY"):
            mode = " READ ONLY"
        elif not tokens.accept("READ", "WRITE"):
            raise tokens.error()
    return Plan(f"BEGIN{mode}", control="begin")


def _isolation_level(tokens: Tokens) -> None:
    for words in _ISOLATION_LEVELS:
        if tokens.accept(*words):
            return
    raise tokens.error()


def start(tokens: Tokens) -> Plan:
    """START TRANSACTION."""
    if tokens.peek() != "TRANSACTION":
        raise tokens.error()
    return begin(tokens)


def commit(tokens: Tokens) -> Plan:
    """COMMIT and END."""
    tokens.accept_any("TRANSACTION", "WORK")
    tokens.end()
    return Plan("COMMIT", control="commit")


def rollback(tokens: Tokens) -> Plan:
    """ROLLBACK and ABORT; there are no savepoints."""
    tokens.accept_any("TRANSACTION", "WORK")
    if tokens.peek() == "TO":
        raise not_supported("ROLLBACK TO SAVEPOINT")
    tokens.end()
    return Plan("ROLLBACK", control="rollback")


def lock(tokens: Tokens) -> Plan:
    """LOCK [TABLE] a [, b]: always the strongest lock."""
    tokens.accept("TABLE")
    names = [tokens.qualified()]
    while tokens.accept(","):
        names.append(tokens.qualified())
    tokens.end()
    return Plan(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")


def truncate(tokens: Tokens) -> Plan:
    """TRUNCATE [TABLE] name: commits the transaction it runs in."""
    tokens.accept("TABLE")
    name = tokens.qualified()
    tokens.end()
    return Plan(f"TRUNCATE TABLE {name}", commits=True)


def vacuum(tokens: Tokens) -> Plan:
    """VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [table [TO n PERCENT] [BOOST]]."""
    if not tokens.accept_any("FULL", "REINDEX", "RECLUSTER") and tokens.accept_any("SORT", "DELETE"):
        tokens.expect("ONLY")
    name = "" if tokens.done else tokens.qualified()
    if tokens.accept("TO"):
        tokens.integer()
        tokens.expect("PERCENT")
    tokens.accept("BOOST")
    tokens.end()
    return Plan(f"VACUUM {name}".rstrip(), outside="VACUUM")


def analyze(tokens: Tokens) -> Plan:
    """ANALYZE [COMPRESSION] [VERBOSE] [table [(columns)]] [PREDICATE | ALL COLUMNS]."""
    if tokens.accept("COMPRESSION"):
        raise not_covered("ANALYZE COMPRESSION")
    tokens.accept("VERBOSE")
    name = ""
    if not tokens.done and tokens.peek() not in {"PREDICATE", "ALL"}:
        name = tokens.qualified()
        if tokens.peek() == "(":
            name += f" ({', '.join(map(quote, tokens.names_in_parentheses()))})"
    if tokens.accept_any("PREDICATE", "ALL"):
        tokens.expect("COLUMNS")
    tokens.end()
    return Plan(f"ANALYZE {name}".rstrip())


def comment(tokens: Tokens) -> Plan:
    """COMMENT ON TABLE | COLUMN | VIEW | SCHEMA name IS 'text' | NULL."""
    tokens.expect("ON")
    kind = tokens.accept_any("TABLE", "COLUMN", "VIEW", "SCHEMA", "DATABASE")
    if not kind:
        raise not_covered(f"COMMENT ON {tokens.peek()}")
    name = tokens.qualified() if kind != "COLUMN" else _column_name(tokens)
    tokens.expect("IS")
    text = "NULL" if tokens.accept("NULL") else literal(tokens.string())
    tokens.end()
    return Plan(f"COMMENT ON {kind} {name} IS {text}")


def _column_name(tokens: Tokens) -> str:
    parts = [tokens.name()]
    while tokens.accept("."):
        parts.append(tokens.name())
    return ".".join(quote(part) for part in parts[-3:])


def explain(tokens: Tokens) -> Plan:
    """EXPLAIN [VERBOSE] query."""
    tokens.accept("VERBOSE")
    return Plan(f"EXPLAIN {query.plan(tokens.rest()).sql}")


def declare(tokens: Tokens) -> Plan:
    """DECLARE name CURSOR [WITHOUT HOLD] FOR query; psycopg2 says the two words, which are the default."""
    name = quote(tokens.name())
    tokens.expect("CURSOR")
    tokens.accept("WITHOUT", "HOLD")
    tokens.expect("FOR")
    sql = f"DECLARE {name} CURSOR FOR {query.query_text(tokens.rest())}"
    return Plan(sql, before=("SELECT pg_catalog.rs_require_no_cursor()",), inside="DECLARE CURSOR")


def fetch(tokens: Tokens) -> Plan:
    """FETCH NEXT | ALL | FORWARD n | FORWARD ALL FROM name."""
    how = "NEXT" if tokens.accept("NEXT") else ""
    if tokens.accept("FORWARD"):
        how = "FORWARD ALL" if tokens.accept("ALL") else f"FORWARD {tokens.integer()}"
    elif tokens.accept("ALL"):
        how = "ALL"
    elif not how and tokens.current and tokens.current.kind == "number":
        how = f"FORWARD {tokens.integer()}"
    tokens.expect("FROM")
    name = quote(tokens.name())
    tokens.end()
    return Plan(f"FETCH {how or 'NEXT'} FROM {name}")


def close(tokens: Tokens) -> Plan:
    """CLOSE name."""
    name = quote(tokens.name())
    tokens.end()
    return Plan(f"CLOSE {name}")


def cancel(tokens: Tokens) -> Plan:
    """CANCEL pid ['message']."""
    pid = tokens.integer()
    if not tokens.done:
        tokens.string()
    return Plan(NOTHING, before=(f"SELECT pg_cancel_backend({pid})",), tag="CANCEL")
