"""A folder under assets/sources becomes raw/<source>, core/<source> and, where it has a schedule, that schedule."""

from typing import Annotated, Any

import dagster as dg

from lambdas.common.contract import Contract, load_contract
from lambdas.common.source import SourceConfig, parse_source_config
from orchestration.calls import call_function, metadata
from orchestration.components.common import RETRIES, build_spec, table_metadata
from orchestration.resources import Cloud
from orchestration.schedules import build_daily_schedule

# dlt's configuration has braces of its own: what stands in the file reaches ingest as it stands
AsWritten = dg.Resolver(lambda _context, value: value, model_field_type=dict[str, Any])
DayAsText = dg.Resolver(lambda _context, value: str(value), model_field_type=str)


class Source(dg.Component, dg.Model, dg.Resolvable):
    """An external system that lands in the lake: where its data comes from (`extract`), since when, and how often.

    `start` is the first UTC day (YYYY-MM-DD), `schedule` a cron line in UTC; `extract` holds one of rest_api,
    filesystem or sql_database in dlt's configuration. Without `extract` others drop the files.
    """

    start: Annotated[str, DayAsText]
    schedule: str | None = None
    extract: Annotated[dict[str, Any] | None, AsWritten] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The source's assets and schedule; reads the contract beside the defs.yaml and nothing else.

        Raises:
            ContractError: the contract cannot be read.
            ValueError: an attribute is malformed.
        """
        config = parse_source_config(context.path.name, self.model_dump())
        contract = load_contract(context.path / "contract.yaml", "source")
        days = dg.DailyPartitionsDefinition(start_date=config.start.isoformat(), timezone="UTC", end_offset=1)
        raw = _raw_spec(contract, days)
        landed: dg.AssetSpec | dg.AssetsDefinition = raw if config.extract is None else _raw_asset(raw)
        assets = [landed, _core_asset(_core_spec(contract, days))]
        return dg.Definitions(assets=assets, schedules=_schedules(config))


def _schedules(config: SourceConfig) -> list[dg.ScheduleDefinition]:
    if config.schedule is None or config.extract is None:
        return []
    return [build_daily_schedule(config.name, config.schedule)]


def _raw_spec(contract: Contract, days: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    columns = [dg.TableColumn(name, "as delivered") for name in contract.raw_columns]
    return build_spec(
        contract,
        "raw",
        group=contract.name,
        kinds={"s3", "parquet"},
        partitions_def=days,
        code_version=contract.hash,
        metadata={"s3_prefix": f"raw/{contract.name}/", "dagster/column_schema": dg.TableSchema(columns)},
    )


def _core_spec(contract: Contract, days: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    raw = dg.AssetKey(["raw", contract.name])
    lineage = {c.name: [dg.TableColumnDep(raw, name) for name in c.sources] for c in contract.columns}
    return build_spec(
        contract,
        "core",
        group=contract.name,
        kinds={"redshift"},
        deps=[raw],
        partitions_def=days,
        code_version=contract.hash,
        metadata={"s3_prefix": f"curated/{contract.name}/", **table_metadata(contract, lineage)},
    )


def _raw_asset(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    """raw/<source>: ingest extracts the days of the run in one pass and lands them."""
    return _asset(spec, "ingest", {})


def _core_asset(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    """core/<source>: process brings the table to what lies under raw/ for the days of the run."""
    return _asset(spec, "process", {"action": "load"})


def _asset(spec: dg.AssetSpec, function: str, action: dict[str, str]) -> dg.AssetsDefinition:
    """An asset whose days one call of a function brings about, a range in one run."""
    name = "__".join(spec.key.path)

    @dg.multi_asset(
        specs=[spec],
        name=name,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRIES,
        pool=name,
    )
    def call(context: dg.AssetExecutionContext, cloud: Cloud) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return _materialize(context, cloud, function, spec=spec, action=action)

    return call


def _materialize(
    context: dg.AssetExecutionContext, cloud: Cloud, function: str, *, spec: dg.AssetSpec, action: dict[str, str]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    window = context.partition_time_window
    days = {"start": f"{window.start:%Y-%m-%d}", "end": f"{window.end:%Y-%m-%d}"}
    asked = {**action, "source": spec.key.path[-1], **days, "requested_by": context.run.run_id}
    answer = call_function(context, cloud, function, event=asked)
    prefix = f"s3://{cloud.parameter('lake/bucket')}/{spec.metadata['s3_prefix']}"
    return dg.MaterializeResult(metadata={**metadata({**answer, **days}), "uri": dg.MetadataValue.url(prefix)})
