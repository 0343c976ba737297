"""What every asset of a dataset carries, set in one place so that none forgets it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lambdas.common.contract import Column, Contract

# Errors that the next call may mend (a busy warehouse, a source that asks to come again): about two and a half minutes
# in all, which outlasts a restart of the warehouse.
RETRIES = dg.RetryPolicy(max_retries=5, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def build_spec(contract: Contract, layer: str, *, group: str, kinds: set[str], **more: Any) -> dg.AssetSpec:
    """The specification of the asset <layer>/<dataset>; `more` goes to dg.AssetSpec as it is."""
    return dg.AssetSpec(
        key=[layer, contract.name],
        group_name=group,
        kinds=kinds,
        owners=[f"team:{contract.team}"] if contract.team else [],
        tags=dict.fromkeys(contract.tags, ""),
        description=f"**{contract.title}.** {contract.description}",
        **more,
    )


def table_metadata(contract: Contract, lineage: Mapping[str, list[dg.TableColumnDep]]) -> dict[str, Any]:
    """Name, columns and column lineage of the dataset's table in the warehouse, under Dagster's own keys."""
    return {
        "dagster/table_name": f"{contract.schema}.{contract.name}",
        "dagster/column_schema": dg.TableSchema([_table_column(column) for column in contract.columns]),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
    }


def _table_column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        column.physical_type,
        description=column.description or None,
        constraints=dg.TableColumnConstraints(nullable=not column.required, unique=column.unique),
    )
