"""A load that failed is asked for again, for the same days, until one succeeds.

By the time a load fails the messages that asked for it are gone: without this, what was dropped would stay out of the
warehouse until somebody noticed. Errors that only a person can mend are logged once and left to that person.
"""

import datetime as dt
import logging
from datetime import date

import dagster as dg

from orchestration.asking import sensor_of_loads
from orchestration.calls import is_permanent
from orchestration.evaluations import BLOCKED
from orchestration.failures import failures
from orchestration.loads import (
    RANGE_END,
    RANGE_START,
    REBUILD_TAG,
    SOURCE_TAG,
    asset_graph,
    core_key,
    has_day,
    is_paused,
    load_request,
)

logger = logging.getLogger(__name__)

# The step has tried for minutes before its run failed. Doubled with every run, up to an hour.
FIRST_DELAY = dt.timedelta(minutes=1)
LONGEST_DELAY = dt.timedelta(hours=1)
ATTEMPT_TAG = "analytics/attempt"
PERMANENT_TAG = "analytics/permanent-error"
# A run that ends while a tick looks may carry a moment before that tick.
OVERLAP = dt.timedelta(minutes=5)


@sensor_of_loads("Asks again for loads that failed, later and later, unless only a person can mend the error.")
def failed_loads(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Runs for the days of loads whose delay is over; the cursor is the moment before which nothing is open."""
    now = dt.datetime.now(dt.UTC)
    records = _failed(context)
    waiting = [record for record in records if _is_open(context, record)]
    requests = [_request(context, record.dagster_run) for record in waiting if now >= _due(record)]
    cursor = min([now - OVERLAP, *(_failed_at(record) - OVERLAP for record in waiting)]).isoformat()
    if not requests:
        return dg.SensorResult(skip_reason=f"{len(waiting)} failed loads wait for their next try", cursor=cursor)
    return dg.SensorResult(run_requests=requests, cursor=cursor)


def _failed(context: dg.SensorEvaluationContext) -> list[dg.RunRecord]:
    sources = [key.path[-1] for key in asset_graph(context).get_all_asset_keys() if key.path[0] == "core"]
    filters = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE],
        tags={SOURCE_TAG: sorted(sources)},
        updated_after=dt.datetime.fromisoformat(context.cursor) if context.cursor else None,
    )
    return [record for record in context.instance.get_run_records(filters) if RANGE_START in record.dagster_run.tags]


def _is_open(context: dg.SensorEvaluationContext, record: dg.RunRecord) -> bool:
    """Whether nothing has come after the failure that settles it or will."""
    run = record.dagster_run
    first, last = _days(run)
    if is_paused(context, run.tags[SOURCE_TAG]):
        return False
    if not (has_day(context, run.tags[SOURCE_TAG], first) and has_day(context, run.tags[SOURCE_TAG], last)):
        return False
    if _newest(context, run) != run.run_id or _is_loaded(context, record):
        return False
    if PERMANENT_TAG in run.tags:
        return False
    kinds = {kind for failure in failures(context.instance, run.run_id) for kind in failure.kinds}
    if kinds == {BLOCKED}:
        return False
    permanent = sorted(kind for kind in kinds if is_permanent(kind))
    if permanent:
        _give_up(context, run, ", ".join(permanent))
    return not permanent


def _give_up(context: dg.SensorEvaluationContext, run: dg.DagsterRun, kinds: str) -> None:
    """Say once that the load waits for a person: in the log, and by a tag of the run that the runs page can filter."""
    first, last = _days(run)
    source = run.tags[SOURCE_TAG]
    context.instance.add_run_tags(run.run_id, {PERMANENT_TAG: kinds})
    message = "run %s failed with %s and is not tried again: mend what it says, then materialize core/%s from %s to %s"
    logger.error(message, run.run_id, kinds, source, first, last)
    context.log.error(message, run.run_id, kinds, source, first, last)


def _newest(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> str:
    """The id of the last run that was asked for with these days; a cancelled one is somebody's decision."""
    same = {name: run.tags[name] for name in (SOURCE_TAG, RANGE_START, RANGE_END)}
    return context.instance.get_run_records(dg.RunsFilter(tags=same), limit=1)[0].dagster_run.run_id


def _is_loaded(context: dg.SensorEvaluationContext, record: dg.RunRecord) -> bool:
    """Whether every day was loaded after the failure, by whatever run: loads of a source follow one another."""
    first, last = _days(record.dagster_run)
    days = {(first + dt.timedelta(days=n)).isoformat() for n in range((last - first).days + 1)}
    since = record.end_time or _failed_at(record).timestamp()
    wanted = dg.AssetRecordsFilter(
        asset_key=core_key(record.dagster_run.tags[SOURCE_TAG]), asset_partitions=sorted(days), after_timestamp=since
    )
    cursor, more = None, True
    while days and more:
        found = context.instance.fetch_materializations(wanted, limit=1000, cursor=cursor)
        days -= {event.partition_key for event in found.records if event.partition_key}
        cursor, more = found.cursor, found.has_more
    return not days


def _request(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> dg.RunRequest:
    # named after the run that failed: whatever a tick repeats, that run is followed by one
    return load_request(
        context,
        run.tags[SOURCE_TAG],
        _days(run),
        run_key=f"after {run.run_id}",
        anew=REBUILD_TAG in run.tags,
        tags={ATTEMPT_TAG: str(_attempt(run) + 1)},
    )


def _due(record: dg.RunRecord) -> dt.datetime:
    # the exponent has a limit of its own: a timedelta has one too
    delay: dt.timedelta = FIRST_DELAY * 2 ** min(_attempt(record.dagster_run) - 1, 10)
    return _failed_at(record) + min(delay, LONGEST_DELAY)


def _attempt(run: dg.DagsterRun) -> int:
    return int(run.tags.get(ATTEMPT_TAG, "1"))


def _days(run: dg.DagsterRun) -> tuple[date, date]:
    return date.fromisoformat(run.tags[RANGE_START]), date.fromisoformat(run.tags[RANGE_END])


def _failed_at(record: dg.RunRecord) -> dt.datetime:
    moment: dt.datetime = record.update_timestamp
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
