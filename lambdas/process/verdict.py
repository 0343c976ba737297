"""What is decided over the rows of an object together: unique values, the limit on rejected rows, object rules."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambdas.common import remarks
from lambdas.common.contract import Contract
from lambdas.common.contract.casts import is_text
from lambdas.common.contract.model import Column, QueryRule
from lambdas.common.contract.quality import fill, reads_hidden
from lambdas.common.contract.rowset import Span, holds, remember
from lambdas.common.contract.rules import MASK, repeated
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.errors import ContractError, ObjectError

REASONS_TOLD = 5


def drop_repeated(
    connection: Any, contract: Contract, curated: Path, span: Span, former: Sequence[Path], write: str
) -> bool:
    """Take rows out of the curated file whose value of a unique column came before; whether there were any.

    `former` are the files of the object's rows before those of the span. The first row of a value stays. The others
    are in the column's set of repeated rows afterwards. `write` are COPY's options.
    """
    unique = [column for column in contract.columns if column.unique]
    if not unique:
        return False
    parts = " UNION ALL ".join(_repeated(column, curated, former) for column in unique)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repeated_rows AS {parts}")
    if not connection.execute("SELECT count(*) FROM repeated_rows").fetchall()[0][0]:
        return False
    remember(connection, "repeated", "SELECT _raw_row FROM repeated_rows", span)
    for name in (column.name for column in unique):
        rows = f"SELECT _raw_row FROM repeated_rows WHERE _column = {literal(name)}"
        remember(connection, repeated(name), rows, span)
    kept = curated.with_suffix(".unique")
    rows = f"SELECT * FROM read_parquet({literal(str(curated))})"
    connection.execute(f"COPY ({rows} WHERE NOT {holds('repeated', '_raw_row')}) TO {literal(str(kept))} ({write})")
    kept.replace(curated)
    return True


def _repeated(column: Column, curated: Path, former: Sequence[Path]) -> str:
    """SELECT of the rows whose value came before, in the file or in a former one, which is gone through once."""
    rows = _values(column, [curated])
    again = f"SELECT value, min(_raw_row) AS first FROM {rows} GROUP BY 1 HAVING count(value) > 1"
    found = f"SELECT _raw_row FROM {rows} JOIN ({again}) USING (value) WHERE _raw_row > first"
    if former:
        before = f"SELECT value FROM {_values(column, former)} WHERE value IN (SELECT value FROM {rows})"
        found += f" UNION SELECT _raw_row FROM {rows} WHERE value IN ({before})"
    return f"SELECT {literal(column.name)} AS _column, _raw_row FROM ({found})"


def _values(column: Column, files: Sequence[Path]) -> str:
    name = quoted(column.name)
    # texts that differ in trailing blanks alone are one value in the warehouse
    value = f"rtrim({name}, ' ')" if is_text(column.physical_type) else name
    return f"(SELECT _raw_row, {value} AS value FROM {_read(files)})"


def refuse_if_too_many(connection: Any, contract: Contract, rows_in: int, rejected: Path, before: int = 0) -> None:
    """Raise ObjectError where more than maxRejectedRatio of the rows are rejected; it tells the reasons most seen.

    `before` counts rows of the object that were rejected before those in the file.
    """
    limit, file = contract.max_rejected_ratio, literal(str(rejected))
    if limit is None:
        return
    count = before + connection.execute(f"SELECT count(*) FROM read_parquet({file})").fetchall()[0][0]
    if count <= limit * rows_in:
        return
    sql = (
        f'SELECT r."column", r.rule, count(*) FROM (SELECT unnest(reasons) AS r FROM read_parquet({file})) '
        f"GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT {REASONS_TOLD}"
    )
    most = ", ".join(f"{column} {rule} ({number:,})" for column, rule, number in connection.execute(sql).fetchall())
    raise ObjectError(
        f"{count:,} of {rows_in:,} rows are rejected, more than maxRejectedRatio {limit} allows; most for {most}"
    )


def judge(connection: Any, contract: Contract, curated: Sequence[Path]) -> tuple[str, ...]:
    """The object rules that the accepted rows break and that only warn.

    Raises:
        ObjectError: a rule that refuses is broken; says the rule, its bound and the value found.
        ContractError: a rule's query does not run.
    """
    broken = [(rule, text) for rule in contract.object_rules if (text := _broken(connection, contract, rule, curated))]
    fatal = [text for rule, text in broken if rule.fatal]
    if fatal:
        raise ObjectError(remarks.mark(remarks.RULE, "; ".join(fatal)))
    return tuple(text for _, text in broken)


def _broken(connection: Any, contract: Contract, rule: QueryRule, curated: Sequence[Path]) -> str | None:
    rows = f"(SELECT * EXCLUDE (_raw_key, _raw_row) FROM {_read(curated)})"
    query = fill(rule, object=rows)
    try:
        sql = f"SELECT value, {rule.holds.format(value='value')} FROM (SELECT ({query}) AS value)"
        value, holds = connection.execute(sql).fetchall()[0]
    except Exception as error:  # noqa: BLE001 - whatever the query raises, the contract is wrong
        hide = reads_hidden(contract, rule)
        text = MASK if hide else re.sub(r"\s+", " ", str(error))
        raise ContractError(f"{contract.path}: quality rule {rule.name!r} does not run: {text}") from (
            None if hide else error
        )
    shown = MASK if reads_hidden(contract, rule) else value
    return None if holds else f"quality rule {rule.name!r}: the query gives {shown}, {rule.bound}"


def _read(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"
