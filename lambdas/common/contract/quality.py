"""The `quality` rules of a contract: those of one row, and those of an object's rows together.

A row rule is `type: custom, engine: duckdb`: a truth value over the contract's columns. An object rule is
`type: sql`: a query over ${object} whose one value is compared. `type: text` is for people and checks nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lambdas.common.contract.model import ObjectRule, RowRule
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
PLACEHOLDER = re.compile(r"\$?\{(object|property)\}")


def read_rules(table: Mapping[str, Any], path: Path) -> tuple[tuple[RowRule, ...], tuple[ObjectRule, ...]]:
    """The row rules and the object rules of a schema and of its properties.

    Raises:
        ContractError: a rule that this project does not check; a rule that nobody checks must not look as if.
    """
    rows: list[RowRule] = []
    objects: list[ObjectRule] = []
    for column, number, rule in _stated(table):
        place = f"{path}: {column or table['name']}: quality rule {rule.get('name', number)!r}"
        name = str(rule.get("name") or f"{column or 'row'}_rule_{number}")
        kind = rule.get("type", "library")
        if kind == "custom" and rule.get("engine") == "duckdb":
            rows.append(RowRule(name, str(rule["implementation"]), column))
        elif kind == "sql":
            objects.append(_object_rule(rule, name, column, place))
        elif kind != "text":
            raise ContractError(
                f"{place}: {kind} {rule.get('engine') or rule.get('metric') or ''} is not checked here; "
                "write a row rule (type: custom, engine: duckdb) or a query (type: sql)"
            )
    return tuple(rows), tuple(objects)


def _stated(table: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Each rule with the property that states it, empty for the schema, and its number there from 1."""
    owners: Sequence[tuple[str, Mapping[str, Any]]] = [("", table), *((p["name"], p) for p in table["properties"])]
    for column, owner in owners:
        for number, rule in enumerate(owner.get("quality", ()), start=1):
            yield column, number, rule


def _object_rule(rule: Mapping[str, Any], name: str, column: str, place: str) -> ObjectRule:
    said = [operator for operator in OPERATORS if operator in rule]
    if len(said) != 1:
        raise ContractError(f"{place}: needs exactly one of {', '.join(OPERATORS)}")
    if "${object}" not in rule["query"] and "{object}" not in rule["query"]:
        raise ContractError(f"{place}: its query must read FROM ${{object}}, the rows of one raw object")
    bound = rule[said[0]]
    values = bound if isinstance(bound, list) else [bound]
    if not all(isinstance(value, int | float) for value in values) or ("etween" in said[0]) != (len(values) == 2):
        raise ContractError(f"{place}: {said[0]} must be {'two numbers' if 'etween' in said[0] else 'a number'}")
    holds = OPERATORS[said[0]].format(value="{value}", bound=bound)
    return ObjectRule(name, str(rule["query"]), f"{said[0]} {bound}", holds, column, _is_fatal(rule))


def _is_fatal(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("severity", "error")) not in ("info", "warning")
