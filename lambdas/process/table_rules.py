"""The contract's quality rules over whole tables, asked of the warehouse."""

import re
from collections.abc import Sequence
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.contract.model import QueryRule
from lambdas.common.contract.quality import reads_hidden, table_query
from lambdas.common.contract.rules import MASK
from lambdas.common.db.redshift import query, rollback
from lambdas.common.db.sql import statement
from lambdas.common.errors import LoadError


def judge_table(connection: Any, contract: Contract) -> list[dict[str, Any]]:
    """What each rule finds: {rule, fatal, holds, text}, the text saying what its query gave, or why it does not run.

    A rule whose query gives NULL, or more than one value, does not hold. The value of a restricted column is masked.

    Raises:
        TransientError: the warehouse was busy.
    """
    return [_judge(connection, contract, rule) for rule in contract.table_rules]


def _judge(connection: Any, contract: Contract, rule: QueryRule) -> dict[str, Any]:
    holds, text = _ask(connection, contract, rule)
    return {"rule": rule.name, "fatal": rule.fatal, "holds": holds, "text": text}


def _ask(connection: Any, contract: Contract, rule: QueryRule) -> tuple[bool, str]:
    sql = statement("table_rule").format(query=table_query(contract, rule), holds=rule.holds.format(value="r.value"))
    try:
        rows: Sequence[dict[str, Any]] = query(connection, sql)
    except LoadError as error:
        rollback(connection)  # the others are still to be asked
        said = MASK if reads_hidden(contract, rule) else re.sub(r"\s+", " ", str(error))
        return False, f"its query does not run: {said}"
    value = MASK if reads_hidden(contract, rule) else rows[0]["value"]
    return bool(rows[0]["holds"]), f"its query gives {value}, {rule.bound}"
