"""A mart's contract beside its mart.sql: the columns that the query gives, as far as reading it tells."""

from collections.abc import Iterator

from lambdas.common.contract.mart_query import given_columns
from lambdas.common.contract.model import Contract, QueryRule, RowRule
from lambdas.common.contract.quality import place_of
from lambdas.common.contract.sound import Mistake


def find_mart_mistakes(contract: Contract) -> Iterator[Mistake]:
    """Rules that nobody checks; columns that the contract has and mart.sql not, or the other way round, or elsewhere.

    A query that cannot be read is told elsewhere; one that selects * is left to the warehouse.
    """
    unchecked: tuple[RowRule | QueryRule, ...] = (*contract.row_rules, *contract.object_rules)
    for rule in unchecked:
        text = f"quality rule {rule.name!r} is over raw objects, which a mart has not; write a query FROM ${{table}}"
        yield Mistake(text, rule.column, place_of(rule))
    path = contract.path.parent / "mart.sql"
    if not path.exists():
        yield Mistake("has no mart.sql beside it")
        return
    given = given_columns(path.read_text(encoding="utf-8"))
    declared = [column.name for column in contract.columns]
    if given is None or given == declared:
        return
    for name in declared:
        if name not in given:
            yield Mistake("is no column of mart.sql", name, "name")
    for name in given:
        if name not in declared:
            yield Mistake(f"mart.sql gives a column {name!r} that the contract does not declare")
    if sorted(given) == sorted(declared):
        yield Mistake(f"mart.sql gives its columns in another order: {', '.join(given)}")
