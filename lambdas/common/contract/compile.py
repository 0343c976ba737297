"""A contract compiled to DuckDB SQL for one raw schema: the columns, their rules and the day of a row.

Everything is one SELECT over read_parquet; nothing here opens a file. The connection that runs the SQL must
have TimeZone = 'UTC' and the json extension (it is part of the wheel).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lambdas.common.contract.assumed import HasValue, assume_types, choices
from lambdas.common.contract.casts import cast, keeps_empty_text
from lambdas.common.contract.model import Column, Contract, QueryRule
from lambdas.common.contract.quality import fill
from lambdas.common.contract.reading import read_value
from lambdas.common.contract.rules import (
    MASK,
    ROW,
    Rule,
    bounds,
    hidden_columns,
    hidden_sources,
    hides_rows,
    reasons,
    row_rules,
    unique_rules,
)
from lambdas.common.contract.settled import STAR, unsettled
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ContractError


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL of a contract for one raw schema. A relation has the raw columns and ROW, the row's number.

    `assumed` are types of raw columns that hold no value, by name in lower case: with some, it is for that file alone.
    """

    contract: Contract
    raw_types: Mapping[str, str]
    values: str
    typed: str
    rules: tuple[Rule, ...]
    unique: tuple[Rule, ...]
    assumed: Mapping[str, str] = field(default_factory=dict)

    def _rows(self, relation: str, select: str) -> str:
        clean = clean_columns(self.contract, self.raw_types, self.assumed)
        keep = ", ".join(f"{quoted(name)} AS {quoted('§raw:' + name)}" for name in self.raw_types)
        return (
            f"WITH clean AS (SELECT {ROW}, {keep}, {clean} FROM {relation}), "
            f"valued AS (SELECT *, {self.values} FROM clean), "
            f"typed AS (SELECT *, {self.typed} FROM valued) {select}"
        )

    def accepted(self, relation: str, raw_key: str) -> str:
        """SELECT of the rows that keep all rules but uniqueness: the contract's columns, _raw_key, _raw_row."""
        columns = ", ".join(f"{quoted('§typed:' + c.name)} AS {quoted(c.name)}" for c in self.contract.columns)
        good = " AND ".join(f"({rule.broken}) IS NOT TRUE" for rule in self.rules) or "true"
        # one value in every row: as an enumeration it is written without being looked up again for each
        key = f"CAST({literal(raw_key)} AS ENUM({literal(raw_key)}))"
        return self._rows(relation, f"SELECT {columns}, {key} AS _raw_key, {ROW} AS _raw_row FROM typed WHERE {good}")

    def rejected(self, relation: str, raw_key: str, *, repeated: bool = False) -> str:
        """SELECT of every row of the relation with its reasons and the whole raw row as JSON text.

        With `repeated` the sets of repeated rows tell those whose value of a unique column has come before.
        """
        rules = (*self.rules, *self.unique) if repeated else self.rules
        return self._rows(
            relation,
            f"SELECT {literal(raw_key)} AS raw_key, {ROW} AS raw_row, "
            f"{reasons(rules, hidden_columns(self.contract))} AS reasons, "
            f"{self._raw_text()} AS raw FROM typed",
        )

    def _raw_text(self) -> str:
        """The raw row as JSON text, without the values that nobody may see."""
        if hides_rows(self.contract):
            return literal(MASK)
        hidden = hidden_sources(self.contract)
        raw = ", ".join(
            f"{quoted(name)} := " + (literal(MASK) if name.lower() in hidden else quoted("§raw:" + name))
            for name in self.raw_types
        )
        return f"CAST(to_json(struct_pack({raw})) AS VARCHAR)"

    def with_day(self, relation: str) -> str:
        """SELECT of the raw columns as they are, _raw_row, and _day: the row's UTC day, NULL where unreadable."""
        event = self.contract.event_time
        columns = ", ".join(f"{quoted('§raw:' + name)} AS {quoted(name)}" for name in self.raw_types)
        day = f"CAST({quoted('§typed:' + event.name)} AS DATE)"
        return self._rows(relation, f"SELECT {ROW} AS _raw_row, {columns}, {day} AS _day FROM typed")


def compile_contract(
    connection: Any, contract: Contract, raw_types: Mapping[str, str], has_value: HasValue = lambda _: True
) -> Compiled:
    """The SQL for objects of that raw schema.

    Args:
        connection: any DuckDB connection; it is asked for the types of the contract's expressions.
        contract: the source's contract.
        raw_types: DuckDB's type by raw column name, as DESCRIBE gives them.
        has_value: whether a raw column has any value. It is asked where an expression does not bind: columns without
            one, and those that the object lacks, are of no type, and are assumed to be of one that fits.

    Raises:
        ContractError: an expression does not bind, for instance because it names an unknown raw column; or what it or
            a rule says depends on more than the raw rows, such as the clock.
    """
    types, assumed = _bind(connection, contract, raw_types, has_value)
    values = ", ".join(_value(column) for column in contract.columns)
    typed = ", ".join(f"{_typed(c, types[c.name])} AS {quoted('§typed:' + c.name)}" for c in contract.columns)
    rules = [rule for c in contract.columns for rule in _rules(c, types[c.name])]
    rules += row_rules(connection, contract)
    for query in contract.object_rules:
        if why := unsettled_rule(connection, contract, query):
            raise ContractError(f"{contract.path}: quality rule {query.name!r}: {why}")
    unique = unique_rules(contract, {c.name: _source(c) for c in contract.columns})
    return Compiled(contract, dict(raw_types), values, typed, tuple(rules), tuple(unique), assumed)


def clean_columns(contract: Contract, raw_types: Mapping[str, str], assumed: Mapping[str, str]) -> str:
    """Select list of the raw columns: null words taken out of texts, columns that the object lacks as NULL.

    A column that the object spells with other capitals than the contract has the contract's name. One of an assumed
    type is NULL.
    """
    spelled = {name.lower(): name for name in raw_types}
    items = [
        _clean(contract, name, spelled.pop(name.lower(), None), raw_types, assumed.get(name.lower()))
        for name in contract.raw_columns
    ]
    return ", ".join([*items, *(_clean(contract, name, name, raw_types) for name in spelled.values())])


def _clean(
    contract: Contract, name: str, actual: str | None, raw_types: Mapping[str, str], assumed: str | None = None
) -> str:
    if actual is None or assumed:
        return f"CAST(NULL AS {assumed or 'VARCHAR'}) AS {quoted(name)}"
    words = ", ".join(literal(word) for word in contract.words_of(name))
    if raw_types[actual] != "VARCHAR" or not words:
        return f"{quoted(actual)} AS {quoted(name)}"
    return f"CASE WHEN {quoted(actual)} NOT IN ({words}) THEN {quoted(actual)} END AS {quoted(name)}"


def _bind(
    connection: Any, contract: Contract, raw_types: Mapping[str, str], has_value: HasValue
) -> tuple[dict[str, str], dict[str, str]]:
    """DuckDB's types of the expressions by column, and those that raw columns without a value are assumed to have."""
    try:
        return _expression_types(connection, contract, raw_types, {}), {}
    except ContractError:
        present = {name.lower(): name for name in raw_types}
        empty = {
            n.lower() for n in contract.raw_columns if n.lower() not in present or not has_value(present[n.lower()])
        }
        if not empty:
            raise
    assumed = assume_types(contract, empty, partial(_binds, connection, contract, raw_types))
    return _expression_types(connection, contract, raw_types, assumed), assumed


def _binds(
    connection: Any, contract: Contract, raw_types: Mapping[str, str], column: Column, assumed: Mapping[str, str]
) -> bool:
    """Whether the column's expression binds, where raw columns have those types, or are assumed to."""
    try:
        _expression_types(connection, replace(contract, columns=(column,)), raw_types, assumed)
    except ContractError:
        return False
    return True


def refuses_types(connection: Any, contract: Contract, raw_types: Mapping[str, str], has_value: HasValue) -> bool:
    """Whether it is these types to which an expression does not bind: to some others each of them does."""
    try:
        _bind(connection, contract, raw_types, has_value)
    except ContractError:
        return _binds_to_some_types(connection, contract)
    return False


def _binds_to_some_types(connection: Any, contract: Contract) -> bool:
    return all(
        any(
            _binds(connection, contract, dict(zip(column.sources, kinds, strict=True)), column, {})
            for kinds in choices(len(column.sources))
        )
        for column in contract.columns
    )


def _expression_types(
    connection: Any, contract: Contract, raw_types: Mapping[str, str], assumed: Mapping[str, str]
) -> dict[str, str]:
    raw = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in raw_types.items())
    raw = raw or "1 AS _nothing"
    clean = clean_columns(contract, raw_types, assumed)
    types = {}
    for column in contract.columns:
        sql = f"DESCRIBE SELECT ({column.transform}) AS v FROM (SELECT {clean} FROM (SELECT {raw}))"
        try:
            types[column.name] = str(connection.execute(sql).fetchall()[0][1])
        except Exception as error:
            sources = {name.lower() for name in column.sources}
            over = ", ".join(f"{name} {kind}" for name, kind in raw_types.items() if name.lower() in sources)
            text = f"transformLogic{over and f' over {over}'} does not bind: {_first_line(error)}"
            raise ContractError(f"{contract.path}: {column.name}: {text}") from error
        if why := unsettled_value(connection, column):
            raise ContractError(f"{contract.path}: {column.name}: transformLogic: {why}")
    return types


def unsettled_value(connection: Any, column: Column) -> str:
    """What an expression says that no raw column does, as `unsettled` tells it."""
    names = frozenset(name.lower() for name in column.sources)
    return unsettled(connection, f"SELECT ({column.transform})", names) if _computed(column) else ""


def unsettled_rule(connection: Any, contract: Contract, rule: QueryRule) -> str:
    """The same of a rule over an object's rows, which refuses the object; one that only warns changes no table."""
    names = frozenset([*(column.name for column in contract.columns), STAR])
    return unsettled(connection, fill(rule, object="(SELECT 1)"), names) if rule.fatal else ""


def _value(column: Column) -> str:
    """The expression's value; a computed one in a struct, so that an error (no struct) is not taken for NULL."""
    if _computed(column):
        return f"TRY(struct_pack(v := ({column.transform}))) AS {quoted('§value:' + column.name)}"
    return f"{column.transform} AS {quoted('§value:' + column.name)}"


def _computed(column: Column) -> bool:
    return not column.reads_one_raw_column


def _present(column: Column) -> str:
    name = quoted("§value:" + column.name)
    return f"{name}.v" if _computed(column) else name


def _typed(column: Column, raw_type: str) -> str:
    value, kind = read_value(column, _present(column), raw_type)
    return cast(value, kind, column.physical_type)


def _missing(column: Column, raw_type: str) -> str:
    """SQL: no value is there. An empty text that has to become something else than text is none."""
    value = _present(column)
    if raw_type == "VARCHAR" and not keeps_empty_text(column.physical_type):
        return f"({value} IS NULL OR {value} = '')"
    return f"{value} IS NULL"


def _rules(column: Column, raw_type: str) -> Iterator[Rule]:
    typed = quoted("§typed:" + column.name)
    failed = f"{quoted('§value:' + column.name)} IS NULL" if _computed(column) else "false"
    if _typed(column, raw_type) != _present(column) or _computed(column):
        broken = f"{failed} OR ({typed} IS NULL AND NOT ({_missing(column, raw_type)}))"
        yield Rule(column.name, "cast", broken, _source(column))
    if column.required:
        broken = f"NOT ({failed}) AND ({_missing(column, raw_type)})"
        yield Rule(column.name, "required", broken, "CAST(NULL AS VARCHAR)")
    for name, broken in bounds(column):
        yield Rule(column.name, name, broken, _source(column))


def _source(column: Column) -> str:
    """What the source said, as text; of an expression that failed, what its raw columns held."""
    source = f"CAST({_present(column)} AS VARCHAR)"
    if not _computed(column):
        return source
    parts = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in column.sources)
    return f"COALESCE({source}, concat_ws(', ', {parts}))"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
