"""The rules of a contract as SQL over the typed rows: each says when a row breaks it, and what the row held."""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract.casts import NUMBERS, duckdb_type
from lambdas.common.contract.model import Column, Contract, RowRule
from lambdas.common.contract.rowset import holds
from lambdas.common.contract.settled import unsettled_in
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ContractError

MASK = "***"
# What every name of the platform's own begins with inside the compiled SQL; no raw column may.
MARK = "§"
# The number of a row in its object. An unloaded table may bring a _raw_row of its own, which is only data.
ROW = f'"{MARK}row"'


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold: `broken` is SQL, true for a row that breaks it; `value` SQL of what the row held."""

    column: str
    name: str
    broken: str
    value: str


def bounds(column: Column) -> Iterator[tuple[str, str]]:
    """Name and breaking condition of each rule over the column's typed value; NULL breaks none."""
    typed = quoted("§typed:" + column.name)
    limits = {
        "minimum": ("<", column.minimum),
        "maximum": (">", column.maximum),
        "exclusiveMinimum": ("<=", column.exclusive_minimum),
        "exclusiveMaximum": (">=", column.exclusive_maximum),
    }
    for name, (sign, limit) in limits.items():
        if limit is not None:
            yield name, f"{typed} {sign} {_limit(column, limit)}"
    if column.multiple_of is not None:
        yield "multipleOf", f"{typed} % {column.multiple_of!r} <> 0"
    if column.enum:
        yield "enum", _enum(column, typed)
    yield from _text_bounds(column, typed)


def _text_bounds(column: Column, typed: str) -> Iterator[tuple[str, str]]:
    if column.min_length is not None:
        yield "minLength", f"length({typed}) < {int(column.min_length)}"
    if column.max_length is not None:
        yield "maxLength", f"length({typed}) > {int(column.max_length)}"
    if column.byte_length is not None:
        yield "bytes", f"strlen({typed}) > {column.byte_length}"
        if column.single_bytes:
            yield "ascii", f"strlen({typed}) <> length({typed})"
        yield "nul", f"contains({typed}, chr(0))"
    if column.pattern is not None:
        yield "pattern", f"NOT regexp_matches({typed}, {literal(column.pattern)})"


def _limit(column: Column, limit: float | str) -> str:
    if isinstance(limit, str):
        return f"CAST({literal(limit)} AS {duckdb_type(column.physical_type)})"
    return repr(limit)


def _enum(column: Column, typed: str) -> str:
    kind = duckdb_type(column.physical_type)
    if kind in NUMBERS or kind.startswith("DECIMAL"):
        return f"{typed} NOT IN ({', '.join(str(value) for value in column.enum)})"
    words = (str(value).lower() if isinstance(value, bool) else str(value) for value in column.enum)
    return f"CAST({typed} AS VARCHAR) NOT IN ({', '.join(literal(word) for word in words)})"


def row_rules(connection: Any, contract: Contract) -> list[Rule]:
    """The contract's own rules over whole rows.

    Raises:
        ContractError: a rule does not parse, names an unknown column, asks the clock or chance, or is no truth value.
    """
    return [_row_rule(connection, contract, rule) for rule in contract.row_rules]


def _row_rule(connection: Any, contract: Contract, rule: RowRule) -> Rule:
    place = f"{contract.path}: quality rule {rule.name!r}"
    columns = ", ".join(f"CAST(NULL AS {duckdb_type(c.physical_type)}) AS {quoted(c.name)}" for c in contract.columns)
    try:
        bound = f"DESCRIBE SELECT ({rule.sql}) AS kept FROM (SELECT {columns})"
        kind = str(connection.execute(bound).fetchall()[0][1])
        tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [f"SELECT {rule.sql}"]).fetchall()[0][0])
        why = unsettled_in(tree, {c.name for c in contract.columns})
        read = list(dict.fromkeys(_typed_names(tree, {c.name for c in contract.columns})))
        sql = connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()[0][0]
    except Exception as error:
        raise ContractError(f"{place} does not bind: {str(error).strip().splitlines()[0]}") from error
    if why:
        raise ContractError(f"{place}: {why}")
    if kind != "BOOLEAN":
        raise ContractError(f"{place} is a {kind}, no truth value")
    kept = f"TRY(struct_pack(v := ({sql.removeprefix('SELECT ')})))"
    broken = f"{kept} IS NULL OR {kept}.v IS FALSE"
    return Rule(
        rule.column or ", ".join(read), rule.name, broken, _values(contract, [rule.column] if rule.column else read)
    )


def _typed_names(node: Any, names: AbstractSet[str]) -> Iterator[str]:
    """The contract's columns that an expression reads; renames them in the tree to those of the typed rows."""
    if isinstance(node, list):
        for item in node:
            yield from _typed_names(item, names)
    elif isinstance(node, dict):
        path = node.get("column_names")
        if node.get("class") == "COLUMN_REF" and isinstance(path, list) and str(path[0]).lower() in names:
            name = str(path[0]).lower()
            path[0] = f"§typed:{name}"
            yield name
        for item in node.values():
            yield from _typed_names(item, names)


def _values(contract: Contract, names: Sequence[str]) -> str:
    """What the columns hold: the text of one, JSON of several; never that of a restricted one."""
    masked = hidden_columns(contract)
    shown = {name: literal(MASK) if name in masked else quoted(f"§typed:{name}") for name in names}
    if len(shown) == 1:
        return f"CAST({next(iter(shown.values()))} AS VARCHAR)"
    packed = ", ".join(f"{quoted(name)} := {value}" for name, value in shown.items())
    return f"CAST(to_json(struct_pack({packed})) AS VARCHAR)" if packed else "CAST(NULL AS VARCHAR)"


def hidden_sources(contract: Contract) -> frozenset[str]:
    """The raw columns that a restricted column reads, in lower case."""
    return frozenset(name.lower() for c in contract.columns if c.restricted for name in c.sources)


def hides_rows(contract: Contract) -> bool:
    """Whether no value of a raw row is shown: what a restricted column is made of only its transform.py knows."""
    return contract.script is not None and any(column.restricted for column in contract.columns)


def hidden_columns(contract: Contract) -> frozenset[str]:
    """The columns whose values are not shown: restricted ones, and those that read what a restricted one reads."""
    if hides_rows(contract):
        return frozenset(column.name for column in contract.columns)
    hidden = hidden_sources(contract)
    return frozenset(c.name for c in contract.columns if hidden & {name.lower() for name in c.sources})


def reasons(rules: Sequence[Rule], masked: AbstractSet[str]) -> str:
    """SQL list of the reasons of a row as structs of column, rule, value; empty where it keeps all rules."""
    items = ", ".join(_reason(rule, masked) for rule in rules)
    return f"list_filter([{items}], lambda r: r IS NOT NULL)"


def _reason(rule: Rule, masked: AbstractSet[str]) -> str:
    value = literal(MASK) if rule.column in masked else rule.value
    pack = f'struct_pack("column" := {literal(rule.column)}, rule := {literal(rule.name)}, value := {value})'
    return f"CASE WHEN {rule.broken} THEN {pack} END"


def unique_rules(contract: Contract, values: Mapping[str, str]) -> list[Rule]:
    """The rules of unique columns for rows that stand in the columns' sets of repeated rows."""
    unique = [column.name for column in contract.columns if column.unique]
    return [Rule(name, "unique", holds(repeated(name), ROW), values[name]) for name in unique]


def repeated(column: str) -> str:
    """The name of the set of rows whose value of the column came before."""
    return f"repeated:{column}"
