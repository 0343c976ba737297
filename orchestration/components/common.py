"""What every asset of a dataset carries, set in one place so that none forgets it."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import dagster as dg

from lambdas.common.contract import Column, Contract

# Errors that the next call may mend (a busy warehouse, a source that asks to come again): about two and a half minutes
# in all, which outlasts a restart of the warehouse.
RETRIES = dg.RetryPolicy(max_retries=5, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

CODE = (".yaml", ".sql", ".py")


def build_spec(
    contract: Contract, layer: str, *, group: str, kinds: set[str], metadata: Mapping[str, Any], **more: Any
) -> dg.AssetSpec:
    """The specification of the asset <layer>/<dataset>, with links to its files; `more` is dg.AssetSpec's.

    What it says of itself is plain text: the catalog shows it as it stands.
    """
    return dg.AssetSpec(
        key=[layer, contract.name],
        group_name=group,
        kinds=kinds,
        owners=[f"team:{contract.team}"] if contract.team else [],
        tags=dict.fromkeys(contract.tags, ""),
        **{"description": f"{contract.title}. {contract.description}", **more},
        metadata={**metadata, "dagster/code_references": _files(contract)},
    )


def _files(contract: Contract) -> dg.CodeReferencesMetadataValue:
    """The files of the dataset's folder but defs.yaml, which Dagster adds itself, and the component that reads them."""
    paths = [path for path in sorted(contract.path.parent.iterdir()) if path.suffix in CODE]
    named = [path for path in paths if path.name not in ("defs.yaml", "__init__.py")]
    named.append(Path(__file__).with_name(f"{contract.kind}.py"))
    return dg.CodeReferencesMetadataValue(
        code_references=[dg.LocalFileCodeReference(file_path=str(path), label=path.name) for path in named]
    )


def freshness_policy(contract: Contract) -> dg.FreshnessPolicy | None:
    """Dagster's policy after the contract's `freshness`; None where it has none."""
    return dg.FreshnessPolicy.time_window(fail_window=contract.freshness) if contract.freshness else None


def table_metadata(contract: Contract, lineage: Mapping[str, list[dg.TableColumnDep]]) -> dict[str, Any]:
    """Name, columns and column lineage of the dataset's table in the warehouse, under Dagster's own keys.

    Dagster's page has no picture of the lineage of columns: each column says in words what it is made from.
    """
    return {
        "dagster/table_name": f"{contract.schema}.{contract.name}",
        "dagster/column_schema": dg.TableSchema([_table_column(c, lineage.get(c.name, [])) for c in contract.columns]),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
    }


def _table_column(column: Column, made_from: Sequence[dg.TableColumnDep]) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        column.physical_type,
        description=" ".join(filter(None, [column.description, _origin(made_from)])) or None,
        constraints=dg.TableColumnConstraints(nullable=not column.required, unique=column.unique),
    )


def _origin(columns: Sequence[dg.TableColumnDep]) -> str:
    """Assets and their columns in words: From core/weather: precip, temp."""
    assets = groupby(columns, key=lambda column: column.asset_key.to_user_string())
    texts = [f"{asset}: {', '.join(column.column_name for column in found)}" for asset, found in assets]
    return f"From {'; '.join(texts)}." if texts else ""
