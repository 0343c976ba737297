"""The views of the marts: made, replaced and dropped, in the order in which they stand on each other.

ops.mart_definition says of each view what it was made from, which tables it reads, and who may read it: the last
outlives a migration that ends between a view's DROP and its CREATE.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db import bi, marts
from lambdas.common.db.columns import compare_view, read_columns
from lambdas.common.db.redshift import execute, query, rollback, transaction
from lambdas.common.db.sql import identifier, statement
from lambdas.common.errors import ContractError, LoadError

# Loads and readers do not touch this table: whoever changes views waits here for others who do.
LOCK = "LOCK ops.mart_definition"
READER = "reader"


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a mart's view: `present` says whether it is there, `inputs` the tables it was made to read."""

    definition_hash: str
    inputs: frozenset[str]
    readers: tuple[str, ...]
    present: bool


def definition_hash(sql: str) -> str:
    """Twelve hex digits over a mart's SELECT; another SELECT is another view."""
    return hashlib.sha256(sql.encode()).hexdigest()[:12]


def migrate_marts(connection: Any, known: Mapping[str, Contract]) -> list[str]:
    """Make the views that are missing and replace those whose SELECT has changed; returns the statements that ran.

    Views that stand on each other are replaced together in one transaction, others each in its own: until its
    commit the former view answers. Who could read a view can read the one that replaces it.

    Raises:
        ContractError: a mart that is no longer declared stands on one that has to be replaced; the warehouse refuses
            a SELECT, or gives other types than its contract says. Its group is as it was.
    """
    views = read_views(connection)
    rollback(connection)
    affected = _affected(known, views)
    ran: list[str] = []
    for group in _groups(affected, known, views):
        with transaction(connection):
            execute(connection, LOCK)
            views = read_views(connection)
            now = [name for name in group if name in _affected(known, views)]
            ran += drop_views(connection, views, now)
            for mart in marts.in_order({name: known[name] for name in now}):
                ran += _create(connection, mart, views.get(mart.name))
    return ran


def require_types(connection: Any, declared: Iterable[Contract]) -> None:
    """Make sure that the views hold what the contracts say, as their readers rely on it: types, lengths, precisions.

    Raises:
        ContractError: names each mart and column that may hold more, or something else.
    """
    refused = []
    for mart in declared:
        reasons = list(compare_view(mart, read_columns(connection, f"mart.{mart.name}")))
        if reasons:
            refused.append(f"mart {mart.name}: {_sql_path(mart)} gives other columns than its contract.yaml says:")
            refused += [f"  - {text}" for text in reasons]
    if refused:
        raise ContractError("\n".join([*refused, "Take CAST(... AS <type>) in mart.sql, or declare the wider type."]))


def _sql_path(mart: Contract) -> str:
    return f"assets/marts/{mart.name}/mart.sql"


def drop_standing_on(connection: Any, table: str, known: Mapping[str, Contract]) -> list[str]:
    """Drop the views that read the table ("schema.name"), directly or not; returns the statements that ran.

    Raises:
        ContractError: one of them is no longer declared, so that nobody could put it back.
    """
    with transaction(connection):
        execute(connection, LOCK)
        views = read_views(connection)
        names = find_standing_on([table], views)
        _require_declared(names, known)
        return drop_views(connection, views, names)


def find_standing_on(tables: Collection[str], views: Mapping[str, View]) -> list[str]:
    """The views that read one of these tables, directly or through other views."""
    return _standing_on(tables, {name: view.inputs for name, view in views.items() if view.present})


def _require_declared(names: Collection[str], known: Mapping[str, Contract]) -> None:
    if orphans := sorted(set(names) - known.keys()):
        raise ContractError(
            f"the mart {orphans[0]} is no longer declared, and its view is in the way of a change. "
            f"Drop it first: .venv/bin/python -m scripts.analytics retire {orphans[0]} --drop"
        )


def read_views(connection: Any) -> dict[str, View]:
    """What is known of the marts' views, by name; one that was made before this was written down has no hash."""
    present = {row["mart"] for row in query(connection, statement("mart_views"))}
    views = {name: View("", frozenset(), (), present=True) for name in present if not name.startswith("mv_tbl__")}
    for row in query(connection, statement("mart_definitions")):
        known = row["inputs"] is not None
        views[row["mart"]] = View(
            definition_hash=row["definition_hash"] if known else "",
            inputs=frozenset(json.loads(row["inputs"] or "[]")),
            readers=tuple(json.loads(row["readers"] or "[]")),
            present=row["mart"] in present,
        )
    return views


def _affected(known: Mapping[str, Contract], views: Mapping[str, View]) -> set[str]:
    """The marts whose view is missing or of another SELECT, and whatever stands on these, then or now."""
    changed = {name for name, mart in known.items() if not _is_current(mart, views.get(name))}
    standing = {f"mart.{name}" for name in changed}
    affected = changed | set(_standing_on(standing, _needs(known, views)))
    _require_declared(affected, known)
    return affected


def _is_current(mart: Contract, view: View | None) -> bool:
    return bool(view and view.present and view.definition_hash == definition_hash(marts.read_sql(mart)))


def _needs(known: Mapping[str, Contract], views: Mapping[str, View]) -> dict[str, frozenset[str]]:
    """What each mart reads, by today's SELECT and by that of the view that is there."""
    declared = {name: _inputs(mart) for name, mart in known.items()}
    there = {name: view.inputs for name, view in views.items() if view.present}
    return {name: declared.get(name, frozenset()) | there.get(name, frozenset()) for name in declared | there}


def _inputs(mart: Contract) -> frozenset[str]:
    return frozenset(f"{schema}.{name}" for schema, name in marts.inputs(marts.read_sql(mart)))


def _standing_on(tables: Collection[str], needs: Mapping[str, Collection[str]]) -> list[str]:
    """The marts that read one of these tables, or a mart that does."""
    reached, found = set(tables), []
    while more := [name for name, need in needs.items() if name not in found and reached & set(need)]:
        found += more
        reached |= {f"mart.{name}" for name in more}
    return found


def _groups(names: Collection[str], known: Mapping[str, Contract], views: Mapping[str, View]) -> Iterator[set[str]]:
    """The names in groups that do not read each other, in the order in which they can be made."""
    needs = _needs(known, views)
    groups: list[set[str]] = []
    for mart in marts.in_order({name: known[name] for name in names}):
        mine = {mart.name}
        joined = [g for g in groups if any(_joined(mart.name, other, needs) for other in g)]
        groups = [g for g in groups if g not in joined] + [mine.union(*joined)]
    yield from groups


def _joined(one: str, other: str, needs: Mapping[str, Collection[str]]) -> bool:
    return f"mart.{one}" in needs[other] or f"mart.{other}" in needs[one]


def drop_order(views: Mapping[str, View], names: Collection[str]) -> list[str]:
    """Those of the views that are there, whoever stands on another first."""
    there = {name: {n.removeprefix("mart.") for n in views[name].inputs} for name in names if _is_there(views, name)}
    return marts.sort_names(there)[::-1]


def drop_view(name: str) -> str:
    """The statement that drops a mart's view."""
    return f"DROP MATERIALIZED VIEW {identifier('mart.' + name)}"


def drop_views(connection: Any, views: Mapping[str, View], names: Collection[str]) -> list[str]:
    """Drop those of the views that are there; who may read them is written down. Returns the statements that ran.

    To be called in a transaction that holds the lock.
    """
    owner = str(query(connection, "SELECT current_user AS name")[0]["name"])
    ran = []
    for name in drop_order(views, names):
        allowed = query(connection, statement("mart_readers"), (owner, f"mart.{name}"))
        values = (json.dumps([row["name"] for row in allowed]), name)
        ran += bi.drop_view(connection, name)
        execute(connection, drop_view(name))
        execute(connection, "UPDATE ops.mart_definition SET readers = %s WHERE mart = %s", values)
        ran.append(drop_view(name))
    return ran


def _is_there(views: Mapping[str, View], name: str) -> bool:
    return name in views and views[name].present


def _create(connection: Any, mart: Contract, former: View | None) -> Iterator[str]:
    """Make the view, let its readers in, and write down what it is. A new view is filled: its first refresh."""
    sql, name = marts.read_sql(mart), identifier("mart." + mart.name)
    seen = marts.read_generations(connection, marts.inputs(sql))
    readers = _readers(connection, mart.name, former)
    grants = [f"GRANT SELECT ON {name} TO {_user(reader)}" for reader in readers]
    create = f"CREATE MATERIALIZED VIEW {name} AS {sql.strip().rstrip(';')}"
    try:
        execute(connection, create)
    except LoadError as error:
        raise ContractError(f"mart {mart.name}: the warehouse refuses {_sql_path(mart)}: {error}") from error
    require_types(connection, [mart])
    yield create
    for text in grants:
        execute(connection, text)
        yield text
    execute(connection, "DELETE FROM ops.mart_definition WHERE mart = %s", (mart.name,))
    values = (mart.name, definition_hash(sql), json.dumps(sorted(_inputs(mart))), json.dumps(readers))
    execute(connection, statement("mart_define"), values)
    marts.write_state(connection, mart, seen)


def _user(name: str) -> str:
    """A user's name as an identifier: people's may hold more than ours do."""
    return '"' + name.replace('"', '""') + '"'


def _readers(connection: Any, name: str, former: View | None) -> Sequence[str]:
    rows = query(connection, "SELECT readers FROM ops.mart_definition WHERE mart = %s", (name,)) if former else []
    kept = {user for row in rows for user in json.loads(row["readers"] or "[]")}
    return sorted(user for user in kept | {READER} if query(connection, statement("user_exists"), (user,)))
