"""Session parameters: SET, RESET and SHOW.

A name with a dot is a session context variable of the client's own.
"""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect import sessions
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error

# parameters that the backend knows under the same name and with the same meaning
_SHARED = {"search_path", "statement_timeout", "application_name", "client_encoding", "datestyle", "extra_float_digits",
           "timezone", "client_min_messages"}  # fmt: skip
# Redshift's own, kept per session and without effect here
_KEPT = {
    "query_group": "unset", "enable_result_cache_for_session": "on", "wlm_query_slot_count": "1",
    "analyze_threshold_percent": "10", "auto_analyze": "on", "enable_vacuum_boost": "off", "mv_enable_aqmv_for_session":
    "on", "json_parse_truncate_strings": "off", "use_fips_ssl": "off", "max_concurrency_scaling_clusters": "1",
    "enable_numeric_rounding": "on", "query_label": "", "default_transaction_isolation": "serializable",
}  # fmt: skip
# Redshift's own, which may only be set to what the endpoint does anyway
_FIXED = {
    "enable_case_sensitive_identifier": "off", "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on", "navigate_super_null_on_error": "on",
    "cast_super_null_on_error": "on", "json_serialization_enable": "off",
    "error_on_nondeterministic_update": "off", "standard_conforming_strings": "on",
}  # fmt: skip
# what only SHOW knows
_SHOWN = {
    "server_version": "'8.0.2'", "transaction_isolation": "'serializable'",
    # a number, without a unit
    "statement_timeout": "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout')",
}  # fmt: skip
_MILLISECONDS = re.compile(r"'\d+'|DEFAULT")
_ALIASES = {"false": "off", "0": "off", "no": "off", "true": "on", "1": "on", "yes": "on"}


def set_parameter(tokens: Tokens) -> Plan:
    """SET [SESSION | LOCAL] name TO value."""
    if tokens.accept("SESSION", "AUTHORIZATION"):
        return _session_authorization(tokens)
    if tokens.accept("SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"):
        sessions.begin(tokens)
        return Plan(NOTHING, tag="SET")
    scope = tokens.accept_any("SESSION", "LOCAL")
    local = "LOCAL " if scope == "LOCAL" else ""
    if tokens.accept("TIME", "ZONE"):
        return Plan(f"SET {local}timezone TO {tokens.rest()}")
    name = _parameter_name(tokens)
    if not tokens.accept("TO"):
        tokens.expect("=")
    return _set(name, tokens, local)


def _parameter_name(tokens: Tokens) -> str:
    """A name; a dot in it makes it a session context variable."""
    name = tokens.name()
    return f"{name}.{tokens.name()}" if tokens.accept(".") else name


def _context(name: str) -> str:
    return ".".join(quote(part) for part in name.split("."))


def _set(name: str, tokens: Tokens, local: str) -> Plan:
    if name in _SHARED:
        values = _values(tokens)
        if name == "statement_timeout" and not _MILLISECONDS.fullmatch(values):
            raise RedshiftError("22023", f"statement_timeout is a number of milliseconds, not {values}")
        if name == "client_encoding" and not is_utf8(values.strip("'")):
            raise not_covered(f"client_encoding {values}; statements are read as UTF8")
        return Plan(f"SET {local}{name} TO {values}")
    value = _value(tokens)
    tokens.end()
    if "." in name:
        return Plan(f"SET {local}{_context(name)} TO {literal(value or '')}")
    if name == "seed":
        return Plan(NOTHING, before=(f"SELECT pg_catalog.setseed({literal(value or '0')})",), tag="SET")
    if name in _KEPT:
        kept = _KEPT[name] if value is None else value
        return Plan(f"SET {local}{quote('redshift')}.{quote(name)} TO {literal(kept)}", tag="SET")
    if name in _FIXED:
        if value is not None and _ALIASES.get(value.lower(), value.lower()) != _FIXED[name]:
            raise not_covered(f"{name} = {value}")
        return Plan(f"SET {local}{quote('redshift')}.{quote(name)} TO {literal(_FIXED[name])}", tag="SET")
    raise _unknown(name)


def is_utf8(encoding: str) -> bool:
    """Whether this is a name of UTF-8, or leaves the choice to the server."""
    return encoding.lower().replace("-", "").replace("_", "") in {"utf8", "unicode", "default", "auto"}


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
    name = _parameter_name(tokens)
    tokens.end()
    if name == "all" or name in _SHARED:
        return Plan(f"RESET {name}")
    if "." in name:
        return Plan(f"RESET {_context(name)}")
    if name in _KEPT or name in _FIXED:
        value = _KEPT.get(name, _FIXED.get(name, ""))
        return Plan(f"SET {quote('redshift')}.{quote(name)} TO {literal(value)}", tag="RESET")
    raise _unknown(name)


def _unknown(name: str) -> RedshiftError:
    return RedshiftError("42704", f'unrecognized configuration parameter "{name}"')


def _setting(name: str) -> str:
    """The expression that gives the value of a parameter."""
    if name in _SHOWN:
        return _SHOWN[name]
    if name in _SHARED or "." in name:
        return f"current_setting({literal(name)})"
    if name in _KEPT or name in _FIXED:
        default = literal(_KEPT.get(name, _FIXED.get(name, "")))
        return f"coalesce(nullif(current_setting({literal('redshift.' + name)}, true), ''), {default})"
    raise _unknown(name)


def show_parameter(tokens: Tokens) -> Plan:
    """SHOW name | TRANSACTION ISOLATION LEVEL | TIME ZONE; stands after SHOW."""
    if tokens.accept("TRANSACTION", "ISOLATION", "LEVEL"):
        name = "transaction_isolation"
    else:
        name = "timezone" if tokens.accept("TIME", "ZONE") else _parameter_name(tokens)
    tokens.end()
    return Plan(f"SELECT {_setting(name)}::varchar AS {quote(name)}", tag="SHOW")


def show_all(tokens: Tokens) -> Plan:
    """SHOW ALL; stands after it."""
    tokens.end()
    rows = " UNION ALL ".join(
        f"SELECT {literal(name)}::varchar AS name, {_setting(name)}::varchar AS setting"
        for name in sorted({*_SHARED, *_KEPT, *_FIXED})
    )
    return Plan(rows, tag="SHOW")
