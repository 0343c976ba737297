"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

from infrastructure.local.redshift.dialect import roles
from infrastructure.local.redshift.dialect.lexer import Tokens, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import not_covered, syntax_error

_PRIVILEGES = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "USAGE", "CREATE", "TEMP", "TEMPORARY",
    "EXECUTE", "DROP", "ALTER",
}  # fmt: skip
_SYSTEM_OBJECTS = {
    "TABLE",
    "SCHEMA",
    "ROLE",
    "USER",
    "VIEW",
    "OR",
    "MODEL",
    "LIBRARY",
    "FUNCTION",
    "DEFAULT",
    "DATASHARE",
}


def grant(tokens: Tokens, verb: str) -> Plan:
    """GRANT and REVOKE; stands after the verb."""
    if tokens.peek() in {"ASSUMEROLE", "SHARE", "EXPLAIN", "IGNORE"}:
        raise not_covered(f"the privilege {tokens.peek()}")
    if tokens.peek() not in {*_PRIVILEGES, "ALL", "GRANT"}:
        return roles.grant_role(tokens, verb)
    prefix = "GRANT OPTION FOR " if tokens.accept("GRANT", "OPTION", "FOR") else ""
    if tokens.peek(1) in _SYSTEM_OBJECTS:
        raise not_covered(f"the system permission {tokens.peek()} {tokens.peek(1)}")
    privileges = _privileges(tokens)
    tokens.expect("ON")
    kind = _grant_object(tokens)
    direction = "TO" if verb == "GRANT" else "FROM"
    tokens.expect(direction)
    grantees, checks = _grantees(tokens)
    option = " WITH GRANT OPTION" if tokens.accept("WITH", "GRANT", "OPTION") else ""
    option = option or (" " + tokens.accept_any("CASCADE", "RESTRICT")).rstrip()
    tokens.end()
    listed = _expand(privileges, kind)
    sql = f"{verb} {prefix}{listed} ON {kind} {direction} {grantees}{option}"
    return Plan(sql, before=checks)


def _privileges(tokens: Tokens) -> list[str]:
    if tokens.accept("ALL"):
        tokens.accept("PRIVILEGES")
        return ["ALL"]
    found: list[str] = []
    while True:
        word = tokens.take().upper
        if word not in _PRIVILEGES:
            raise syntax_error(word)
        if tokens.peek() == "(":
            word += f" ({', '.join(map(quote, tokens.names_in_parentheses()))})"
        if word in {"DROP", "ALTER"}:
            raise not_covered(f"the privilege {word}")
        found.append(word)
        if not tokens.accept(","):
            return found


def _expand(privileges: list[str], kind: str) -> str:
    """For tables: ALL without what PostgreSQL adds to it, and what a writer needs to lock the table.

    A write takes the table's lock, which PostgreSQL gives only with more than INSERT: MAINTAIN allows it.
    """
    if kind.startswith(("SCHEMA", "DATABASE")):
        return ", ".join(privileges)
    if privileges == ["ALL"]:
        privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"]
    if "INSERT" in privileges:
        privileges = [*privileges, "MAINTAIN"]
    return ", ".join(privileges)


def _grant_object(tokens: Tokens) -> str:
    if tokens.accept("ALL", "TABLES", "IN", "SCHEMA"):
        return "ALL TABLES IN SCHEMA " + ", ".join(map(quote, tokens.names()))
    for word in ("SCHEMA", "DATABASE"):
        if tokens.accept(word):
            return f"{word} " + ", ".join(map(quote, tokens.names()))
    if tokens.peek() in {"FUNCTION", "PROCEDURE", "LANGUAGE", "MODEL", "DATASHARE", "EXTERNAL"}:
        raise not_covered(f"GRANT ON {tokens.peek()}")
    tokens.accept("TABLE")
    names = [tokens.qualified()]
    while tokens.accept(","):
        names.append(tokens.qualified())
    return "TABLE " + ", ".join(names)


def _grantees(tokens: Tokens) -> tuple[str, tuple[str, ...]]:
    """Who gets it, and what has to be so: each one is the user, group or role that it is called."""
    found: list[str] = []
    checks: list[str] = []
    while True:
        if tokens.accept("PUBLIC"):
            found.append("PUBLIC")
        else:
            named = tokens.peek(1) not in {",", "WITH", ""}
            kind = tokens.accept_any("GROUP", "ROLE", "USER") if named else ""
            name = tokens.name()
            found.append(quote(name))
            checks += roles.is_a(name, kind.lower() or "user")
        if not tokens.accept(","):
            return ", ".join(found), tuple(checks)


def default_privileges(tokens: Tokens) -> Plan:
    """ALTER DEFAULT PRIVILEGES ...; stands after DEFAULT."""
    tokens.expect("PRIVILEGES")
    parts = ["ALTER DEFAULT PRIVILEGES"]
    if tokens.accept("FOR"):
        tokens.expect("USER")
        parts.append("FOR ROLE " + ", ".join(map(quote, tokens.names())))
    if tokens.accept("IN", "SCHEMA"):
        parts.append("IN SCHEMA " + ", ".join(map(quote, tokens.names())))
    verb = tokens.accept_any("GRANT", "REVOKE")
    if not verb:
        raise tokens.error()
    privileges = _privileges(tokens)
    if tokens.peek(1) in {"FUNCTIONS", "PROCEDURES"}:
        raise not_covered(f"default privileges on {tokens.peek(1).lower()}")
    tokens.expect("ON", "TABLES", "TO" if verb == "GRANT" else "FROM")
    grantees, checks = _grantees(tokens)
    target = f"ON TABLES {'TO' if verb == 'GRANT' else 'FROM'} {grantees}"
    option = " WITH GRANT OPTION" if tokens.accept("WITH", "GRANT", "OPTION") else ""
    tokens.end()
    sql = f"{' '.join(parts)} {verb} {_expand(privileges, 'TABLE')} {target}{option}"
    return Plan(sql, before=checks)
