"""A contract compiled to DuckDB SQL for one raw schema: the columns, their rules and the day of a row.

Everything is one SELECT over read_parquet; nothing here opens a file. The connection that runs the SQL must
have TimeZone = 'UTC' and the json extension (it is part of the wheel).
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract.casts import cast, is_text
from lambdas.common.contract.model import Column, Contract
from lambdas.common.errors import ContractError

MASK = "***"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold: `broken` is SQL, true for a row that breaks it."""

    column: Column
    name: str
    broken: str
    value: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL of a contract for one raw schema. `{relation}` stands for what has _raw_row and the raw columns."""

    contract: Contract
    raw_types: Mapping[str, str]
    values: str
    typed: str
    rules: tuple[Rule, ...]

    def _rows(self, relation: str, select: str) -> str:
        clean = clean_columns(self.contract, self.raw_types)
        keep = ", ".join(f"{_q(name)} AS {_q('raw:' + name)}" for name in self.raw_types)
        return (
            f"WITH clean AS (SELECT _raw_row, {keep}, {clean} FROM {relation}), "
            f"valued AS (SELECT * EXCLUDE (_raw_row), _raw_row, {self.values} FROM clean), "
            f"typed AS (SELECT *, {self.typed} FROM valued) {select}"
        )

    def accepted(self, relation: str, raw_key: str) -> str:
        """SELECT of the rows that keep all rules: the contract's columns, _raw_key, _raw_row."""
        columns = ", ".join(f"{_q('typed:' + c.name)} AS {_q(c.name)}" for c in self.contract.columns)
        good = " AND ".join(f"({rule.broken}) IS NOT TRUE" for rule in self.rules) or "true"
        key = _literal(raw_key)
        return self._rows(relation, f"SELECT {columns}, {key} AS _raw_key, _raw_row FROM typed WHERE {good}")

    def rejected(self, relation: str, raw_key: str) -> str:
        """SELECT of every row of the relation with its reasons and the whole raw row as JSON text."""
        hidden = {name for c in self.contract.columns if c.restricted for name in c.sources}
        reasons = ", ".join(_reason(rule, hidden) for rule in self.rules)
        raw = ", ".join(
            f"{_q(name)} := " + (_literal(MASK) if name in hidden else _q("raw:" + name)) for name in self.raw_types
        )
        return self._rows(
            relation,
            f"SELECT {_literal(raw_key)} AS raw_key, _raw_row AS raw_row, "
            f"list_filter([{reasons}], lambda r: r IS NOT NULL) AS reasons, "
            f"CAST(to_json(struct_pack({raw})) AS VARCHAR) AS raw FROM typed",
        )

    def with_day(self, relation: str) -> str:
        """SELECT of the raw columns as they are, _raw_row, and _day: the row's UTC day, NULL where unreadable."""
        event = self.contract.event_time
        columns = ", ".join(f"{_q('raw:' + name)} AS {_q(name)}" for name in self.raw_types)
        day = f"CAST({_q('typed:' + event.name)} AS DATE)"
        return self._rows(relation, f"SELECT _raw_row, {columns}, {day} AS _day FROM typed")


def compile_contract(connection: Any, contract: Contract, raw_types: Mapping[str, str]) -> Compiled:
    """The SQL for objects of that raw schema.

    Args:
        connection: any DuckDB connection; it is asked for the types of the contract's expressions.
        contract: the source's contract.
        raw_types: DuckDB's type by raw column name, as DESCRIBE gives them.

    Raises:
        ContractError: an expression does not bind, for instance because it names an unknown raw column.
    """
    types = _expression_types(connection, contract, raw_types)
    values = ", ".join(_value(column) for column in contract.columns)
    typed = ", ".join(
        f"{cast(_present(c), types[c.name], c.physical_type)} AS {_q('typed:' + c.name)}" for c in contract.columns
    )
    rules = tuple(rule for c in contract.columns for rule in _rules(c, types[c.name]))
    return Compiled(contract, dict(raw_types), values, typed, rules)


def clean_columns(contract: Contract, raw_types: Mapping[str, str]) -> str:
    """Select list of the raw columns: null words taken out of texts, columns that the object lacks as NULL."""
    words = ", ".join(_literal(word) for word in contract.null_words)
    items = []
    for name in dict.fromkeys([*contract.raw_columns, *raw_types]):
        kind = raw_types.get(name)
        if kind is None:
            items.append(f"CAST(NULL AS VARCHAR) AS {_q(name)}")
        elif kind == "VARCHAR" and words:
            items.append(f"CASE WHEN {_q(name)} NOT IN ({words}) THEN {_q(name)} END AS {_q(name)}")
        else:
            items.append(_q(name))
    return ", ".join(items)


def _expression_types(connection: Any, contract: Contract, raw_types: Mapping[str, str]) -> dict[str, str]:
    raw = ", ".join(f"CAST(NULL AS {kind}) AS {_q(name)}" for name, kind in raw_types.items())
    raw = raw or "1 AS _nothing"
    clean = clean_columns(contract, raw_types)
    types = {}
    for column in contract.columns:
        sql = f"DESCRIBE SELECT {column.transform} AS v FROM (SELECT {clean} FROM (SELECT {raw}))"
        try:
            types[column.name] = str(connection.execute(sql).fetchall()[0][1])
        except Exception as error:
            raise ContractError(
                f"{contract.path}: {column.name}: transformLogic does not bind: {_first_line(error)}"
            ) from error
    return types


def _value(column: Column) -> str:
    """The expression's value; a computed one in a struct, so that an error (no struct) is not taken for NULL."""
    if _computed(column):
        return f"TRY(struct_pack(v := ({column.transform}))) AS {_q('value:' + column.name)}"
    return f"{column.transform} AS {_q('value:' + column.name)}"


def _computed(column: Column) -> bool:
    return column.transform not in (column.sources[0], _q(column.sources[0]))


def _present(column: Column) -> str:
    name = _q("value:" + column.name)
    return f"{name}.v" if _computed(column) else name


def _missing(column: Column, raw_type: str) -> str:
    """SQL: no value is there. An empty text that has to become something else than text is none."""
    value = _present(column)
    if raw_type == "VARCHAR" and not is_text(column.physical_type):
        return f"({value} IS NULL OR {value} = '')"
    return f"{value} IS NULL"


def _rules(column: Column, raw_type: str) -> Iterator[Rule]:
    value, typed = _present(column), _q("typed:" + column.name)
    failed = f"{_q('value:' + column.name)} IS NULL" if _computed(column) else "false"
    source = f"CAST({value} AS VARCHAR)"
    if _computed(column):
        source = f"COALESCE({source}, {_raw_text(column)})"
    if cast(value, raw_type, column.physical_type) != value or _computed(column):
        broken = f"{failed} OR ({typed} IS NULL AND NOT ({_missing(column, raw_type)}))"
        yield Rule(column, "cast", broken, source)
    if column.required:
        broken = f"NOT ({failed}) AND ({_missing(column, raw_type)})"
        yield Rule(column, "required", broken, "CAST(NULL AS VARCHAR)")
    for name, broken in _bounds(column, typed):
        yield Rule(column, name, broken, source)


def _bounds(column: Column, typed: str) -> Iterator[tuple[str, str]]:
    if column.minimum is not None:
        yield "minimum", f"{typed} < {_number(column.minimum)}"
    if column.maximum is not None:
        yield "maximum", f"{typed} > {_number(column.maximum)}"
    if column.min_length is not None:
        yield "minLength", f"length({typed}) < {int(column.min_length)}"
    if column.max_length is not None:
        yield "maxLength", f"length({typed}) > {int(column.max_length)}"
    if column.byte_length is not None:
        yield "bytes", f"strlen({typed}) > {column.byte_length}"
        yield "nul", f"contains({typed}, chr(0))"
    if column.pattern is not None:
        yield "pattern", f"NOT regexp_matches({typed}, {_literal(column.pattern)})"
    if column.enum:
        allowed = ", ".join(_literal(str(value)) for value in column.enum)
        yield "enum", f"CAST({typed} AS VARCHAR) NOT IN ({allowed})"


def _raw_text(column: Column) -> str:
    """What the raw columns held, for an expression that failed."""
    parts = ", ".join(f"CAST({_q(name)} AS VARCHAR)" for name in column.sources)
    return f"concat_ws(', ', {parts})"


def _reason(rule: Rule, hidden: AbstractSet[str]) -> str:
    """The reason as a struct. A column that reads what a restricted one reads shows no value either."""
    value = _literal(MASK) if hidden & set(rule.column.sources) else rule.value
    pack = f'struct_pack("column" := {_literal(rule.column.name)}, rule := {_literal(rule.name)}, value := {value})'
    return f"CASE WHEN {rule.broken} THEN {pack} END"


def _number(value: float) -> str:
    return repr(value)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
