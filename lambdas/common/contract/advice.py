"""What `make check` finds in a contract beyond what must hold for it to load: each as a Mistake with its place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from lambdas.common.contract.assumed import choices
from lambdas.common.contract.casts import NUMBERS, duckdb_type
from lambdas.common.contract.columns import custom_properties
from lambdas.common.contract.compile import compile_contract, unsettled_rule, unsettled_value
from lambdas.common.contract.model import Column, Contract, QueryRule, RowRule
from lambdas.common.contract.places import hint, near
from lambdas.common.contract.quality import fill, place_of
from lambdas.common.contract.rules import ROW
from lambdas.common.contract.sound import PHYSICAL_TYPE, Mistake
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ContractError

RESERVED = frozenset((resources.files("lambdas.common.contract") / "reserved_words.txt").read_text("utf-8").split())
FITTING = {
    "string": ("varchar", "char", "super"),
    "integer": ("smallint", "integer", "bigint", "decimal"),
    "number": ("real", "double precision", "decimal", "smallint", "integer", "bigint"),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamptz"),
    "object": ("super",),
    "array": ("super",),
    "map": ("super",),
    "vector": ("super",),
}
# what other tools call a type, and the standard's name for it
OTHER_NAMES = {
    **dict.fromkeys(("datetime", "timestamptz", "time"), "timestamp"),
    **dict.fromkeys(("int", "bigint", "smallint", "long"), "integer"),
    **dict.fromkeys(("float", "double", "decimal", "numeric", "real"), "number"),
    **dict.fromkeys(("text", "varchar", "char", "uuid"), "string"),
    "bool": "boolean",
    "json": "object",
}
SCHEMA_PROPERTIES = {
    "versionColumn", "nullWords", "onDrift", "maxRejectedRatio", "ignoredColumns", "distributionKey",
    "checks",
}  # fmt: skip
COLUMN_PROPERTIES = {
    "nullWords", "trueWords", "falseWords", "decimalSeparator", "thousandsSeparator", "rawType", "retired"
}  # fmt: skip
OPTIONS = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "format", "timezone", "defaultTimezone",
}  # fmt: skip
# `restricted` alone hides a value; a word that nobody reads must not look as if it did
CLASSIFICATIONS = ("public", "internal", "restricted")
TEXT_OPTIONS = ("min_length", "max_length", "pattern")
BOUNDS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")
NESTED = re.compile(r"TUPLE|STRUCT|MAP|UNION")
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEYWORDS = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
# what DuckDB says of an expression that looks beyond its row, whatever type the raw columns have
BEYOND_A_ROW = re.compile(r"Binder Error: (aggregates .*|window functions .*|UNNEST .*|TRY .*|WHERE clause .*)")


def find_advice(contract: Contract, document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with a contract that can be read, and is told without running its SQL: names and types."""
    if document.get("id") != contract.name:
        yield Mistake(f"id is {document.get('id')!r}; it must be the folder's name, {contract.name!r}", key="id")
    table = document["schema"][0]
    yield from _unread(table, "", SCHEMA_PROPERTIES)
    for prop in table["properties"]:
        yield from _unread(prop, prop["name"], COLUMN_PROPERTIES)
        for option in set(prop.get("logicalTypeOptions", {})) - OPTIONS:
            yield Mistake(
                f"logicalTypeOptions.{option} is not checked here{hint(option, OPTIONS)}", prop["name"], option
            )
    for column in contract.columns:
        yield from _names_and_types(column)
        yield from _rules_and_types(column)
        if contract.kind == "source" and column.event_time and not column.required:
            text = "the partition column must be `required: true`: a row without it has no day"
            yield Mistake(text, column.name, "partitioned")


def _unread(element: Mapping[str, Any], column: str, known: set[str]) -> Iterator[Mistake]:
    """Custom properties that nobody reads; those of other tools have a prefix, as in `acme:owner`."""
    for name in custom_properties(element):
        if name not in known and ":" not in name:
            yield Mistake(f"customProperties: {name!r} is not read by anything{hint(name, known)}", column, name)


def _names_and_types(column: Column) -> Iterator[Mistake]:
    if column.name in RESERVED:
        yield Mistake(
            f"{column.name!r} is a reserved word of Redshift; call it {column.name}_, say", column.name, "name"
        )
    base = column.physical_type.partition("(")[0]
    fitting = FITTING.get(column.logical_type)
    if fitting is None:
        text = f"logicalType {column.logical_type!r} has no type in Redshift; use string"
        meant = OTHER_NAMES.get(column.logical_type.lower())
        text += (
            f", or did you mean {meant!r}?"
            if meant
            else near(column.logical_type, FITTING).replace("; did", ", or did")
        )
        yield Mistake(text, column.name, "logicalType")
    elif base not in fitting and PHYSICAL_TYPE.fullmatch(column.physical_type):
        text = f"logicalType {column.logical_type} does not go with physicalType {column.physical_type}"
        yield Mistake(f"{text}; it goes with {', '.join(fitting)}", column.name, "physicalType")


def _rules_and_types(column: Column) -> Iterator[Mistake]:
    """Rules that the column's type cannot have, and a classification that hides nothing."""
    kind, said = duckdb_type(column.physical_type), column.classification
    if said and said not in CLASSIFICATIONS:
        text = f"classification {said!r} would hide nothing; restricted does, public and internal do not"
        text += near(said, CLASSIFICATIONS)
        yield Mistake(text, column.name, "classification")
    if not PHYSICAL_TYPE.fullmatch(column.physical_type):
        return
    for name in TEXT_OPTIONS:
        if getattr(column, name) is not None and kind != "VARCHAR":
            yield Mistake(f"{_camel(name)} is for texts; {column.physical_type} is none", column.name, _camel(name))
    for name in BOUNDS:
        if getattr(column, name) is not None and kind in ("VARCHAR", "BOOLEAN"):
            text = f"{_camel(name)} is for numbers and times; for texts take minLength, maxLength or pattern"
            yield Mistake(text, column.name, _camel(name))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def find_sql_mistakes(contract: Contract) -> Iterator[Mistake]:
    """SQL of a contract of sound types that does not bind, and constants that cannot be read."""
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for column in contract.columns:
            yield from _expression(connection, contract, column)
            yield from _constants(connection, column)
            yield from _enum(connection, column)
        for rule in contract.row_rules:
            yield from _row_rule(connection, contract, rule)
        for query in contract.object_rules:
            yield from _object_rule(connection, contract, query)
    finally:
        connection.close()


def _expression(connection: Any, contract: Contract, column: Column) -> Iterator[Mistake]:
    """Bind the expression to its raw columns, as text first, then as whatever they may hold."""
    if why := unsettled_value(connection, column):
        yield Mistake(f"transformLogic: {why}", column.name, "transformLogic")
        return
    alone = replace(contract, columns=(column,), row_rules=(), object_rules=())
    # what the platform itself writes around a raw column is the same for all
    bind = compile_contract if column.reads_one_raw_column else _prepare
    first: ContractError | None = None
    for kinds in choices(len(column.sources)):
        try:
            bind(connection, alone, dict(zip(column.sources, kinds, strict=True)))
        except ContractError as error:
            beyond = BEYOND_A_ROW.search(str(error))
            first = error if beyond else first or error
            if beyond or column.reads_one_raw_column or "Referenced column" in str(error):
                break
        else:
            yield from _nested(connection, column, kinds)
            return
    yield Mistake(_unbound(connection, column, str(first)), column.name, "transformLogic")


def _nested(connection: Any, column: Column, kinds: Sequence[str]) -> Iterator[Mistake]:
    """An expression that gives several values in one, as `(a, b)` does: no column but a super holds them."""
    raw = ", ".join(f"CAST(NULL AS {k}) AS {quoted(name)}" for k, name in zip(kinds, column.sources, strict=True))
    kind = str(connection.execute(f"DESCRIBE SELECT ({column.transform}) AS v FROM (SELECT {raw})").fetchall()[0][1])
    inner = NESTED.match(kind) or kind.endswith("]")
    if inner and not (column.physical_type == "super" and not kind.startswith("TUPLE")):
        text = f"transformLogic gives a {kind}: {column.physical_type} holds one value"
        if column.physical_type == "super":
            text = f"transformLogic gives a {kind}, which is no JSON; a list or struct_pack(a := ...) is"
        yield Mistake(text, column.name, "transformLogic")


def _prepare(connection: Any, contract: Contract, raw_types: Mapping[str, str]) -> None:
    """Bind the statements that a load runs: what stands well alone may be refused within them."""
    compiled = compile_contract(connection, contract, raw_types)
    raw = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in raw_types.items())
    for statement in (compiled.accepted, compiled.rejected):
        try:
            connection.execute(f"DESCRIBE {statement(f'(SELECT {raw}, 0 AS {ROW})', '')}")
        except Exception as error:
            raise ContractError(f"does not bind: {_first_line(error)}") from error


def _row_rule(connection: Any, contract: Contract, rule: RowRule) -> Iterator[Mistake]:
    plain = tuple(replace(c, transform=quoted(c.name), sources=(c.name,)) for c in contract.columns)
    alone = replace(contract, columns=plain, row_rules=(rule,), object_rules=())
    try:
        _prepare(connection, alone, {column.name: "VARCHAR" for column in plain})
    except ContractError as error:
        text, beyond = _short(error, contract) + _column_meant(error, contract), BEYOND_A_ROW.search(str(error))
        if beyond:
            text = f"quality rule {rule.name!r} is no rule over one row: {beyond[1]}; over more it is type: sql"
        yield Mistake(text, rule.column, place_of(rule))


def _unbound(connection: Any, column: Column, error: str) -> str:
    """Why an expression does not bind, and what its raw columns are called in it."""
    words = {row[0] for row in connection.execute(KEYWORDS).fetchall()}
    plain = [name for name in column.sources if PLAIN_NAME.fullmatch(name) and name.lower() not in words]
    names = ", ".join(name if name in plain else quoted(name) for name in column.sources)
    missing = re.search(r'Referenced column "([^"]*)" not found', error)
    if missing:
        text = f"transformLogic does not bind: {missing[1]!r} is not among transformSourceObjects"
        return f"{text}{near(missing[1], column.sources)}; write them as {names}"
    if beyond := BEYOND_A_ROW.search(error):
        return f"transformLogic is no expression over one row: {beyond[1]}; what looks at more than a row is a mart"
    if "syntax error" in error:
        # DuckDB names what stands behind the expression, which nobody has written
        return f"transformLogic is no expression of DuckDB's as it is written: {column.transform!r}; is all closed?"
    return (
        f"transformLogic does not bind: {error.rpartition('does not bind: ')[2]}; its raw columns are written {names}"
    )


def _constants(connection: Any, column: Column) -> Iterator[Mistake]:
    kind = duckdb_type(column.physical_type)
    tried = {
        "pattern": f"SELECT regexp_matches('', {literal(column.pattern)})" if column.pattern is not None else None,
        "defaultTimezone": f"SELECT timezone({literal(column.reading.zone)}, TIMESTAMP '2024-01-01')"
        if column.reading.zone
        else None,
    }
    bounds = {
        "minimum": column.minimum,
        "maximum": column.maximum,
        "exclusiveMinimum": column.exclusive_minimum,
        "exclusiveMaximum": column.exclusive_maximum,
    }
    tried |= {name: f"SELECT CAST({literal(str(v))} AS {kind})" for name, v in bounds.items() if isinstance(v, str)}
    for name, sql in tried.items():
        try:
            if sql:
                connection.execute(sql).fetchall()
        except Exception as error:  # noqa: BLE001 - whatever DuckDB says of it, it does not work
            yield Mistake(f"{name} cannot be read: {_first_line(error)}", column.name, name)


def _enum(connection: Any, column: Column) -> Iterator[Mistake]:
    """Values of an enum that the column can never hold."""
    kind = duckdb_type(column.physical_type)
    for value in column.enum:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        sql = f"SELECT TRY_CAST({literal(text)} AS {kind})"
        held = connection.execute(sql).fetchall()[0][0] is not None
        if not held or (kind != "VARCHAR" and isinstance(value, str) and kind in NUMBERS):
            said = f"enum value {value!r} is no {column.physical_type}"
            yield Mistake(said if not held else f"{said}: write it without quotes", column.name, "enum")
        elif column.byte_length is not None and len(text.encode()) > column.byte_length:
            said = f"enum value {value!r} has more bytes than {column.physical_type} holds"
            yield Mistake(said, column.name, "enum")
        elif column.single_bytes and not text.isascii():
            said = f"enum value {value!r} is not ASCII, and {column.physical_type} takes nothing else"
            yield Mistake(said, column.name, "enum")


def _object_rule(connection: Any, contract: Contract, rule: QueryRule) -> Iterator[Mistake]:
    if why := unsettled_rule(connection, contract, rule):
        yield Mistake(f"quality rule {rule.name!r}: {why}", rule.column, place_of(rule))
        return
    columns = ", ".join(f"CAST(NULL AS {duckdb_type(c.physical_type)}) AS {quoted(c.name)}" for c in contract.columns)
    query = fill(rule, object=f"(SELECT {columns} LIMIT 0)")
    try:
        connection.execute(f"SELECT {rule.holds.format(value='value')} FROM (SELECT ({query}) AS value)").fetchall()
    except Exception as error:  # noqa: BLE001 - whatever DuckDB says of it, it does not work
        text = f"quality rule {rule.name!r} does not run: {_first_line(error)}{_column_meant(error, contract)}"
        yield Mistake(text, rule.column, place_of(rule))


def _column_meant(error: BaseException, contract: Contract) -> str:
    missing = re.search(r'Referenced column "([^"]*)" not found', str(error))
    return near(missing[1], [column.name for column in contract.columns]) if missing else ""


def _short(error: ContractError, contract: Contract) -> str:
    return str(error).removeprefix(str(ContractError(f"{contract.path}: ")))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
