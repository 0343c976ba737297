"""Users: CREATE USER and ALTER USER."""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error

_MD5 = re.compile(r"^md5[0-9a-f]{32}$")
_USER_OPTIONS = {
    "CREATEDB": "CREATEDB",
    "NOCREATEDB": "NOCREATEDB",
    "CREATEUSER": "SUPERUSER",
    "NOCREATEUSER": "NOSUPERUSER",
}


def create_user(tokens: Tokens) -> Plan:
    """CREATE USER name [WITH] PASSWORD ...; stands at the name."""
    name = tokens.name()
    tokens.accept("WITH")
    groups: list[str] = []
    options = _user_options(tokens, name, groups, needs_password=True)
    joined = tuple(f"GRANT {quote(group)} TO {quote(name)}" for group in groups)
    return Plan(f"CREATE ROLE {quote(name)} LOGIN {options}".rstrip(), after=joined)


def _user_options(tokens: Tokens, user: str, groups: list[str], *, needs_password: bool = False) -> str:
    options: list[str] = []
    password = False
    while not tokens.done:
        word = tokens.take().upper
        if word == "PASSWORD":
            password = True
            options.append(_password(tokens, user))
        elif word in _USER_OPTIONS:
            options.append(_USER_OPTIONS[word])
        elif word in {"CONNECTION", "SYSLOG", "VALID", "SESSION"}:
            options.append(_user_limit(tokens, word))
        elif word == "IN" and needs_password:
            tokens.expect("GROUP")
            groups += tokens.names()
        else:
            raise syntax_error(word)
    if needs_password and not password:
        raise syntax_error("")
    return " ".join(option for option in options if option)


def _user_limit(tokens: Tokens, word: str) -> str:
    if word == "CONNECTION":
        tokens.expect("LIMIT")
        return "CONNECTION LIMIT " + ("-1" if tokens.accept("UNLIMITED") else str(tokens.integer()))
    if word == "SYSLOG":
        tokens.expect("ACCESS")
        tokens.take()
        return ""
    if word == "VALID":
        tokens.expect("UNTIL")
        return f"VALID UNTIL {literal(tokens.string())}"
    raise not_covered("SESSION TIMEOUT together with other user options")


def _password(tokens: Tokens, user: str) -> str:
    if tokens.accept("DISABLE"):
        return "PASSWORD NULL"
    password = tokens.string()
    if password.startswith("sha256|"):
        raise not_covered("sha256 passwords")
    if not _MD5.match(password):
        _check_password(password, user)
    return f"PASSWORD {literal(password)}"


def _check_password(password: str, user: str) -> None:
    rules = (
        (8 <= len(password) <= 64, "password must be 8 to 64 characters long"),
        (any(c.isupper() for c in password), "password must contain an uppercase letter"),
        (any(c.islower() for c in password), "password must contain a lowercase letter"),
        (any(c.isdigit() for c in password), "password must contain a number"),
        (not set(password) & set("'\"\\/@ "), "password must not contain quotes, slashes, @ or blanks"),
    )
    for kept, message in rules:
        if not kept:
            raise RedshiftError("22023", message, f"user {user}")


def alter_user(tokens: Tokens) -> Plan:
    """ALTER USER name ...; stands at the name."""
    name = tokens.name()
    tokens.accept("WITH")
    user = quote(name)
    if tokens.accept("SESSION", "TIMEOUT"):
        seconds = tokens.integer()
        tokens.end()
        idle = f"ALTER ROLE {user} SET idle_in_transaction_session_timeout TO {seconds * 1000}"
        return Plan(f"ALTER ROLE {user} SET idle_session_timeout TO {seconds * 1000}", after=(idle,))
    if tokens.accept("RENAME", "TO"):
        return Plan(f"ALTER ROLE {user} RENAME TO {quote(tokens.name())}")
    if tokens.accept("SET"):
        parameter = tokens.name()
        tokens.accept_any("TO", "=")
        return Plan(f"ALTER ROLE {user} SET {quote(parameter)} TO {tokens.rest()}")
    return Plan(f"ALTER ROLE {user} {_user_options(tokens, name, [])}".rstrip())
