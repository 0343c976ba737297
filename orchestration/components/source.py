"""A folder under assets/sources becomes raw/<source>, core/<source>, its proof, and the schedule that it has."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

import dagster as dg

from lambdas.common.contract import Contract, load_contract
from lambdas.common.source import SourceConfig, parse_source_config
from orchestration.calls import ask_function, call_function, metadata
from orchestration.components.common import RETRIES, build_spec, freshness_policy, table_metadata
from orchestration.components.proof import build_proof
from orchestration.components.quality import build_quality
from orchestration.components.scaffolding import SourceScaffolder
from orchestration.days import LANDED, LOADED, Day, chart, day_metadata, every_day, work_table
from orchestration.landings import of_ledger
from orchestration.loads import PAUSED_TAG, REBUILD_TAG
from orchestration.resources import Cloud
from orchestration.schedules import build_daily_schedule

# The functions read the same file without Dagster's templates, and dlt's configuration has braces of its own
AsWritten = dg.Resolver.passthrough()
# What a run's table of its work is called, by the function that did it.
WORK = {"ingest": "landing", "process": "load"}


@dg.scaffold_with(SourceScaffolder)
class Source(dg.Component, dg.Model, dg.Resolvable):
    """An external system that lands in the lake: where its data comes from (`extract`), since when, and how often.

    `start` is the first UTC day (YYYY-MM-DD) and `end` the last where there is one, `schedule` a cron line in UTC;
    `extract` holds one of rest_api, filesystem or sql_database in dlt's configuration. Without `extract` others drop
    the files. While `paused` nothing of the source runs by itself.
    """

    start: Annotated[str, AsWritten]
    end: Annotated[str | None, AsWritten] = None
    paused: bool = False
    schedule: Annotated[str | None, AsWritten] = None
    extract: Annotated[dict[str, Any] | None, AsWritten] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The source's assets, check and schedule; reads the contract beside the defs.yaml and nothing else.

        Raises:
            ContractError: the contract cannot be read.
            ValueError: an attribute is malformed.
        """
        config = parse_source_config(context.path.name, self.model_dump())
        contract = load_contract(context.path / "contract.yaml", "source")
        days = _days(config)
        raw = _raw_spec(contract, days)
        core = _core_spec(contract, config, days)
        if config.paused:
            raw, core = (_paused(spec) for spec in (raw, core))
        extracted = config.extract is not None
        assets = [_asset(raw, "ingest") if extracted else raw, _asset(core, "process", tells_raw=not extracted)]
        proof = build_proof(contract, extracted=extracted)
        return dg.Definitions(
            assets=assets, asset_checks=[proof, build_quality(contract, config)], schedules=_schedules(config)
        )


def _days(config: SourceConfig) -> dg.DailyPartitionsDefinition:
    """The days that `SourceConfig.has_day` says the source has; Dagster's end is the first day after.

    Of a source that starts tomorrow Dagster's page offers that day already. An offset of 0 until then would leave today
    out for as long as these definitions are not loaded anew; `loads.has_day` keeps everybody else from it.
    """
    after = (config.end + dt.timedelta(days=1)).isoformat() if config.end else None
    return dg.DailyPartitionsDefinition(config.start.isoformat(), end_date=after, timezone="UTC", end_offset=1)


def _paused(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The specification with what people and sensors are told: nothing of the source runs by itself."""
    text = f"Paused in its defs.yaml: nothing of it runs by itself. {spec.description}"
    return spec.merge_attributes(tags={PAUSED_TAG: "true"}).replace_attributes(description=text)


def _schedules(config: SourceConfig) -> list[dg.ScheduleDefinition]:
    return [build_daily_schedule(config)] if config.scheduled else []


def _raw_spec(contract: Contract, days: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    columns = [dg.TableColumn(name, "as delivered", description=_use(contract, name)) for name in contract.raw_columns]
    return build_spec(
        contract,
        "raw",
        group=contract.name,
        kinds={"s3", "parquet"},
        description=f"{contract.title} as delivered: the Parquet files under raw/{contract.name}/, by UTC day.",
        partitions_def=days,
        code_version=contract.hash,
        metadata={"s3_prefix": f"raw/{contract.name}/", "dagster/column_schema": dg.TableSchema(columns)},
    )


def _use(contract: Contract, raw_column: str) -> str:
    """What is made from a raw column, in words as the columns of the table have them."""
    made = [column.name for column in contract.columns if raw_column in column.sources]
    return f"Makes core/{contract.name}: {', '.join(made)}."


def _core_spec(contract: Contract, config: SourceConfig, days: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    raw = dg.AssetKey(["raw", contract.name])
    lineage = {c.name: [dg.TableColumnDep(raw, name) for name in c.sources] for c in contract.columns}
    return build_spec(
        contract,
        "core",
        group=contract.name,
        kinds={"redshift"},
        deps=[raw],
        freshness_policy=_freshness(contract, config),
        partitions_def=days,
        code_version=contract.hash,
        metadata={"s3_prefix": f"curated/{contract.name}/", **table_metadata(contract, lineage)},
    )


def _freshness(contract: Contract, config: SourceConfig) -> dg.FreshnessPolicy | None:
    """How often a load is expected; None where none is, because the source is paused or has ended."""
    now = dt.datetime.now(dt.UTC)
    return freshness_policy(contract) if config.watched_until(now) == now else None


def _asset(spec: dg.AssetSpec, function: str, *, tells_raw: bool = False) -> dg.AssetsDefinition:
    """An asset whose days one call of a function brings about, a range in one run.

    raw/<source>: ingest extracts the days of the run in one pass and lands them. core/<source>: process brings the
    table to what lies under raw/; `tells_raw` where that is what others drop, and no run of its own counts it.
    """
    name = "__".join(spec.key.path)

    @dg.multi_asset(
        specs=[spec],
        name=name,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRIES,
        pool=name,
    )
    def call(context: dg.AssetExecutionContext, cloud: Cloud) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return _materialize(context, cloud, function, spec=spec, tells_raw=tells_raw)

    return call


def _materialize(
    context: dg.AssetExecutionContext, cloud: Cloud, function: str, *, spec: dg.AssetSpec, tells_raw: bool
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    window = context.partition_time_window
    span = {"start": f"{window.start:%Y-%m-%d}", "end": f"{window.end:%Y-%m-%d}"}
    asked = {"source": spec.key.path[-1], **span, "requested_by": context.run.run_id}
    if function == "process":
        asked["action"] = "rebuild" if REBUILD_TAG in context.run.tags else "load"
    found = metadata({**call_function(context, cloud, function, event=asked), **span})
    days = ask_function(context, cloud, function, event={**asked, "action": "days"})["days"]
    for day in days if tells_raw else ():
        context.log_event(of_ledger(spec.key.path[-1], day))
    # what people look for stands first; every day of the run carries all of this, so that no number is among it
    shown = {WORK[function]: work_table(found), "days": _show_days(context, function, days)}
    told = {name: value for name, value in found.items() if not isinstance(value, int | float)}
    prefix = f"s3://{cloud.parameter('lake/bucket')}/{spec.metadata['s3_prefix']}"
    return dg.MaterializeResult(metadata={**shown, **told, "uri": dg.MetadataValue.url(prefix)})


def _show_days(context: dg.AssetExecutionContext, function: str, days: Sequence[Day]) -> dg.MarkdownMetadataValue:
    """Adds each day's counts to its partition; the chart of all for the run."""
    columns = LANDED if function == "ingest" else LOADED
    for day in every_day(days, context.partition_keys, columns):
        context.add_asset_metadata(day_metadata(day, columns), partition_key=day["day"])
    return chart(days, columns)
