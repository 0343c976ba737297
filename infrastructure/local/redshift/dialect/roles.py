"""Groups and roles: both are roles of the backend that cannot log in; a comment says which of the two one is."""

from __future__ import annotations

from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import not_covered, syntax_error


def _made(name: str, kind: str, members: str = "") -> Plan:
    mark = f"COMMENT ON ROLE {name} IS {literal(kind.lower())}"
    return Plan(f"CREATE ROLE {name} NOLOGIN{members}", after=(mark,), tag=f"CREATE {kind}")


def create_group(tokens: Tokens) -> Plan:
    """CREATE GROUP name [[WITH] USER a, b]; stands at the name."""
    name = quote(tokens.column_name())
    tokens.accept("WITH")
    members = " ROLE " + ", ".join(map(quote, tokens.names())) if tokens.accept("USER") else ""
    tokens.end()
    return _made(name, "GROUP", members)


def create_role(tokens: Tokens) -> Plan:
    """CREATE ROLE name; stands at the name."""
    name = quote(tokens.column_name())
    if tokens.peek() == "EXTERNALID":
        raise not_covered("roles of an identity provider")
    tokens.end()
    return _made(name, "ROLE")


def alter_group(tokens: Tokens) -> Plan:
    """ALTER GROUP name ADD | DROP USER a, b, or RENAME TO; stands at the name."""
    name = tokens.column_name()
    group, check = quote(name), is_a(name, "group")
    if tokens.accept("RENAME", "TO"):
        return Plan(f"ALTER ROLE {group} RENAME TO {quote(tokens.column_name())}", before=check, tag="ALTER GROUP")
    verb = tokens.accept_any("ADD", "DROP")
    if not verb:
        raise tokens.error()
    tokens.expect("USER")
    users = ", ".join(map(quote, tokens.names()))
    tokens.end()
    sql = f"GRANT {group} TO {users}" if verb == "ADD" else f"REVOKE {group} FROM {users}"
    return Plan(sql, before=check, tag="ALTER GROUP")


def alter_role(tokens: Tokens) -> Plan:
    """ALTER ROLE name [WITH] RENAME TO new; stands at the name."""
    name = tokens.column_name()
    tokens.accept("WITH")
    if tokens.peek() in {"OWNER", "EXTERNALID"}:
        raise not_covered(f"ALTER ROLE {tokens.peek()}")
    tokens.expect("RENAME", "TO")
    return Plan(f"ALTER ROLE {quote(name)} RENAME TO {quote(tokens.column_name())}", before=is_a(name, "role"))


def is_a(name: str, kind: str) -> tuple[str]:
    """The statement that fails unless there is a user, group or role of that name."""
    return (f"SELECT pg_catalog.rs_require_kind({literal(name)}, {literal(kind)})",)


def drop(tokens: Tokens, kind: str) -> Plan:
    """DROP USER [IF EXISTS] a, b | GROUP a | ROLE a [FORCE | RESTRICT]; stands after the kind."""
    exists = kind == "USER" and tokens.accept("IF", "EXISTS")
    names = tokens.names() if kind == "USER" else [tokens.column_name()]
    forced = kind == "ROLE" and tokens.accept_any("FORCE", "RESTRICT") == "FORCE"
    tokens.end()
    checks = [f"SELECT pg_catalog.rs_require_unused({literal(n)}, {literal(kind.lower())}, {forced})" for n in names]
    sql = f"DROP ROLE {'IF EXISTS ' if exists else ''}{', '.join(map(quote, names))}"
    return Plan(sql, before=tuple(checks), tag=f"DROP {kind}")


def grant_role(tokens: Tokens, verb: str) -> Plan:
    """GRANT ROLE a, b TO ROLE c, user [WITH ADMIN OPTION], and REVOKE; stands at ROLE or at the first name."""
    prefix = "ADMIN OPTION FOR " if verb == "REVOKE" and tokens.accept("ADMIN", "OPTION", "FOR") else ""
    granted = [_role(tokens)]
    while tokens.accept(","):
        granted.append(_role(tokens))
    tokens.expect("TO" if verb == "GRANT" else "FROM")
    grantees = [_role(tokens)]
    while tokens.accept(","):
        grantees.append(_role(tokens))
    option = " WITH ADMIN OPTION" if verb == "GRANT" and tokens.accept("WITH", "ADMIN", "OPTION") else ""
    tokens.end()
    checks = tuple(check for name in granted for check in is_a(name, "role"))
    direction = "TO" if verb == "GRANT" else "FROM"
    sql = f"{verb} {prefix}{', '.join(map(quote, granted))} {direction} {', '.join(map(quote, grantees))}{option}"
    return Plan(sql, before=checks, tag=verb)


def _role(tokens: Tokens) -> str:
    tokens.accept_any("ROLE", "USER")
    if tokens.peek() in {"PUBLIC", "GROUP"}:
        raise syntax_error(tokens.peek())
    return tokens.column_name()
