"""What is wrong with a query of a mart or a rule, as far as the contracts tell: tables, columns, what it groups by.

Functions are left to the warehouse, which alone knows all of them. Needs sqlglot, which the images do not carry.
"""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope, walk_in_scope

from lambdas.common.contract.mart_grouping import find_ungrouped
from lambdas.common.contract.mart_scopes import Tables, aliases_of, columns_of, outer_scopes, sources_of
from lambdas.common.contract.model import Contract
from lambdas.common.contract.places import near
from lambdas.common.contract.quality import place_of, table_query
from lambdas.common.contract.sound import Mistake

SCHEMAS = ("core", "mart")
Told = tuple[int | None, str]


def find_query_mistakes(sql: str, tables: Tables) -> list[Told]:
    """What the warehouse would refuse of a SELECT, each with its line in the text."""
    try:
        query = sqlglot.parse_one(sql, dialect="redshift")
    except SqlglotError as error:
        return [_unreadable(error)]
    if not isinstance(query, exp.Query):
        return [(None, f"holds {query.key.upper()}; one SELECT is meant")]
    found = [*_find_tables(query, tables)]
    for scope in traverse_scope(query):
        if isinstance(scope.expression, exp.Select):
            found += _find_columns(scope, tables)
            found += [(line_of(node), text) for node, text in find_ungrouped(scope, tables)]
    return sorted(dict.fromkeys(found), key=lambda told: told[0] or 0)


def find_rule_mistakes(contract: Contract, tables: Tables) -> Iterator[Mistake]:
    """What the warehouse would refuse of the contract's rules over its table."""
    for rule in contract.table_rules:
        for _, text in find_query_mistakes(table_query(contract, rule), tables):
            yield Mistake(f"quality rule {rule.name!r}: {text}", rule.column, place_of(rule))


def given_columns(sql: str) -> list[str] | None:
    """The columns that the SELECT gives, in lower case; None where it cannot be read, or gives one without a name."""
    try:
        query = sqlglot.parse_one(sql, dialect="redshift")
    except SqlglotError:
        return None
    names = [name.lower() for name in query.named_selects] if isinstance(query, exp.Query) else []
    return names if names and all(name not in ("", "*") for name in names) else None


def line_of(node: exp.Expr) -> int | None:
    """The line on which the expression's first name stands, from 1."""
    lines = [name.meta["line"] for name in node.find_all(exp.Identifier) if "line" in name.meta]
    return min(lines, default=None)


def _unreadable(error: SqlglotError) -> Told:
    place = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    near_by = f" near {place['highlight']!r}" if place.get("highlight") else ""
    return place.get("line"), f"cannot be read as one SELECT: {place.get('description') or error}{near_by}"


def _find_tables(query: exp.Query, tables: Tables) -> Iterator[Told]:
    own = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        name = f"{table.db}.{table.name}".lower()
        if not isinstance(table.this, exp.Identifier) or name in tables or (not table.db and table.name.lower() in own):
            continue
        yield line_of(table), _unknown_table(table, tables)


def _unknown_table(table: exp.Table, tables: Tables) -> str:
    schema, name = table.db.lower(), table.name.lower()
    elsewhere = [f"{other}.{name}" for other in SCHEMAS if f"{other}.{name}" in tables]
    if schema not in SCHEMAS:
        meant = f"; did you mean {elsewhere[0]!r}?" if elsewhere else ""
        return f"reads {table.sql()}; a mart reads core.<source> and mart.<mart> only{meant}"
    kind = "source" if schema == "core" else "mart"
    if elsewhere:
        return f"reads {schema}.{name}, and there is no {kind} {name}; did you mean {elsewhere[0]!r}?"
    names = [known.partition(".")[2] for known in tables if known.startswith(f"{schema}.")]
    return f"reads {schema}.{name}, and there is no {kind} {name}{near(name, names)}"


def _find_columns(scope: Scope, tables: Tables) -> Iterator[Told]:
    for column in walk_in_scope(scope.expression):
        if isinstance(column, exp.Column) and not column.is_star:
            known = _names(scope, column, tables)
            if known is not None and column.name.lower() not in known:
                yield line_of(column), f"{column.sql()} is no column of {_where(scope, column)}{_meant(column, known)}"


def _names(scope: Scope, column: exp.Column, tables: Tables) -> list[str] | None:
    """The names that the column may have where it stands; None where they cannot all be known."""
    around = outer_scopes(scope)
    if column.table:
        named = [sources_of(one)[column.table.lower()] for one in around if column.table.lower() in sources_of(one)]
        # what is no alias is a column of SUPER that is looked into, or a schema in front of a table
        known = columns_of(named[0], tables) if named and not column.db else None
        return None if known is None else list(known)
    lists = [columns_of(source, tables) for one in around for source in sources_of(one).values()]
    if None in lists:
        return None
    return [name for names in lists for name in names or ()] + [name for one in around for name in aliases_of(one)]


def _where(scope: Scope, column: exp.Column) -> str:
    """Whose column it is not: the table's or subquery's where one alone can be meant."""
    sources = {name: source for one in reversed(outer_scopes(scope)) for name, source in sources_of(one).items()}
    meant = [column.table.lower()] if column.table else list(sources)
    if len(meant) > 1:
        return "the tables that are read"
    table = sources[meant[0]] if meant else None
    return f"{table.db}.{table.name}" if isinstance(table, exp.Table) and table.db else "".join(meant) or "any table"


def _meant(column: exp.Column, known: list[str]) -> str:
    return near(column.name, [name for name in known if not name.startswith("_")])
