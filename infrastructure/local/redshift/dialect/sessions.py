"""Transactions, session parameters, locks and upkeep."""

from __future__ import annotations

from infrastructure.local.redshift.dialect import query
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error

# parameters that the backend knows under the same name and with the same meaning
_SHARED = {"search_path", "statement_timeout", "application_name", "client_encoding", "datestyle", "extra_float_digits",
           "timezone"}  # fmt: skip
# Redshift's own, kept per session and without effect here
_KEPT = {
    "query_group": "", "enable_result_cache_for_session": "on", "wlm_query_slot_count": "1",
    "analyze_threshold_percent": "10", "auto_analyze": "on", "enable_vacuum_boost": "off", "mv_enable_aqmv_for_session":
    "on", "json_parse_truncate_strings": "off", "use_fips_ssl": "off", "max_concurrency_scaling_clusters": "1",
    "enable_numeric_rounding": "on", "query_label": "",
}  # fmt: skip
# Redshift's own, which may only be set to what the endpoint does anyway
_FIXED = {
    "enable_case_sensitive_identifier": "off", "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on", "navigate_super_null_on_error": "on",
    "cast_super_null_on_error": "on", "json_serialization_enable": "off",
    "error_on_nondeterministic_update": "off", "standard_conforming_strings": "on", "client_min_messages": "notice",
}  # fmt: skip
_ISOLATION_LEVELS = (
    ("SERIALIZABLE",),
    ("SNAPSHOT",),
    ("READ", "COMMITTED"),
    ("READ", "UNCOMMITTED"),
    ("REPEATABLE", "READ"),
)
_ALIASES = {"false": "off", "0": "off", "no": "off", "true": "on", "1": "on", "yes": "on"}


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


def set_parameter(tokens: Tokens) -> Plan:
    """SET [SESSION | LOCAL] name TO value."""
    if tokens.accept("SESSION", "AUTHORIZATION"):
        return _session_authorization(tokens)
    scope = tokens.accept_any("SESSION", "LOCAL")
    local = "LOCAL " if scope == "LOCAL" else ""
    if tokens.accept("TIME", "ZONE"):
        return Plan(f"SET {local}timezone TO {tokens.rest()}")
    name = tokens.name()
    if not tokens.accept("TO"):
        tokens.expect("=")
    return _set(name, tokens, local)


def _set(name: str, tokens: Tokens, local: str) -> Plan:
    if name in _SHARED:
        return Plan(f"SET {local}{name} TO {_values(tokens)}")
    value = _value(tokens)
    tokens.end()
    if name in _KEPT:
        kept = _KEPT[name] if value is None else value
        return Plan(f"SET {local}{quote('redshift')}.{quote(name)} TO {literal(kept)}", tag="SET")
    if name in _FIXED:
        if value is not None and _ALIASES.get(value.lower(), value.lower()) != _FIXED[name]:
            raise not_covered(f"{name} = {value}")
        return Plan(f"SET {local}{quote('redshift')}.{quote(name)} TO {literal(_FIXED[name])}", tag="SET")
    raise RedshiftError("42704", f'unrecognized configuration parameter "{name}"')


def _values(tokens: Tokens) -> str:
    if tokens.accept("DEFAULT"):
        tokens.end()
        return "DEFAULT"
    values = [_value(tokens) or ""]
    while tokens.accept(","):
        values.append(_value(tokens) or "")
    tokens.end()
    return ", ".join(literal(value) for value in values)


def _value(tokens: Tokens) -> str | None:
    if tokens.accept("DEFAULT"):
        return None
    token = tokens.current
    if token is not None and token.kind == "string":
        return tokens.string()
    sign = "-" if tokens.accept("-") else ""
    taken = tokens.take()
    if taken.kind == "quoted":
        return taken.text[1:-1]
    if taken.kind not in {"word", "number"}:
        raise syntax_error(taken.text)
    return sign + taken.text


def _session_authorization(tokens: Tokens) -> Plan:
    if tokens.accept("DEFAULT"):
        return Plan("SET SESSION AUTHORIZATION DEFAULT")
    user = tokens.string() if tokens.current and tokens.current.kind == "string" else tokens.name()
    tokens.end()
    return Plan(f"SET SESSION AUTHORIZATION {quote(user.lower())}")


def reset(tokens: Tokens) -> Plan:
    """RESET name | ALL."""
    name = tokens.name()
    tokens.end()
    if name == "all" or name in _SHARED:
        return Plan(f"RESET {name}")
    if name in _KEPT or name in _FIXED:
        value = _KEPT.get(name, _FIXED.get(name, ""))
        return Plan(f"SET {quote('redshift')}.{quote(name)} TO {literal(value)}", tag="RESET")
    raise RedshiftError("42704", f'unrecognized configuration parameter "{name}"')


def show(tokens: Tokens) -> Plan:
    """SHOW name."""
    name = tokens.name()
    if name in {"all", "tables", "schemas", "columns", "databases", "grants", "table", "view", "procedure", "external"}:
        raise not_covered(f"SHOW {name.upper()}")
    tokens.end()
    if name in _SHARED or name in {"transaction_isolation", "server_version"}:
        return Plan(f"SHOW {name}")
    if name in _KEPT or name in _FIXED:
        default = literal(_KEPT.get(name, _FIXED.get(name, "")))
        setting = f"nullif(current_setting({literal('redshift.' + name)}, true), '')"
        return Plan(f"SELECT coalesce({setting}, {default}) AS {quote(name)}", tag="SHOW")
    raise RedshiftError("42704", f'unrecognized configuration parameter "{name}"')


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
    """DECLARE name CURSOR FOR query."""
    name = quote(tokens.name())
    tokens.expect("CURSOR", "FOR")
    return Plan(f"DECLARE {name} CURSOR FOR {query.query_text(tokens.rest())}")


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


def deallocate(tokens: Tokens) -> Plan:
    """DEALLOCATE [PREPARE] name | ALL."""
    tokens.accept("PREPARE")
    if tokens.accept("ALL"):
        return Plan("DEALLOCATE ALL")
    return Plan(f"DEALLOCATE {quote(tokens.name())}")


def cancel(tokens: Tokens) -> Plan:
    """CANCEL pid ['message']."""
    pid = tokens.integer()
    return Plan(NOTHING, before=(f"SELECT pg_cancel_backend({pid})",), tag="CANCEL")
