"""SHOW: parameters, and what there is: databases, schemas, tables, columns, grants, definitions."""

from __future__ import annotations

from collections.abc import Callable

from infrastructure.local.redshift.dialect.lexer import Tokens, literal
from infrastructure.local.redshift.dialect.parameters import show_all, show_parameter
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered

_MOST_ROWS = 10_000
_ELSEWHERE = frozenset({"PROCEDURE", "EXTERNAL", "MODEL", "DATASHARES", "POLICIES", "RLS", "MASKING", "TEMPLATE"})
_TABLE = ("database_name", "schema_name", "table_name")


def show(tokens: Tokens) -> Plan:
    """SHOW ...; stands after SHOW."""
    handler = _THINGS.get(tokens.peek())
    if handler is not None:
        tokens.take()
        return handler(tokens)
    if tokens.peek() in _ELSEWHERE:
        raise not_covered(f"SHOW {tokens.peek()}")
    return show_parameter(tokens)


def _list(view: str, condition: str) -> Plan:
    return Plan(f"SELECT * FROM pg_catalog.{view} WHERE {condition}", tag="SHOW")  # noqa: S608 - all parts are quoted


def _databases(tokens: Tokens) -> Plan:
    if tokens.peek() == "FROM":
        raise not_covered("SHOW DATABASES FROM DATA CATALOG")
    return _list("rs_show_databases", _filter(tokens, "database_name"))


def _schemas(tokens: Tokens) -> Plan:
    tokens.expect("FROM", "DATABASE")
    condition = f"database_name = {literal(tokens.name())}"
    return _list("svv_all_schemas", f"{condition} AND {_filter(tokens, 'schema_name')}")


def _tables(tokens: Tokens) -> Plan:
    tokens.expect("FROM", "SCHEMA")
    names = _names(tokens, ("database_name", "schema_name"))
    return _list("svv_all_tables", f"{names} AND {_filter(tokens, 'table_name')}")


def _columns(tokens: Tokens) -> Plan:
    tokens.expect("FROM", "TABLE")
    names = _names(tokens, _TABLE, at_least=2)
    order = _filter(tokens, "column_name", order="ordinal_position")
    return _list("rs_show_columns", f"{names} AND {order}")


def _grants(tokens: Tokens) -> Plan:
    """SHOW GRANTS ON TABLE | SCHEMA | DATABASE name [FOR who], or SHOW GRANTS FOR who."""
    conditions = ["true"]
    if tokens.accept("ON"):
        kind = tokens.accept_any("TABLE", "SCHEMA", "DATABASE")
        if not kind:
            raise not_covered(f"SHOW GRANTS ON {tokens.peek()}")
        parts = {"TABLE": ("database_name", "schema_name", "object_name"), "SCHEMA": ("database_name", "schema_name")}
        names = parts.get(kind, ("database_name",))
        conditions = [f"object_type = {literal(kind)}", _names(tokens, names, at_least=min(2, len(names)))]
    if tokens.accept("FOR"):
        conditions.append(_identity(tokens))
    elif len(conditions) == 1:
        raise tokens.error()
    order = _filter(tokens, "identity_name", order="schema_name, object_name, identity_name, privilege_type")
    return _list("rs_show_grants", f"{' AND '.join(conditions)} AND {order}")


def _constraints(tokens: Tokens) -> Plan:
    """SHOW CONSTRAINTS PRIMARY KEYS | FOREIGN KEYS [EXPORTED] FROM TABLE name [LIMIT n]."""
    primary = tokens.accept("PRIMARY")
    if not primary:
        tokens.expect("FOREIGN")
    tokens.expect("KEYS")
    side = "pk_" if not primary and tokens.accept("EXPORTED") else "" if primary else "fk_"
    tokens.expect("FROM", "TABLE")
    names = _names(tokens, tuple(side + column for column in _TABLE), at_least=2)
    if primary:
        return _list("rs_show_primary_keys", f"{names} AND {_filter(tokens, '', order='key_seq')}")
    order = "fk_database_name, fk_schema_name, fk_table_name, fk_name, key_seq"
    return _list("rs_show_foreign_keys", f"{names} AND {_filter(tokens, '', order=order)}")


def _column_grants(tokens: Tokens) -> Plan:
    """SHOW COLUMN GRANTS ON TABLE name [FOR who] [LIMIT n]."""
    tokens.expect("GRANTS", "ON", "TABLE")
    conditions = [_names(tokens, _TABLE, at_least=2)]
    if tokens.accept("FOR"):
        conditions.append(_identity(tokens))
    order = _filter(tokens, "column_name", order="column_name, identity_name, privilege_type")
    return _list("rs_show_column_grants", f"{' AND '.join(conditions)} AND {order}")


def _identity(tokens: Tokens) -> str:
    """Who has a grant: a user, ROLE or GROUP and its name, or PUBLIC."""
    if tokens.accept("PUBLIC"):
        return "identity_type = 'public'"
    kind = tokens.accept_any("ROLE", "GROUP") or "user"
    return f"identity_name = {literal(tokens.name())} AND identity_type = {literal(kind.lower())}"


def _routines(kind: str) -> Callable[[Tokens], Plan]:
    """SHOW FUNCTIONS | PROCEDURES FROM SCHEMA: none, as nobody can make one here."""

    def handler(tokens: Tokens) -> Plan:
        tokens.expect("FROM", "SCHEMA")
        names = _names(tokens, ("database_name", "schema_name"))
        condition = f"{names} AND {_filter(tokens, 'routine_name')}"
        columns = (
            f"database_name, schema_name, routine_name AS {kind}_name, number_of_arguments, argument_list, return_type"
        )
        return Plan(f"SELECT {columns}, remarks FROM pg_catalog.rs_show_routines WHERE {condition}", tag="SHOW")  # noqa: S608 - all parts are quoted

    return handler


def _names(tokens: Tokens, columns: tuple[str, ...], *, at_least: int = 1) -> str:
    """A qualified name as a condition on the last of the columns that it has parts for."""
    found = [tokens.name()]
    while tokens.accept("."):
        found.append(tokens.name())
    if not at_least <= len(found) <= len(columns):
        raise RedshiftError("42601", f"the name {'.'.join(found)} has to have {at_least} to {len(columns)} parts")
    pairs = zip(columns[-len(found) :], found, strict=True)
    return " AND ".join(f"{column} = {literal(name)}" for column, name in pairs)


def _filter(tokens: Tokens, column: str, *, order: str = "") -> str:
    """[LIKE 'pattern'] where there is a column for it, [LIMIT n] and the order, as the end of a query."""
    condition = f"{column} LIKE {literal(tokens.string())}" if column and tokens.accept("LIKE") else "true"
    limit = tokens.integer() if tokens.accept("LIMIT") else _MOST_ROWS
    tokens.end()
    if limit > _MOST_ROWS:
        raise RedshiftError("22023", f"LIMIT of SHOW must be between 0 and {_MOST_ROWS}")
    return f"{condition} ORDER BY {order or column} LIMIT {limit}"


def _definition(function: str, title: str) -> Callable[[Tokens], Plan]:
    def handler(tokens: Tokens) -> Plan:
        name = tokens.qualified()
        tokens.end()
        sql = f'SELECT pg_catalog.{function}({literal(name)}::pg_catalog.regclass) AS "{title}"'
        return Plan(sql, tag="SHOW")

    return handler


_THINGS: dict[str, Callable[[Tokens], Plan]] = {
    "ALL": show_all,
    "DATABASES": _databases,
    "SCHEMAS": _schemas,
    "TABLES": _tables,
    "COLUMNS": _columns,
    "COLUMN": _column_grants,
    "CONSTRAINTS": _constraints,
    "FUNCTIONS": _routines("function"),
    "PROCEDURES": _routines("procedure"),
    "GRANTS": _grants,
    "TABLE": _definition("rs_table_definition", "show table ddl statement"),
    "VIEW": _definition("rs_view_definition", "show view ddl statement"),
}
