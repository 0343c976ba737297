"""A mart's contract beside its mart.sql: the columns that the query gives, as far as reading it tells."""

import json
from collections.abc import Iterator
from typing import Any

from lambdas.common.contract.model import Contract
from lambdas.common.contract.sound import Mistake


def find_mart_mistakes(contract: Contract) -> Iterator[Mistake]:
    """Columns that the contract declares and mart.sql does not give, or the other way round, or in another order.

    A query that DuckDB cannot parse (it is Redshift's), or that selects *, is left to the warehouse.
    """
    path = contract.path.parent / "mart.sql"
    if not path.exists():
        yield Mistake("has no mart.sql beside it")
        return
    given = _columns(path.read_text(encoding="utf-8"))
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


def _columns(sql: str) -> list[str] | None:
    import duckdb

    found = duckdb.execute("SELECT json_serialize_sql(?)", [sql.rstrip().rstrip(";")]).fetchall()[0][0]
    tree = json.loads(found)
    if tree.get("error"):
        return None
    node = tree["statements"][0]["node"]
    while "select_list" not in node:  # the branches of a UNION are named by the first
        node = node.get("left")
        if node is None:
            return None
    names = [_name(item) for item in node["select_list"]]
    return None if None in names else [str(name).lower() for name in names]


def _name(item: dict[str, Any]) -> str | None:
    if item.get("alias"):
        return str(item["alias"])
    return str(item["column_names"][-1]) if item.get("class") == "COLUMN_REF" else None
