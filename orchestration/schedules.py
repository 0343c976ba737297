"""When sources are asked: by the cron line of their defs.yaml, in UTC. And when they are proved: by hour and night."""

import datetime as dt
from typing import Any

import dagster as dg

from lambdas.common.source import SourceConfig
from orchestration.loads import LANDING_TAG, LAST_DAYS_TAG
from orchestration.resources import Cloud

# after the sources' daily landings, and at an hour when dashboards sleep
NIGHTLY_CRON = "30 4 * * *"
# most of what goes wrong is of the last days; beside the hour, when everybody's schedules begin
HOURLY_CRON = "17 * * * *"
HOURLY_DAYS = 7
PROOF = "proof"


def build_daily_schedule(config: SourceConfig) -> dg.ScheduleDefinition:
    """The schedule that lands the latest complete UTC day of a source at every tick of its cron line.

    A day of which a tick lands nothing, because its run fails or because all is paused, is landed by healing. Late data
    of a day that was landed is a backfill's business.
    """
    name, raw = f"{config.name}_landing", dg.AssetSelection.assets(dg.AssetKey(["raw", config.name]))

    @dg.schedule(
        name=name,
        job=dg.define_asset_job(name, raw.without_checks(), description=f"Lands days of {config.name}."),
        cron_schedule=str(config.schedule),
        execution_timezone="UTC",
        description=f"Lands yesterday (UTC) of {config.name}.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def land_yesterday(context: dg.ScheduleEvaluationContext, cloud: Cloud) -> dg.RunRequest | dg.SkipReason:
        day = latest_complete_day(context.scheduled_execution_time)
        if reason := _reason_to_wait(config, day) or cloud.pause_reason():
            return dg.SkipReason(reason)
        return dg.RunRequest(partition_key=day.isoformat(), tags={LANDING_TAG: config.name})

    return land_yesterday


def _reason_to_wait(config: SourceConfig, day: dt.date) -> str:
    if config.paused:
        return f"{config.name} is paused in its defs.yaml"
    return "" if config.has_day(day, day) else f"{config.name} has no {day}: its defs.yaml says when it starts and ends"


def latest_complete_day(moment: dt.datetime) -> dt.date:
    """The last UTC day that is over at an aware moment."""
    return moment.astimezone(dt.UTC).date() - dt.timedelta(days=1)


def build_proofs() -> list[dg.ScheduleDefinition]:
    """The schedules that run the checks of all sources: hourly over the last days, nightly over all of them."""
    job = dg.define_asset_job(PROOF, dg.AssetSelection.all_asset_checks(), description="Proves every source.")
    return [
        _build_proof("hourly_proof", job, HOURLY_CRON, days=HOURLY_DAYS),
        _build_proof("nightly_proof", job, NIGHTLY_CRON, days=None),
    ]


def _build_proof(name: str, job: Any, cron: str, *, days: int | None) -> dg.ScheduleDefinition:
    tags = {LAST_DAYS_TAG: str(days)} if days else {}

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"Holds lake, ledger and tables against each other: {f'the last {days}' if days else 'all'} days.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def prove(cloud: Cloud) -> dg.RunRequest | dg.SkipReason:
        reason = cloud.pause_reason()
        return dg.SkipReason(reason) if reason else dg.RunRequest(tags=tags)

    return prove
