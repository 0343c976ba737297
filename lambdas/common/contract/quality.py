"""The `quality` rules of a contract: those of one row, those of an object's rows together, those of the table.

A row rule is `type: custom, engine: duckdb`: a truth value over the contract's columns. The others are `type: sql`: a
query whose one value is compared, over ${object} in DuckDB's SQL, or over ${table} in Redshift's. `type: text` is for
people and checks nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common.contract.model import Contract, QueryRule, RowRule
from lambdas.common.contract.rules import hidden_columns
from lambdas.common.contract.sql import quoted
from lambdas.common.errors import ContractError

OPERATORS = {
    "mustBe": "{value} = {bound}",
    "mustNotBe": "{value} <> {bound}",
    "mustBeGreaterThan": "{value} > {bound}",
    "mustBeGreaterOrEqualTo": "{value} >= {bound}",
    "mustBeLessThan": "{value} < {bound}",
    "mustBeLessOrEqualTo": "{value} <= {bound}",
    "mustBeBetween": "{value} BETWEEN {bound[0]} AND {bound[1]}",
    "mustNotBeBetween": "{value} NOT BETWEEN {bound[0]} AND {bound[1]}",
}
# the name of a rule without one, as `read_rules` gives it
UNNAMED = re.compile(r"_rule_\d+$")
PLACEHOLDER = re.compile(r"\$?\{(object|table|property)\}")


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a contract by what each looks at: a row, an object's rows, the table."""

    rows: tuple[RowRule, ...]
    objects: tuple[QueryRule, ...]
    tables: tuple[QueryRule, ...]


def read_rules(table: Mapping[str, Any], path: Path) -> Rules:
    """The rules of a schema and of its properties.

    Raises:
        ContractError: a rule that this project does not check; a rule that nobody checks must not look as if.
    """
    rows: list[RowRule] = []
    queries: dict[str, list[QueryRule]] = {"object": [], "table": []}
    for column, number, rule in _stated(table):
        place = f"{path}: {column or table['name']}: quality rule {rule.get('name', number)!r}"
        name = str(rule.get("name") or f"{column or 'row'}_rule_{number}")
        kind = rule.get("type", "library")
        if kind == "custom" and rule.get("engine") == "duckdb":
            rows.append(RowRule(name, str(rule["implementation"]), column))
        elif kind == "sql":
            queries[_place_read(rule, place)].append(_query_rule(rule, name, column, place))
        elif kind != "text":
            raise ContractError(
                f"{place}: {kind} {rule.get('engine') or rule.get('metric') or ''} is not checked here; "
                "write a row rule (type: custom, engine: duckdb) or a query (type: sql)"
            )
    return Rules(tuple(rows), tuple(queries["object"]), tuple(queries["table"]))


def _stated(table: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Each rule with the property that states it, empty for the schema, and its number there from 1."""
    owners: Sequence[tuple[str, Mapping[str, Any]]] = [("", table), *((p["name"], p) for p in table["properties"])]
    for column, owner in owners:
        for number, rule in enumerate(owner.get("quality", ()), start=1):
            yield column, number, rule


def _place_read(rule: Mapping[str, Any], place: str) -> str:
    """What the rule's query reads: object or table."""
    read = set(PLACEHOLDER.findall(rule["query"])) - {"property"}
    if len(read) != 1:
        raise ContractError(
            f"{place}: its query must read FROM ${{object}}, the rows of one raw object, or FROM ${{table}}, all rows "
            "of the table in Redshift's SQL, and not both"
        )
    return str(read.pop())


def _query_rule(rule: Mapping[str, Any], name: str, column: str, place: str) -> QueryRule:
    said = [operator for operator in OPERATORS if operator in rule]
    if len(said) != 1:
        raise ContractError(f"{place}: needs exactly one of {', '.join(OPERATORS)}")
    bound = rule[said[0]]
    values = bound if isinstance(bound, list) else [bound]
    if not all(isinstance(value, int | float) for value in values) or ("etween" in said[0]) != (len(values) == 2):
        raise ContractError(f"{place}: {said[0]} must be {'two numbers' if 'etween' in said[0] else 'a number'}")
    holds = OPERATORS[said[0]].format(value="{value}", bound=bound)
    return QueryRule(name, str(rule["query"]), f"{said[0]} {bound}", holds, column, _is_fatal(rule))


def _is_fatal(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("severity", "error")) not in ("info", "warning")


def table_query(contract: Contract, rule: QueryRule) -> str:
    """The query of a rule over the table, as the warehouse takes it."""
    return fill(rule, table=f"{quoted(contract.schema)}.{quoted(contract.name)}")


def fill(rule: QueryRule, **read: str) -> str:
    """The rule's query with its property and what it reads, object or table, as SQL."""
    names = {**read, "property": quoted(rule.column)}
    return PLACEHOLDER.sub(lambda match: names[match[1]], rule.query)


def reads_hidden(contract: Contract, rule: QueryRule) -> bool:
    """Whether the rule's value may be one of a restricted column: ledger, log and check keep what it gives."""
    names = [re.escape(name) for name in hidden_columns(contract)]
    stated = rule.column in hidden_columns(contract)
    return stated or bool(names and re.search(rf"\b({'|'.join(names)})\b", rule.query, re.IGNORECASE))


def place_of(rule: RowRule | QueryRule) -> str:
    """What marks the rule's line: its name, where it was given one."""
    return "quality" if UNNAMED.search(rule.name) else rule.name
