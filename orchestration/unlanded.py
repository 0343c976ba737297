"""Days that were never landed, because the run of their tick failed or there was none, are landed after all.

A day that fails again is asked for once a UTC day; what is older than the first day that was landed when it was news is
history, which a person lands.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from lambdas.common.lake import contiguous
from orchestration.components.landed import DAY, FOLLOWED, UNLANDED, days_of
from orchestration.landings import raw_key
from orchestration.loads import LANDING_TAG, PARTITION, RANGE_END, RANGE_START, has_day, unfinished_runs

HEALING_TAG = "analytics/healing"


def landing_requests(
    context: dg.SensorEvaluationContext, source: str, found: Mapping[str, Any], today: dt.date
) -> Iterator[dg.RunRequest]:
    """Runs of raw/<source>, one a range of days that the evaluation's metadata name and that nobody asked for yet."""
    if FOLLOWED not in found:
        return
    since = dt.date.fromisoformat(found[FOLLOWED].value)
    days = {day for day in days_of(found[UNLANDED].value) if day > since and has_day(context, source, day)}
    asked = _asked(context.instance, source, today) if days else set()
    for first, after in contiguous(days - asked):
        yield _request(source, first, after - DAY, today)


def _request(source: str, first: dt.date, last: dt.date, today: dt.date) -> dg.RunRequest:
    return dg.RunRequest(
        asset_selection=[raw_key(source)],
        asset_check_keys=[],
        run_key=f"unlanded|{source}|{first}/{last}|{today}",
        tags={RANGE_START: str(first), RANGE_END: str(last), LANDING_TAG: source, HEALING_TAG: "true"},
    )


def _asked(instance: dg.DagsterInstance, source: str, today: dt.date) -> set[dt.date]:
    """The days of landings that wait or run, whoever asked for them, and of those that were healing's own today."""
    own, midnight = {LANDING_TAG: source, HEALING_TAG: "true"}, dt.datetime.combine(today, dt.time(), dt.UTC)
    tried = instance.get_runs(dg.RunsFilter(tags=own, created_after=midnight))
    runs = [*tried, *unfinished_runs(instance, {raw_key(source)})]
    return {day for run in runs for day in _days_of(run.tags)}


def _days_of(tags: Mapping[str, str]) -> set[dt.date]:
    first = tags.get(RANGE_START, tags.get(PARTITION))
    return days_of([f"{first}/{tags.get(RANGE_END, first)}"]) if first else set()
