"""A folder under assets/marts becomes mart/<mart>; what it reads is found by parsing its mart.sql."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from lambdas.common.contract import Contract, load_contract
from lambdas.common.errors import ContractError
from orchestration.automation import refresh_after_inputs
from orchestration.calls import call_function, metadata
from orchestration.components.common import RETRIES, build_spec, freshness_policy, table_metadata
from orchestration.components.current import build_current
from orchestration.components.quality import build_mart_quality
from orchestration.components.scaffolding import MartScaffolder
from orchestration.resources import Cloud

SCHEMAS = ("core", "mart")
DIALECT = "redshift"


@dg.scaffold_with(MartScaffolder)
class Mart(dg.Component, dg.Model, dg.Resolvable):
    """A materialized view over core tables and other marts, refreshed once after its inputs changed."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The mart's asset; reads contract.yaml and mart.sql beside the defs.yaml, and the contracts of its inputs.

        Raises:
            ContractError: a file cannot be read, or mart.sql reads a table that is neither core.x nor mart.y.
        """
        contract = load_contract(context.path / "contract.yaml", "mart")
        path = context.path / "mart.sql"
        mart = _mart_asset(_mart_spec(contract, path, path.read_text(encoding="utf-8")))
        checks = [build_current(contract), *build_mart_quality(contract)]
        return dg.Definitions(assets=[mart], asset_checks=checks)


def _mart_spec(contract: Contract, path: Path, sql: str) -> dg.AssetSpec:
    query = _parse(path, sql)
    tables = _tables(path, query)
    digest = hashlib.sha256(sql.encode()).hexdigest()[:12]
    return build_spec(
        contract,
        "mart",
        group="marts",
        kinds={"redshift", "sql"},
        deps=[dg.AssetKey([schema, name]) for schema, name in tables],
        automation_condition=refresh_after_inputs(),
        freshness_policy=freshness_policy(contract),
        code_version=f"{contract.hash}-{digest}",
        metadata={"sql": dg.MetadataValue.md(f"```sql\n{sql.strip()}\n```"), **_table(contract, query, tables)},
    )


def _parse(path: Path, sql: str) -> exp.Query:
    try:
        query = sqlglot.parse_one(sql, dialect=DIALECT)
    except SqlglotError as error:
        raise ContractError(f"{path}: cannot be parsed as one SELECT: {error}") from error
    if not isinstance(query, exp.Query):
        raise ContractError(f"{path}: holds {query.key.upper()}; a mart is one SELECT")
    return query


def _tables(path: Path, query: exp.Query) -> list[tuple[str, str]]:
    """Schema and name of each table that the query reads, sorted."""
    own = {cte.alias for cte in query.find_all(exp.CTE)}
    read = {(t.db, t.name) for t in query.find_all(exp.Table) if t.db or t.name not in own}
    for schema, name in sorted(read):
        if schema not in SCHEMAS:
            raise ContractError(f"{path}: reads {schema}.{name}; a mart reads core.<source> and mart.<mart> only")
    return sorted(read)


def _table(contract: Contract, query: exp.Query, tables: list[tuple[str, str]]) -> dict[str, object]:
    found = _column_lineage(query, _input_columns(contract.path.parents[2], tables))
    return table_metadata(contract, {c.name: found.get(c.name, []) for c in contract.columns})


def _input_columns(assets: Path, tables: list[tuple[str, str]]) -> dict[str, dict[str, dict[str, str]]]:
    """Types of the inputs' columns by schema, table and column, in sqlglot's shape."""
    columns: dict[str, dict[str, dict[str, str]]] = {}
    for schema, name in tables:
        folder, kind = ("sources", "source") if schema == "core" else ("marts", "mart")
        contract = load_contract(assets / folder / name / "contract.yaml", kind)  # type: ignore[arg-type]
        columns.setdefault(schema, {})[name] = {c.name: c.physical_type for c in contract.columns}
    return columns


def _column_lineage(query: exp.Query, schema: Mapping[str, object]) -> dict[str, list[dg.TableColumnDep]]:
    """Columns of the inputs that each column is made from; none where it counts rows or cannot be followed."""
    try:
        roots = lineage(None, query, schema=dict(schema), dialect=DIALECT)
    except SqlglotError:
        return {}
    return {column: _inputs(root) for column, root in roots.items()}


def _inputs(root: Node) -> list[dg.TableColumnDep]:
    found = {_input(node, node.source) for node in root.walk() if isinstance(node.source, exp.Table) and node.source.db}
    return [dg.TableColumnDep(dg.AssetKey([db, table]), name) for db, table, name in sorted(found)]


def _input(node: Node, table: exp.Table) -> tuple[str, str, str]:
    return table.db, table.name, node.name.rpartition(".")[2].strip('"')


def _mart_asset(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    """mart/<mart>: process refreshes the materialized view."""

    @dg.multi_asset(specs=[spec], name="__".join(spec.key.path), retry_policy=RETRIES)
    def refresh(context: dg.AssetExecutionContext, cloud: Cloud) -> dg.MaterializeResult:  # type: ignore[type-arg]
        name = spec.key.path[-1]
        answer = call_function(context, cloud, "process", event={"action": "refresh", "marts": [name]})
        answer["dagster/row_count"] = answer.pop("rows", {}).get(name)
        return dg.MaterializeResult(metadata=metadata(answer))

    return refresh
