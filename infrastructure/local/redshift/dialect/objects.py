"""Statements on schemas, views, materialized views, users and privileges."""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect import alter, query, tables
from infrastructure.local.redshift.dialect.lexer import Tokens, literal, quote
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, not_supported, syntax_error

_MD5 = re.compile(r"^md5[0-9a-f]{32}$")


def create(tokens: Tokens) -> Plan:
    """CREATE ...; stands after CREATE."""
    replace = tokens.accept("OR", "REPLACE")
    word = tokens.peek()
    if word == "VIEW":
        return _create_view(tokens, replace=replace)
    if replace:
        raise not_covered(f"CREATE OR REPLACE {word}")
    if word in {"TABLE", "TEMP", "TEMPORARY", "LOCAL"}:
        return tables.create_table(tokens)
    handler = _CREATE.get(word)
    if handler is None:
        if word in {"INDEX", "UNIQUE", "TRIGGER", "SEQUENCE", "DOMAIN", "RULE", "TYPE", "EXTENSION", "UNLOGGED"}:
            raise RedshiftError("0A000", f"CREATE {word} is not supported", "Redshift has no such object")
        raise not_covered(f"CREATE {word}")
    tokens.take()
    return handler(tokens)


def _create_view(tokens: Tokens, *, replace: bool) -> Plan:
    tokens.expect("VIEW")
    name = tokens.qualified()
    columns = tokens.names_in_parentheses() if tokens.peek() == "(" else []
    tokens.expect("AS")
    text = tokens.rest()
    if re.search(r"\bwith\s+no\s+schema\s+binding\s*$", text, re.IGNORECASE):
        raise not_covered("WITH NO SCHEMA BINDING")
    listed = f" ({', '.join(map(quote, columns))})" if columns else ""
    return Plan(f"CREATE {'OR REPLACE ' if replace else ''}VIEW {name}{listed} AS {query.query_text(text)}")


def _create_materialized_view(tokens: Tokens) -> Plan:
    tokens.expect("VIEW")
    if tokens.peek() == "IF":
        raise syntax_error("IF")
    name = tokens.qualified()
    seen = True
    while seen:
        tables.table_attributes(tokens)
        seen = tokens.accept("AUTO", "REFRESH")
        if seen and not tokens.accept_any("YES", "NO"):
            raise tokens.error()
    tokens.expect("AS")
    return Plan(f"CREATE MATERIALIZED VIEW {name} AS {query.query_text(tokens.rest())}")


def refresh(tokens: Tokens) -> Plan:
    """REFRESH MATERIALIZED VIEW name; only the owner may."""
    tokens.expect("MATERIALIZED", "VIEW")
    name = tokens.qualified()
    tokens.accept_any("RESTRICT", "CASCADE")
    tokens.end()
    check = f"SELECT pg_catalog.rs_require_owner({literal(name)})"
    return Plan(f"REFRESH MATERIALIZED VIEW {name}", before=(check,))


def _create_schema(tokens: Tokens) -> Plan:
    exists = "IF NOT EXISTS " if tokens.accept("IF", "NOT", "EXISTS") else ""
    name = "" if tokens.peek() == "AUTHORIZATION" else quote(tokens.name()) + " "
    owner = f"AUTHORIZATION {quote(tokens.name())}" if tokens.accept("AUTHORIZATION") else ""
    if tokens.accept("QUOTA"):
        tokens.take()
        tokens.accept_any("MB", "GB", "TB")
    tokens.end()
    return Plan(f"CREATE SCHEMA {exists}{name}{owner}".rstrip())


def _create_user(tokens: Tokens) -> Plan:
    name = tokens.name()
    tokens.accept("WITH")
    return Plan(f"CREATE ROLE {quote(name)} LOGIN {_user_options(tokens, name, needs_password=True)}".rstrip())


def _create_group(tokens: Tokens) -> Plan:
    name = quote(tokens.name())
    tokens.accept("WITH")
    members = ""
    if tokens.accept("USER"):
        members = " ROLE " + ", ".join(map(quote, _names(tokens)))
    tokens.end()
    return Plan(f"CREATE ROLE {name} NOLOGIN{members}", tag="CREATE GROUP")


def _names(tokens: Tokens) -> list[str]:
    names = [tokens.name()]
    while tokens.accept(","):
        names.append(tokens.name())
    return names


def _user_options(tokens: Tokens, user: str, *, needs_password: bool = False) -> str:
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


def alter_object(tokens: Tokens) -> Plan:
    """ALTER ...; stands after ALTER."""
    word = tokens.take().upper
    if word == "TABLE":
        return alter.alter_table(tokens)
    if word == "USER":
        return _alter_user(tokens)
    if word == "SCHEMA":
        return _alter_schema(tokens)
    if word == "DEFAULT":
        return _default_privileges(tokens)
    if word == "MATERIALIZED":
        return _alter_materialized_view(tokens)
    if word == "GROUP":
        return _alter_group(tokens)
    raise not_covered(f"ALTER {word}")


def _alter_user(tokens: Tokens) -> Plan:
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
    return Plan(f"ALTER ROLE {user} {_user_options(tokens, name)}".rstrip())


def _alter_group(tokens: Tokens) -> Plan:
    group = quote(tokens.name())
    add = tokens.accept_any("ADD", "DROP")
    tokens.expect("USER")
    users = ", ".join(map(quote, _names(tokens)))
    tokens.end()
    verb = {"ADD": f"GRANT {group} TO {users}", "DROP": f"REVOKE {group} FROM {users}"}
    if add not in verb:
        raise tokens.error()
    return Plan(verb[add], tag="ALTER GROUP")


def _alter_schema(tokens: Tokens) -> Plan:
    name = quote(tokens.name())
    if tokens.accept("OWNER", "TO"):
        return Plan(f"ALTER SCHEMA {name} OWNER TO {quote(tokens.name())}")
    tokens.expect("RENAME", "TO")
    return Plan(f"ALTER SCHEMA {name} RENAME TO {quote(tokens.name())}")


def _alter_materialized_view(tokens: Tokens) -> Plan:
    tokens.expect("VIEW")
    name = tokens.qualified()
    if tokens.accept("AUTO", "REFRESH"):
        tokens.take()
        exists = f"SELECT {literal(name)}::pg_catalog.regclass"
        return Plan(NOTHING, before=(exists,), tag="ALTER MATERIALIZED VIEW")
    if tokens.accept("OWNER", "TO"):
        return Plan(f"ALTER MATERIALIZED VIEW {name} OWNER TO {quote(tokens.name())}")
    raise not_covered("this form of ALTER MATERIALIZED VIEW")


def drop(tokens: Tokens) -> Plan:
    """DROP ...; stands after DROP."""
    word = tokens.take().upper
    if word == "MATERIALIZED":
        tokens.expect("VIEW")
        word = "MATERIALIZED VIEW"
    if word in {"USER", "GROUP"}:
        exists = "IF EXISTS " if tokens.accept("IF", "EXISTS") else ""
        return Plan(f"DROP ROLE {exists}{', '.join(map(quote, _names(tokens)))}", tag=f"DROP {word}")
    if word not in {"TABLE", "VIEW", "SCHEMA", "MATERIALIZED VIEW"}:
        raise not_supported(f"DROP {word}") if word == "INDEX" else not_covered(f"DROP {word}")
    exists = "IF EXISTS " if tokens.accept("IF", "EXISTS") else ""
    names = [tokens.qualified()]
    while tokens.accept(","):
        names.append(tokens.qualified())
    behaviour = tokens.accept_any("CASCADE", "RESTRICT")
    tokens.end()
    return Plan(f"DROP {word} {exists}{', '.join(names)} {behaviour}".rstrip())


def grant(tokens: Tokens, verb: str) -> Plan:
    """GRANT and REVOKE; stands after the verb."""
    prefix = "GRANT OPTION FOR " if tokens.accept("GRANT", "OPTION", "FOR") else ""
    privileges = _privileges(tokens)
    if not tokens.accept("ON"):
        raise not_covered("GRANT and REVOKE of roles")
    kind = _grant_object(tokens)
    direction = "TO" if verb == "GRANT" else "FROM"
    tokens.expect(direction)
    grantees = _grantees(tokens)
    option = " WITH GRANT OPTION" if tokens.accept("WITH", "GRANT", "OPTION") else ""
    option = option or (" " + tokens.accept_any("CASCADE", "RESTRICT")).rstrip()
    tokens.end()
    listed = _expand(privileges, kind)
    sql = f"{verb} {prefix}{listed} ON {kind} {direction} {grantees}{option}"
    return Plan(sql)


def _privileges(tokens: Tokens) -> list[str]:
    if tokens.accept("ALL"):
        tokens.accept("PRIVILEGES")
        return ["ALL"]
    found: list[str] = []
    while True:
        word = tokens.take().upper
        if word not in {
            "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "USAGE", "CREATE", "TEMP", "TEMPORARY",
            "EXECUTE", "DROP", "ALTER",
        }:  # fmt: skip
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
        return "ALL TABLES IN SCHEMA " + ", ".join(map(quote, _names(tokens)))
    for word in ("SCHEMA", "DATABASE"):
        if tokens.accept(word):
            return f"{word} " + ", ".join(map(quote, _names(tokens)))
    if tokens.peek() in {"FUNCTION", "PROCEDURE", "LANGUAGE", "MODEL", "DATASHARE", "EXTERNAL"}:
        raise not_covered(f"GRANT ON {tokens.peek()}")
    tokens.accept("TABLE")
    names = [tokens.qualified()]
    while tokens.accept(","):
        names.append(tokens.qualified())
    return "TABLE " + ", ".join(names)


def _grantees(tokens: Tokens) -> str:
    found: list[str] = []
    while True:
        if tokens.accept("PUBLIC"):
            found.append("PUBLIC")
        else:
            if tokens.peek(1) not in {",", "WITH", ""}:
                tokens.accept_any("GROUP", "ROLE", "USER")
            found.append(quote(tokens.name()))
        if not tokens.accept(","):
            return ", ".join(found)


def _default_privileges(tokens: Tokens) -> Plan:
    tokens.expect("PRIVILEGES")
    parts = ["ALTER DEFAULT PRIVILEGES"]
    if tokens.accept("FOR"):
        tokens.expect("USER")
        parts.append("FOR ROLE " + ", ".join(map(quote, _names(tokens))))
    if tokens.accept("IN", "SCHEMA"):
        parts.append("IN SCHEMA " + ", ".join(map(quote, _names(tokens))))
    verb = tokens.accept_any("GRANT", "REVOKE")
    if not verb:
        raise tokens.error()
    privileges = _privileges(tokens)
    tokens.expect("ON", "TABLES", "TO" if verb == "GRANT" else "FROM")
    target = f"ON TABLES {'TO' if verb == 'GRANT' else 'FROM'} {_grantees(tokens)}"
    option = " WITH GRANT OPTION" if tokens.accept("WITH", "GRANT", "OPTION") else ""
    tokens.end()
    return Plan(f"{' '.join(parts)} {verb} {_expand(privileges, 'TABLE')} {target}{option}")


_USER_OPTIONS = {
    "CREATEDB": "CREATEDB",
    "NOCREATEDB": "NOCREATEDB",
    "CREATEUSER": "SUPERUSER",
    "NOCREATEUSER": "NOSUPERUSER",
}
_CREATE = {
    "SCHEMA": _create_schema,
    "USER": _create_user,
    "GROUP": _create_group,
    "MATERIALIZED": _create_materialized_view,
}
