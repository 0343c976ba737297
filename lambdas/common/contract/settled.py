"""What SQL of a contract may not ask, because a rebuild would answer otherwise: the clock, chance, the session.

The names are those of functions that DuckDB does not call consistent; a test holds them against the DuckDB in use.
Functions that only need to know a zone are settled: it is always UTC.
"""

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

CLOCK = {
    "now", "today", "ago", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
    "current_localtime", "current_localtimestamp", "get_current_time", "get_current_timestamp", "transaction_timestamp",
    "pg_conf_load_time", "pg_postmaster_start_time",
}  # fmt: skip
CHANCE = {"random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid"}
SESSION = {
    "nextval", "currval", "setval", "txid_current", "current_query", "current_query_id", "current_transaction_id",
    "current_connection_id", "current_database", "current_catalog", "current_schema", "current_schemas",
    "current_setting", "getvariable", "in_search_path", "stats", "vector_type", "sleep_ms", "write_log",
}  # fmt: skip
# the class of the node that * is; the function of that name multiplies
STAR = "STAR"
WHY = "a rebuild would give other rows; what is compared or kept has to stand in the raw columns"
READS = {
    **dict.fromkeys(CLOCK, f"reads the clock: {WHY}"),
    **dict.fromkeys(CHANCE, f"is left to chance: {WHY}"),
    **dict.fromkeys(SESSION, f"depends on the session: {WHY}"),
    STAR: "reads whatever columns an object has; name those that are meant",
}


def unsettled(connection: Any, sql: str, names: AbstractSet[str]) -> str:
    """What is unsettled in a SELECT that binds, as a sentence; empty where nothing is.

    Args:
        connection: any DuckDB connection; it only parses.
        sql: one SELECT.
        names: columns that it may read, in lower case: DuckDB takes a column before a word such as current_date;
            and STAR where * may stand for all of a relation.
    """
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    return unsettled_in(tree, names)


def unsettled_in(tree: Any, names: AbstractSet[str]) -> str:
    """The same of a SELECT that json_serialize_sql has parsed."""
    return next(_found(tree, names), "")


def _found(node: Any, names: AbstractSet[str]) -> Iterator[str]:
    if isinstance(node, dict):
        name, shown = _called(node, names)
        if name in READS:
            yield f"{shown} {READS[name]}"
        node = [*node.values()]
    for item in node if isinstance(node, list) else ():
        yield from _found(item, names)


def _called(node: dict[str, Any], names: AbstractSet[str]) -> tuple[str, str]:
    """The function that a node calls, in lower case, and as it is shown. age() of one time is that until now."""
    if node.get("class") == "FUNCTION":
        name = str(node["function_name"]).lower()
        return ("now" if name == "age" and len(node["arguments"]) == 1 else name), f"{name}()"
    path = node.get("column_names")
    if node.get("class") == "COLUMN_REF" and isinstance(path, list) and len(path) == 1:
        name = str(path[0]).lower()
        return ("" if name in names else name), name
    return (STAR if node.get("class") == STAR and STAR not in names else ""), "*"
