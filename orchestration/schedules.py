"""When sources are asked: by the cron line of their defs.yaml, in UTC."""

import datetime as dt

import dagster as dg


def build_daily_schedule(source: str, cron: str) -> dg.ScheduleDefinition:
    """The schedule that lands the latest complete UTC day of a source at every tick of `cron`.

    Late data of former days is the sensor's and the reconciliation's business, and a backfill's.
    """

    @dg.schedule(
        name=f"{source}_landing",
        cron_schedule=cron,
        execution_timezone="UTC",
        target=dg.AssetSelection.assets(dg.AssetKey(["raw", source])),
        description=f"Lands yesterday (UTC) of {source}.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def land_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(partition_key=latest_complete_day(context.scheduled_execution_time).isoformat())

    return land_yesterday


def latest_complete_day(moment: dt.datetime) -> dt.date:
    """The last UTC day that is over at an aware moment."""
    return moment.astimezone(dt.UTC).date() - dt.timedelta(days=1)
